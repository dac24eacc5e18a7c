"""One client opens 2,000 pages of a preview that starts, and follows it with each.

The cost is bounded, and another client is answered throughout.
"""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from proxy.haproxy.config import CONNECTIONS_EACH
from proxy.room import event_streams
from proxy.room.app import MOST_OPEN
from tests.fakes.placements import OTHER_SHA, SHA, placement
from tests.integration.haproxy.proxies import Site, upstream
from tests.integration.haproxy.wire import held
from tests.loops import in_a_loop

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

STARTING, RUNNING = "main.hello.localhost", "main.other.localhost"
MANY, ANOTHER = "127.0.9.1", "127.0.9.2"
PAGES = 2000
AT_ONCE = 500
"""So many of them connect at a time: a backlog takes no more."""
PATIENCE = 120.0
KEPT = 50
"""So many connections to the framework stay open for what comes next."""
PAGE = "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\n"


class Answer(NamedTuple):
    """An answer, with its body as received so far."""

    status: int
    body: str


class Client:
    """A connection of a client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, host: str, path: str = "/", headers: str = "") -> None:
        """Send a request."""
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n".encode())

    async def answer(self, until: bytes = b"") -> Answer:
        """Return the next answer, a stream's up to some bytes."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        status = int(head.split(" ", 2)[1])
        length = re.search(r"(?i)content-length: (\d+)", head)
        if length:
            return Answer(status, (await self.reader.readexactly(int(length[1]))).decode())
        return Answer(status, (await self.reader.readuntil(until)).decode())

    async def page(self) -> Answer:
        """Return the page of the preview that starts."""
        self.send(STARTING, headers=PAGE)
        return await self.answer()

    async def follow(self, token: str, until: bytes) -> Answer:
        """Open the stream of a page; return its beginning, up to some bytes."""
        self.send(STARTING, f"/_prevs/events?sha={SHA}&token={token}")
        return await self.answer(until)


class Clients:
    """Opens connections, and closes them in the end."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._stack = contextlib.ExitStack()
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def connect(self, address: str) -> Client:
        """Return a new connection from an address."""
        port = self._site.proxy.port
        async with self._turns:
            opened = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
        self._stack.callback(opened[1].close)
        return Client(*opened)

    def close(self) -> None:
        """Close all of them."""
        self._stack.close()


@contextlib.asynccontextmanager
async def clients(site: Site) -> AsyncIterator[Clients]:
    opened = Clients(site)
    try:
        async with asyncio.timeout(PATIENCE):
            yield opened
    finally:
        opened.close()


def connections_to(port: int) -> int:
    """Return how many connections there are to a port of this machine."""
    lines = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return sum(peer.endswith(f":{port:04X}") and state == "01" for _, _, peer, state, *_ in lines)


def descriptors(pid: int) -> int:
    """Return how many files a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def token_in(page: str) -> str:
    found = re.search('data-log-token="([^"]+)"', page)
    assert found, page
    return found[1]


async def open_page(opened: Clients, token: str) -> str:
    """Load the page and follow it, as a browser does, on one connection; return the outcome."""
    try:
        client = await opened.connect(MANY)
        loaded = await client.page()
        if loaded.status == 429:
            return "too many connections" if "connections" in loaded.body else "too many pages"
        assert loaded.status == 503
        answer = await client.follow(token, b'"coming": true}\n\n')
        if answer.status == 429:
            return "too many pages"
    except (ConnectionError, asyncio.IncompleteReadError):
        return "closed"
    return "rare" if "retry: 10000" in answer.body else "follows"


@in_a_loop
async def test_2000_pages_of_one_client_delay_nobody_else(site: Site) -> None:
    world = site.world
    world.add("hello", "main", SHA)
    world.start("hello", "main")
    with upstream("app") as app:
        site.route("other", {OTHER_SHA: placement("other", OTHER_SHA, app.port, "main")})
        async with clients(site) as opened:
            first = await opened.connect(ANOTHER)
            token = token_in((await first.page()).body)
            crowd = [asyncio.create_task(open_page(opened, token)) for _ in range(PAGES)]
            rounds = 0
            while not all(task.done() for task in crowd) or not rounds:
                rounds += 1
                await is_served(opened, token)
            went = Counter(task.result() for task in crowd)
            print(dict(went), f"{rounds} rounds of another client meanwhile")
            await check(site, opened, token, went)
            await is_held_and_let_in(site, opened, app.port)


async def check(site: Site, opened: Clients, token: str, went: Counter[str]) -> None:
    """Check what the pages got and cost, and that they share one stream of the framework."""
    assert went["follows"] == event_streams.EACH
    assert went["follows"] + went["rare"] + went["too many pages"] <= CONNECTIONS_EACH
    framework = int(site.proxy.environ["PREVS_API"].rpartition(":")[2])
    assert connections_to(framework) <= KEPT + 1
    assert descriptors(site.proxy.process.pid) < MOST_OPEN
    assert descriptors(site.proxy.haproxy) < 2 * CONNECTIONS_EACH + MOST_OPEN
    log = f"GET /v1/previews/hello/{SHA}/log"
    assert site.world.count(log) == 1
    watching = await opened.connect(ANOTHER)
    await watching.follow(token, b'"coming": true}\n\n')
    site.world.move("hello", SHA, "building")
    site.world.log(SHA, "a line of the build\n")
    await watching.reader.readuntil(b"a line of the build")
    assert site.world.count(log) == 1


async def is_served(opened: Clients, token: str) -> None:
    """Have another client request everything, on new connections."""
    page = await (await opened.connect(ANOTHER)).page()
    assert page.status == 503
    assert token_in(page.body)
    stream = await opened.connect(ANOTHER)
    answer = await stream.follow(token, b'"coming": true}\n\n')
    assert (answer.status, "retry: 1000\n" in answer.body) == (200, True)
    stream.writer.close()
    running = await opened.connect(ANOTHER)
    running.send(RUNNING)
    assert await running.answer() == Answer(200, "app GET / 0")
    running.writer.close()


async def is_held_and_let_in(site: Site, opened: Clients, port: int) -> None:
    """Hold a request of another client while the first has as many as it may."""
    before = held(site.proxy)
    patient = await opened.connect(ANOTHER)
    patient.send(STARTING, "/patient")
    while held(site.proxy) == before:
        await asyncio.sleep(0.05)
    await asyncio.to_thread(site.run, "hello", SHA, port, "main")
    assert (await patient.answer()).status == 200
