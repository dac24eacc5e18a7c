"""A proxy's reports of usage and of held withdrawals, with a real HAProxy."""

import asyncio
import contextlib
import http.client
import os
import signal
import socket
import socketserver
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proxy.framework.usage_report import UsageReporter
from proxy.haproxy import config
from proxy.haproxy.config import Files, Front
from proxy.haproxy.router import HaproxyRouter
from proxy.model.routes import Route
from proxy.model.usage import Source
from tests import times
from tests.fakes.placements import OTHER_SHA, SHA, placement
from tests.fakes.world import FakeFramework, World
from tests.integration.haproxy.proxies import QUICK, Proxy, Site, Upstream, haproxies, upstream
from tests.integration.haproxy.wire import upgrade
from tests.serving import QuietHandler, serving
from tests.waits import wait_until

pytestmark = pytest.mark.integration

HOST = "main.hello.localhost"
TASK = f"hello.{SHA}.a1"
WEBSOCKET = upgrade(HOST)
DOWNLOAD = f"GET /download HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
UPLOAD = f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000\r\n\r\nx".encode()


@pytest.fixture(scope="module")
def program(request: pytest.FixtureRequest) -> str:
    """The program of the file's proxy."""
    return str(getattr(request, "param", None) or QUICK)


@pytest.fixture
def site(running_site: Site) -> Iterator[Site]:
    """The proxy of the file, without anything to report."""
    yield running_site
    running_site.empty()
    uses = running_site.world.known.uses
    wait_until(
        lambda: uses and not uses[-1][1], "nothing is reported", over=running_site.proxy.ended
    )
    uses.clear()


def requests(world: World) -> Counter[str]:
    """Return how many requests of each task were reported in all."""
    reported: Counter[str] = Counter()
    for report in list(world.uses):
        for use in report["uses"]:
            reported[use["task_id"]] += use["requests"]
    return reported


def opened(world: World, task: str = TASK) -> int | None:
    """Return the last reported number of a task's open requests, None without a report."""
    reported = [
        u["open"] for report in list(world.uses) for u in report["uses"] if u["task_id"] == task
    ]
    return reported[-1] if reported else None


def names(site: Site) -> set[str]:
    """Return the names of the proxies that have a record."""
    return set(site.tree.client.get_children(site.tree.paths.proxies))


def place(site: Site, port: int, sha: str = SHA) -> int:
    return site.route("hello", {sha: placement("hello", sha, port, "main")})


@pytest.fixture
def one(site: Site) -> Iterator[Upstream]:
    """The application that is placed."""
    with upstream("one") as application:
        place(site, application.port)
        yield application


@contextlib.contextmanager
def open_request(proxy: Proxy, sent: bytes) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=60) as client:
        client.sendall(sent)
        if not sent.startswith(b"POST"):
            assert client.recv(12).startswith(b"HTTP/1.1 ")
        yield client


EACH_PROGRAM = pytest.mark.parametrize("program", times.both(None, "proxy"), indirect=True)
"""None is what the tests have that are not for each: one proxy then does for all."""


@EACH_PROGRAM
def test_a_record_that_somebody_removed_is_written_again(site: Site) -> None:
    version = site.route("hello", {})
    [name] = names(site)
    site.tree.client.delete(site.tree.paths.proxy(name))
    wait_until(lambda: site.tree.applied() == [{"hello": version}], over=site.proxy.ended)


@pytest.mark.usefixtures("one")
@EACH_PROGRAM
def test_requests_are_reported_once_by_the_proxys_own_name(site: Site) -> None:
    for _ in range(3):
        site.proxy.request(HOST)
    wait_until(lambda: requests(site.world)[TASK] == 3)
    count = len(site.world.uses)
    wait_until(lambda: len(site.world.uses) > count + 1)  # an empty report: a sign of life
    assert requests(site.world) == {TASK: 3}
    assert site.world.uses[-1]["uses"] == []
    assert {site.world.uses[-1]["proxy"]} == names(site)


