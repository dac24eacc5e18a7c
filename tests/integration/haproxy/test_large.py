"""Large bodies stream: they arrive whole, and take no more of the proxy's memory."""

import contextlib
import hashlib
import http.client
import random
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.fakes.placements import SHA, placement
from tests.integration.haproxy.proxies import Proxy, Site
from tests.serving import QuietHandler, serving
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("hello")]

HOST = "main.hello.localhost"
BLOCK = random.Random(0).randbytes(1 << 20)
BLOCKS = 60
SIZE = {"Content-Length": str(len(BLOCK) * BLOCKS)}
PIECES = {"Transfer-Encoding": "chunked"}
MOST_KB = 10_000
"""More than buffers take (some 100), and much less than a body."""
FRAMED = pytest.mark.parametrize("framing", [SIZE, PIECES], ids=["one length", "in chunks"])


def digest(blocks: Iterator[bytes]) -> str:
    found = hashlib.blake2b()
    for block in blocks:
        found.update(block)
    return found.hexdigest()


def body() -> Iterator[bytes]:
    yield from [BLOCK] * BLOCKS


WHOLE = digest(body())


class Handler(QuietHandler):
    def do_GET(self) -> None:
        """Answer with the body: at /chunks in chunks."""
        chunks = self.path == "/chunks"
        self.send_response(200)
        for name, value in (PIECES if chunks else SIZE).items():
            self.send_header(name, value)
        self.end_headers()
        for block in body():
            self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block) if chunks else block)
        if chunks:
            self.wfile.write(b"0\r\n\r\n")

    def do_POST(self) -> None:
        """Answer with the digest of the body."""
        self.answer(digest(self._sent()).encode())

    def _sent(self) -> Iterator[bytes]:
        left = int(self.headers.get("Content-Length", 0))
        while left and (piece := self.rfile.read(min(left, 65536))):
            left -= len(piece)
            yield piece
        while "Transfer-Encoding" in self.headers and (size := int(self.rfile.readline(), 16)):
            yield self.rfile.read(size + 2)[:size]


@pytest.fixture(scope="module")
def application() -> Iterator[int]:
    """The port of an application that sends and receives large bodies."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        yield server.server_port


def place(site: Site, application: int) -> None:
    site.route("hello", {SHA: placement("hello", SHA, application, "main")})


@contextlib.contextmanager
def constant_memory(proxy: Proxy) -> Iterator[None]:
    """Fail if the peak memory of HAProxy or the controller grows much in the meantime."""
    pids = (proxy.haproxy, proxy.process.pid)
    before = [most_memory_kb(pid) for pid in pids]
    yield
    grown = [most_memory_kb(pid) - kb for pid, kb in zip(pids, before, strict=True)]
    assert max(grown) < MOST_KB


def most_memory_kb(pid: int) -> int:
    found = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1])


def upload(proxy: Proxy, framing: dict[str, str]) -> str:
    """Send the body; return the digest that the application computes."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", proxy.port, 120)) as client:
        chunks = framing == PIECES
        client.request("POST", "/", body(), {"Host": HOST, **framing}, encode_chunked=chunks)
        return client.getresponse().read().decode()


@FRAMED
def test_a_large_upload_arrives_whole(
    site: Site, application: int, framing: dict[str, str]
) -> None:
    place(site, application)
    with constant_memory(site.proxy):
        assert upload(site.proxy, framing) == WHOLE


@FRAMED
def test_a_large_upload_is_held_without_being_stored(
    site: Site, application: int, framing: dict[str, str]
) -> None:
    with constant_memory(site.proxy), ThreadPoolExecutor(1) as pool:
        held = pool.submit(upload, site.proxy, framing)
        wait_until(lambda: ("hello", SHA) in site.world.previews)
        site.run("hello", SHA, application, "main")
        assert held.result() == WHOLE


@pytest.mark.parametrize("path", ["/", "/chunks"])
def test_a_large_download_arrives_whole(site: Site, application: int, path: str) -> None:
    place(site, application)
    with (
        constant_memory(site.proxy),
        contextlib.closing(http.client.HTTPConnection("127.0.0.1", site.proxy.port, 120)) as client,
    ):
        client.request("GET", path, headers={"Host": HOST})
        answer = client.getresponse()
        assert digest(iter(lambda: answer.read(1 << 20), b"")) == WHOLE
