"""During constant requests a branch moves, a preview stops, a proxy is replaced."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from http.server import ThreadingHTTPServer
from threading import Lock, Thread
from typing import NamedTuple

import pytest

from prevs.records import Placement
from tests.fakes.placements import OTHER_SHA, SHA, placement
from tests.integration.haproxy import proxies
from tests.integration.haproxy.crowds import Crowd, crowd
from tests.integration.haproxy.proxies import Site
from tests.serving import QuietHandler
from tests.waits import wait_until

pytestmark = [pytest.mark.integration]

HOST = "main.hello.localhost"
PATHS = ["/", "/", "/", "/slow"]
"""Three connections ask for what is quick, one for what takes a moment."""
SLOW_SECONDS = 0.1


class Application(ThreadingHTTPServer):
    """It answers with its name, and counts requests that it has not begun to answer."""

    request_queue_size = 128

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.name = name
        self.open = 0
        self.ended = False
        self.lock = Lock()
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def handle_error(self, request: object, client_address: object) -> None:
        """Log nothing about connections that HAProxy drops."""

    def end(self) -> int:
        """End as a killed process does; return how many requests had no answer yet."""
        with self.lock:
            self.ended = True
            left = self.open
        self.shutdown()
        self.server_close()
        self._thread.join()
        return left


class _Handler(QuietHandler):
    server: Application

    def do_GET(self) -> None:
        with self.server.lock:
            if self.server.ended:
                self.close_connection = True
                return
            self.server.open += 1
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/slow":
            time.sleep(SLOW_SECONDS)
        with self.server.lock:  # before its answer can be seen by anybody
            self.server.open -= 1
        self.answer(self.server.name.encode())

    do_POST = do_GET


@pytest.fixture
def run() -> Iterator[Callable[[str], Application]]:
    """A function that runs an application."""
    with contextlib.ExitStack() as stack:

        def start(name: str) -> Application:
            application = Application(name)
            stack.callback(application.end)
            return application

        yield start


def at(application: Application, sha: str, *labels: str, attempt: str = "a1") -> Placement:
    return placement("hello", sha, application.server_port, *labels, attempt=attempt)


def apply(
    site: Site,
    placements: Mapping[str, Placement],
    by: Callable[[Iterable[bool]], bool] = all,
) -> None:
    """Write placements, and wait until all or any of the proxies have reported them."""
    version = site.tree.place("hello", placements)

    def is_applied() -> bool:
        records = site.tree.applied()
        return bool(records) and by(applied.get("hello") == version for applied in records)

    wait_until(is_applied)


class Switch(NamedTuple):
    """A change of where a host leads: when it was written, when all proxies had applied it."""

    written: float
    applied: float
    target: bytes


def test_a_branch_that_moves_loses_no_request_and_sends_none_back(
    site: Site, run: Callable[[str], Application]
) -> None:
    old, new = run("old"), run("new")
    before = {SHA: at(old, SHA, SHA[:7], "main"), OTHER_SHA: at(new, OTHER_SHA, OTHER_SHA[:7])}
    after = {SHA: at(old, SHA, SHA[:7]), OTHER_SHA: at(new, OTHER_SHA, OTHER_SHA[:7], "main")}
    apply(site, before)
    switches: list[Switch] = []
    with crowd([site.proxy.port], HOST, PATHS) as people:
        for turn in range(10):
            target, placements = ((b"new", after), (b"old", before))[turn % 2]
            written = time.monotonic()
            apply(site, placements)
            switches.append(Switch(written, time.monotonic(), target))
            people.go_on(3)
        end = time.monotonic()
    assert people.problems() == []
    for switch, until in zip(switches, [s.written for s in switches[1:]] + [end], strict=True):
        for answers in sent_between(people, switch.written, switch.applied):
            assert answers == sorted(answers, key=switch.target.__eq__), (
                "the route went back and forth"
            )
        for answers in sent_between(people, switch.applied, until):
            assert answers
            assert set(answers) == {switch.target}, "a request went back"


def sent_between(people: Crowd, since: float, until: float) -> list[list[bytes | None]]:
    """Return, for each connection, the answers to the requests of a period."""
    return [
        [one.body for one in visitor.exchanges if since < one.sent < until]
        for visitor in people.visitors
    ]


def test_a_preview_that_stops_and_starts_again_loses_no_request(
    site: Site,
    run: Callable[[str], Application],
    tmp_path_factory: pytest.TempPathFactory,
    free_port: Callable[[], int],
) -> None:
    """A stop as the framework does it, with two proxies: the container ends after both."""
    first = run("first")
    site.world.add("hello", "main", SHA)
    site.world.start("hello", "main")
    apply(site, {SHA: at(first, SHA, "main")})
    site.world.move("hello", SHA, "running")
    with proxies.running(
        tmp_path_factory.mktemp("second"),
        zookeeper=site.proxy.environ["PREVS_ZOOKEEPER"],
        root=site.tree.paths.root,
        api=site.proxy.environ["PREVS_API"],
        port=free_port(),
    ) as second_proxy:
        wait_until(lambda: len(site.tree.records()) == 2)
        ports = [site.proxy.port, second_proxy.port]
        with crowd(ports, HOST, PATHS) as people:
            ends, name = first, "first"
            for attempt in ("a2", "a3", "a4"):
                site.world.move("hello", SHA, "draining")
                version = site.tree.place("hello", {})
                wait_until(lambda v=version: is_let_go(site, v))  # type: ignore[misc]
                assert ends.end() == 0, "the container was ended while it had requests"
                site.world.move("hello", SHA, "queued")  # it was requested meanwhile
                ends, name = run(attempt), attempt
                apply(site, {SHA: at(ends, SHA, "main", attempt=attempt)})
                site.world.move("hello", SHA, "running")
                people.go_on(3)
    assert people.problems() == []
    assert {visitor.exchanges[-1].body for visitor in people.visitors} == {name.encode()}


def is_let_go(site: Site, version: int) -> bool:
    """Return whether the framework would end the container now."""
    records = site.tree.records()
    return len(records) == 2 and all(
        record.applied.get("hello") == version and not record.holding for record in records
    )


def test_a_proxy_that_takes_over_loses_no_request_and_sends_none_back(
    site: Site, run: Callable[[str], Application]
) -> None:
    """Killed just after a change that is not yet in its map on the disk."""
    apply(site, {SHA: at(run("first"), SHA, "main")})
    with crowd([site.proxy.port], HOST, PATHS) as people:
        for attempt in ("a2", "a3", "a4"):
            # Not by all: the record of the killed one stays for its session's 10 s.
            apply(site, {SHA: at(run(attempt), SHA, "main", attempt=attempt)}, any)
            applied = time.monotonic()
            site.proxy.process.kill()
            site.proxy.process.wait()
            people.go_on(3)
            site.proxy.restart()
            people.go_on(3)
            for answers in sent_between(people, applied, time.monotonic()):
                assert set(answers) == {attempt.encode()}
        wait_until(site.proxy.is_settled)
    assert people.problems() == []
