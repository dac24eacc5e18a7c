"""Guarded apps under load: strangers start nothing, and no change lets one answer be wrong."""

import itertools
import re
import socket
from collections.abc import Iterator, Mapping
from io import BufferedReader

import pytest

from prevs.signatures import derive_pass_key
from tests.fakes.access import ERA, make_pass
from tests.integration.haproxy import guarding
from tests.integration.haproxy.guarding import HOST, HOSTS, cookie
from tests.integration.haproxy.proxies import Site, Upstream
from tests.integration.haproxy.test_access import BROWSER
from tests.integration.haproxy.test_access_changes import Load

pytestmark = pytest.mark.integration

STRANGERS, ANSWERS = 10_000, 100_000
BATCH = 50
KINDS: Mapping[str, Mapping[str, str]] = {
    "curl": {},
    "a browser": BROWSER,
    "a frame": {**BROWSER, "Sec-Fetch-Dest": "iframe"},
    "a pass of nobody": cookie(make_pass("shop", HOST, key="x" * 64)),
}
_DATE = re.compile(rb"(?i)\r\ndate: [^\r]*")


@pytest.fixture
def shop(site: Site) -> Iterator[Upstream]:
    with guarding.shop(site) as application:
        yield application


def write(host: str, headers: Mapping[str, str]) -> bytes:
    """Return a request."""
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    return f"GET / HTTP/1.1\r\nHost: {host}\r\n{''.join(lines)}\r\n".encode()


def read(answers: BufferedReader) -> bytes | None:
    """Return the next answer, without its date; None after the last one of the connection."""
    head = b"".join(iter(answers.readline, b"\r\n")) if answers.peek(1) else b""
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    return _DATE.sub(b"", head) + answers.read(int(length[1]) if length else 0) if head else None


def test_ten_thousand_strangers_start_nothing_and_get_the_same_answers(
    site: Site, shop: Upstream
) -> None:
    calls = len(site.world.requests)
    count = 0
    for headers in KINDS.values():
        found = set()
        for host in HOSTS:
            with (
                socket.create_connection(("127.0.0.1", site.proxy.port)) as connection,
                connection.makefile("rb") as answers,
            ):
                for _ in range(STRANGERS // len(KINDS) // len(HOSTS) // BATCH + 1):
                    connection.sendall(write(host, headers) * BATCH)
                    batch = [read(answers) for _ in range(BATCH)]
                    # A browser is sent to where it enters, and from there back to its host.
                    found |= {one and one.replace(host.encode(), b"HOST") for one in batch}
                    count += BATCH
        assert len(found) == 1, found
    assert count >= STRANGERS
    assert shop.seen == []
    assert len(site.world.requests) == calls  # nothing was looked up, started or held


class Flood(Load):
    """Visitors who do not wait for an answer before they ask again."""

    @property
    def count(self) -> int:
        """How many answers there were."""
        return sum(self._counts.values())

    def _ask(self, who: str, headers: Mapping[str, str]) -> None:
        batch = 1 if 200 in self._right[who] else BATCH
        while not self._over.is_set():  # a HAProxy that is replaced closes its connections
            with (
                socket.create_connection(("127.0.0.1", self._port)) as connection,
                connection.makefile("rb") as answers,
            ):
                while not self._over.is_set() and self._ask_once(
                    who, connection, answers, write(HOST, headers) * batch
                ):
                    pass

    def _ask_once(
        self, who: str, connection: socket.socket, answers: BufferedReader, requests: bytes
    ) -> bool:
        """Send some requests and read the answers; return whether the connection is still good."""
        before = self._right[who]
        try:
            connection.sendall(requests)
            for _ in range(requests.count(b"GET /")):
                if (answer := read(answers)) is None:
                    return False
                status = int(answer[9:12])
                if status not in before | self._right[who]:
                    self.wrong.append((who, status))
                self._counts[who] += 1
        except ConnectionError:
            return False
        return True


@pytest.mark.night
def test_eras_passes_and_keys_change_under_load_without_a_wrong_answer(
    site: Site, shop: Upstream
) -> None:
    token_file = site.proxy.folder.parent / "token"
    before = token_file.read_text()
    rotated = make_pass("shop", HOST, key=derive_pass_key("a-new-token-of-proxies"))
    visitors = {
        "own": (cookie(make_pass("shop", HOST)), 200),
        "issued": (cookie(make_pass("shop", HOST, id="good-id")), 200),
        "rotated": (cookie(rotated), 401),
        "stranger": ({}, 401),
        "forged": (KINDS["a pass of nobody"], 401),
        "other": (cookie(make_pass("docs", HOST)), 401),
    }
    try:
        with Flood(site, **visitors) as load:
            for number in itertools.count(1):
                load.begin(issued={200, 401})
                guarding.guard(site, "shop")
                guarding.wait_entry(site, "passes", "shop/good-id", None)
                load.settle(issued={401})
                load.begin(own={200, 401})
                guarding.guard(site, "shop", era=ERA + number)
                load.settle(own={401})
                load.begin(own={200, 401}, issued={200, 401})
                guarding.guard(site, "shop", "good-id")
                load.settle(own={200}, issued={200})
                for text, status in ((f"a-new-token-of-proxies\n{before}\n", 200), (before, 401)):
                    load.begin(rotated={200, 401})
                    token_file.write_text(text)
                    site.restart()
                    load.settle(rotated={status})
                if load.count >= ANSWERS:
                    break
        assert load.wrong == []
    finally:
        if token_file.read_text() != before:
            token_file.write_text(before)
            site.restart()