@pytest.mark.usefixtures("one")
def test_an_idle_connection_does_not_count_as_use(site: Site) -> None:
    idle = http.client.HTTPConnection("127.0.0.1", site.proxy.port, timeout=60)
    idle.request("GET", "/", headers={"Host": HOST})
    assert idle.getresponse().read().startswith(b"one")
    wait_until(lambda: opened(site.world) == 0)
    assert requests(site.world)[TASK] == 1
    idle.request("GET", "/", headers={"Host": HOST})  # it was open all the while
    idle.getresponse().read()
    wait_until(lambda: requests(site.world)[TASK] == 2)
    idle.close()


def test_the_counters_of_thousands_of_tasks_are_read_completely(site: Site) -> None:
    tasks = [f"many.{number:040x}.a1" for number in range(5000)]
    _send_commands(
        site.proxy, *(f"set table seen key {task} data.http_req_cnt 7" for task in tasks)
    )
    wait_until(lambda: requests(site.world).total() >= 7 * len(tasks))
    assert requests(site.world) == dict.fromkeys(tasks, 7)
    _send_commands(site.proxy, "clear table seen")


def _send_commands(proxy: Proxy, *commands: str) -> None:
    """Give HAProxy commands, and wait until it has done all."""
    path = proxy.folder / "haproxy.sock"
    wait_until(path.exists)  # HAProxy answers visitors a moment before
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.settimeout(20)
        client.sendall(b"prompt\n")
        for command in ("", *commands):
            client.sendall(f"{command}\n".encode())
            while not client.recv(1000).endswith(b"> "):
                pass


@pytest.mark.parametrize("sent", [WEBSOCKET, DOWNLOAD, UPLOAD])
def test_open_requests_count_as_use_and_are_held_once_a_change_is_applied(
    site: Site, sent: bytes
) -> None:
    with upstream("one") as one, upstream("two") as two:
        place(site, one.port)
        with open_request(site.proxy, sent) as client:
            wait_until(lambda: opened(site.world) == 1)
            applied = place(site, two.port, OTHER_SHA)
            assert site.proxy.request(HOST).body.startswith(b"two")
            assert site.tree.records()[0].holding == (TASK,)
            if sent is DOWNLOAD:
                one.finish.set()
                assert client.recv(20)
            elif sent is UPLOAD:
                client.sendall(b"x" * 999)
                assert client.recv(12).startswith(b"HTTP/1.1 200")
        wait_until(lambda: site.tree.records()[0].holding == ())
        assert site.tree.records()[0].applied == {"hello": applied}
        wait_until(lambda: opened(site.world) == 0)
        assert requests(site.world)[TASK] == 1


def test_a_released_request_does_not_reach_a_task_that_is_gone_by_then(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    """The destination of a held request is looked up again after the request was counted."""
    files = Files(tmp_path)
    port = free_port()
    config.write(files, Front(f"127.0.0.1:{port}", "localhost"))
    with (
        upstream("gone") as gone,
        upstream("kept") as kept,
        _letting_go(files.held, f"127.0.0.1|{gone.port}|{TASK}") as let_go,
        _answering(files.room, "the room"),
        _haproxy(files, port) as proxy,
    ):
        assert proxy.request(HOST).body == b"the room"
        router = HaproxyRouter(files, "run")
        route = Route("127.0.0.1", kept.port, "hello.kept.a1")
        asyncio.run(router.apply({"other.hello.localhost": route}, {}, None))
        assert proxy.request(HOST).body == b"the room"
        assert let_go.count(HOST) >= 2
        assert proxy.request("other.hello.localhost").body.startswith(b"kept")
        assert gone.seen == []


def test_the_first_request_after_a_counter_expired_is_reported_too(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    files, port = Files(tmp_path), free_port()
    config.write(files, Front(f"127.0.0.1:{port}", "localhost"))
    text = files.configuration.read_text()
    files.configuration.write_text(text.replace(" expire 2m ", " expire 3s "))
    router, framework = HaproxyRouter(files, "run"), FakeFramework()
    reporter = UsageReporter(router, framework, "the-proxy", find_source=Source)
    with upstream("one") as one, _haproxy(files, port) as proxy:
        asyncio.run(router.apply({HOST: Route("127.0.0.1", one.port, TASK)}, {}, None))
        for number in (1, 2):
            assert proxy.request(HOST).status == 200
            asyncio.run(reporter.turn())
            assert requests(framework.world)[TASK] == number
            assert asyncio.run(router.count(TASK))[:2] == (0, 1)
            wait_until(lambda: _is_about_to_go(router))
            asyncio.run(reporter.turn())
            wait_until(lambda: asyncio.run(router.counts()) == {})


def _is_about_to_go(router: HaproxyRouter) -> bool:
    """Return whether the counter of the task expires within a second, or just did."""
    count = asyncio.run(router.counts()).get(TASK)
    return count is None or count.left < 1000


@contextlib.contextmanager
def _haproxy(files: Files, port: int) -> Iterator[Proxy]:
    """Run HAProxy without a proxy's program, and with public apps alone."""
    HaproxyRouter(files, "before").begin_with({}, {})
    command = ["haproxy", "-db", "-f", str(files.configuration)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as haproxy:
        proxy = Proxy(port, files.folder, files.folder, lambda: haproxy, haproxy, {})

        def answers() -> bool:
            with contextlib.suppress(OSError):
                return proxy.request(HOST, "/robots.txt").status == 200
            return False

        try:
            wait_until(answers)
            yield proxy
        finally:
            haproxy.kill()


@contextlib.contextmanager
def _answering(path: Path, text: str) -> Iterator[None]:
    """Answer every request on a Unix socket with 200 and a text."""

    class Handler(QuietHandler):
        def address_string(self) -> str:
            return "-"

        def do_GET(self) -> None:
            self.answer(text.encode())

    server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
    server.daemon_threads = True
    with serving(server):
        yield


@contextlib.contextmanager
def _letting_go(path: Path, route: str) -> Iterator[list[str]]:
    """Send every held request of HAProxy to `route` at once; yield their hosts."""
    hosts: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            for line in self.rfile:
                kind, *words = line.decode().rstrip("\n").split("\t")
                if kind == "hold":
                    hosts.append(words[1])
                    self.wfile.write(f"{words[0]} to {route}\n".encode())

    server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
    server.daemon_threads = True
    with serving(server):
        yield hosts


def take_over(site: Site) -> int:
    """Kill and restart the proxy; return its former HAProxy once the new one has a record."""
    former = site.proxy.haproxy
    site.restart()
    assert site.proxy.haproxy != former
    wait_until(lambda: names(site))
    return former


def wait_reported(site: Site) -> None:
    """Wait until the last report from now on has one open request of the task."""
    start = len(site.world.uses)

    def reported() -> bool:
        uses = [use for report in site.world.uses[start:] for use in report["uses"]]
        counts = [use["open"] for use in uses if use["task_id"] == TASK]
        return counts[-1:] == [1]

    wait_until(reported)


def test_open_requests_at_a_haproxy_that_was_replaced_again_and_again_are_held_too(
    site: Site, one: Upstream
) -> None:
    with open_request(site.proxy, WEBSOCKET) as client:
        for _ in range(3):
            place(site, one.port)
            take_over(site)
            wait_reported(site)
            site.route("hello", {})
            assert site.tree.records()[0].holding == (TASK,)
            client.sendall(b"still there")
            wait_until(lambda: b"still there" in client.recv(1000))
    wait_until(lambda: site.tree.records()[0].holding == ())
    wait_until(site.proxy.is_settled)
    own = {f"{pid}.sock" for pid in haproxies(site.proxy.folder)}
    wait_until(lambda: {file.name for file in site.proxy.folder.glob("[0-9]*.sock")} == own)


@pytest.mark.usefixtures("one")
def test_a_replaced_haproxy_is_known_to_the_next_proxy_after_a_crash_of_another_one(
    site: Site,
) -> None:
    with open_request(site.proxy, WEBSOCKET):
        former = take_over(site)
        crashed = site.proxy.haproxy
        os.kill(crashed, signal.SIGKILL)
        wait_until(lambda: site.proxy.haproxy != crashed)
        site.proxy.wait_ready()
        take_over(site)
        wait_reported(site)
        assert former in haproxies(site.proxy.folder)
    wait_until(site.proxy.is_settled)
