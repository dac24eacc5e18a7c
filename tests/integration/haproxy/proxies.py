"""What the proxy's tests run it with: `python -m proxy` as a process, and upstream servers."""

import base64
import contextlib
import dataclasses
import hashlib
import http.client
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl

from kazoo.client import KazooClient

from prevs.paths import Paths
from prevs.records import Placement
from tests import copies, times
from tests.copies import Copy
from tests.fakes.placements import placement
from tests.fakes.world import TOKEN, World
from tests.integration.haproxy.tree import Tree
from tests.serving import QuietHandler, serving
from tests.waits import describe_end, wait_until

REPOSITORY = Path(__file__).parents[3]
BROWSER = {"Accept": "text/html", "Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}
"""What a browser says that goes to an address."""
_WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""What a key is hashed with: RFC 6455, section 1.3."""


class Answer(NamedTuple):
    """An HTTP answer; the names of its headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def read_answer(response: http.client.HTTPResponse) -> Answer:
    """Return an answer, whole."""
    found = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, found, response.read())


class Connections:
    """Connections to a HAProxy: when it is replaced, each is good for one more request."""

    def __init__(self, port: int, count: int) -> None:
        self._all = [http.client.HTTPConnection("127.0.0.1", port) for _ in range(count)]
        for one in self._all:
            one.request("GET", "/robots.txt", headers={"Host": "nowhere"})
            one.getresponse().read()

    def ask(self, host: str, path: str = "/", headers: Mapping[str, str] | None = None) -> Answer:
        """Return the answer to a request on one of them, which is closed then."""
        with contextlib.closing(self._all.pop()) as connection:
            assert connection.sock is not None, "it was closed before"
            connection.request("GET", path, headers={"Host": host, **(headers or {})})
            return read_answer(connection.getresponse())


@dataclasses.dataclass
class Proxy:
    """A proxy process that runs, or ran."""

    port: int
    folder: Path
    log: Path
    command: Callable[[], "Copy | subprocess.Popen[bytes]"]
    process: "Copy | subprocess.Popen[bytes]"
    environ: Mapping[str, str]

    @property
    def haproxy(self) -> int:
        """The process id of its HAProxy."""
        return int((self.folder / "haproxy.pids").read_text().split()[0])

    def is_settled(self) -> bool:
        """Return whether no HAProxy runs but the newest, and the one that keeps its sockets."""
        found = haproxies(self.folder)
        return len(found) == 2 and self.haproxy in found

    def request(
        self,
        host: str,
        path: str = "/",
        *,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 60,
        source: str = "",
    ) -> Answer:
        """Return the answer to one request on a connection of its own, from an address `source`."""
        own = (source, 0) if source else None
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout, own)
        with contextlib.closing(connection):
            sent = {"Host": f"{host}:{self.port}", **(headers or {})}
            connection.request(method, path, body, sent)
            return read_answer(connection.getresponse())

    def send(self, data: bytes) -> Answer:
        """Return the answer to a request that is sent as these bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as client:
            client.sendall(data)
            response = http.client.HTTPResponse(client)
            response.begin()
            return read_answer(response)

    def connect(self, count: int) -> "Connections":
        """Open connections, each of which has had one request."""
        return Connections(self.port, count)

    def tell(self, command: str) -> str:
        """Give its HAProxy a command at the runtime socket; return the reply."""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.folder / "haproxy.sock"))
            client.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: client.recv(65536), b"")).decode()

    def restart(self) -> None:
        """Start the program again in the same folder."""
        runs = '"the proxy runs"'
        before = self.log.read_text().count(runs)
        self.process = self.command()
        self.wait_ready()  # it answers already behind a HAProxy that it is about to replace
        wait_until(lambda: self.log.read_text().count(runs) > before, runs, over=self.ended)

    def wait_ready(self) -> None:
        """Wait until the waiting room answers through HAProxy."""

        def answers() -> bool:
            with contextlib.suppress(OSError, http.client.HTTPException):
                return self.request("nowhere", timeout=2).status in {404, 308}
            return False

        wait_until(answers, "the proxy answers", over=self.ended, instead=self.log.read_text)

    def ended(self) -> str | None:
        """Return how it has ended and its last output, or None while it runs."""
        return describe_end(self.process, self.log)


@dataclasses.dataclass
class Upstream:
    """A small application: it answers with its name, the request and the size of its body.

    `seen` has the method, path and headers (names in small letters) of each request. A download of
    /download goes on until `finish` is set; what asks to be a WebSocket gets its bytes back. The
    query of /headers is what the answer's headers are to be. `scripts` are served at their paths.
    `refuses` gives the status that refuses a request, by its headers; 0 for none. `connections` is
    how many it has got.
    """

    name: str
    port: int
    seen: list[tuple[str, str, Mapping[str, str]]]
    finish: threading.Event = dataclasses.field(default_factory=threading.Event)
    scripts: dict[str, str] = dataclasses.field(default_factory=dict)
    refuses: Callable[[Mapping[str, str]], int] = lambda headers: 0
    connections: int = 0


class Site(NamedTuple):
    """A proxy with its surroundings: the placements, and a stand-in for the framework."""

    proxy: Proxy
    tree: Tree
    world: World

    def route(self, app: str, placements: Mapping[str, Placement], **failed: str) -> int:
        """Write placements, and wait until a proxy reports them; return the znode's version."""
        version = self.tree.place(app, placements, **failed)
        self.wait_applied(app, version)
        return version

    def wait_applied(self, app: str, version: int) -> None:
        """Wait until a proxy has reported a version of an app's placements."""
        wait_until(
            lambda: any(applied.get(app) == version for applied in self.tree.applied()),
            f"version {version} of {app} is applied",
            over=self.proxy.ended,
            instead=self.tree.applied,
        )

    def restart(self) -> None:
        """Kill the proxy, and start it again beside the HAProxy that it leaves.

        Its record is removed at once. ZooKeeper does that at the end of its session, 10 s later.
        """
        self.proxy.process.kill()
        self.proxy.process.wait()
        self.tree.forget(self.proxy.process.pid)
        self.proxy.restart()

    def empty(self) -> None:
        """Route nothing, and clear the stand-in."""
        for app in self.tree.apps():
            self.route(app, {})
        self.world.clear()
        self.world.known.uses.clear()

    def run(self, app: str, sha: str, port: int, *labels: str) -> None:
        """Let a preview run, as the framework does: its placement, then its state.

        It was requested, or will be by a held request: that may still be on its way.
        """
        started = self.world.previews
        wait_until(lambda: (app, sha) in started, "it was requested", over=self.proxy.ended)
        placed = placement(app, sha, port, *labels)
        self.tree.place(app, {sha: placed})
        self.world.move(app, sha, "running", task_id=placed.task_id)


QUICK = times.choose("tests.fakes.quick_proxy", "proxy")
"""The program of a proxy that looks and tells more often than usual."""


@contextlib.contextmanager
def site(
    folder: Path,
    zookeeper: str,
    port: int,
    *,
    api: str = "",
    program: str = "proxy",
    **more: str,
) -> Iterator[Site]:
    """Run a proxy at a root of its own in ZooKeeper, with the stand-in or with `api`.

    `more` are further settings, by the names of their variables.
    """
    # A test may keep ZooKeeper away for long.
    retry: dict[str, object] = {"max_tries": -1, "max_delay": 1.0}
    client = KazooClient(hosts=zookeeper, connection_retry=retry)
    client.start()
    tree = Tree(client, Paths(f"/proxy-test-{os.getpid()}-{port}"))
    world = World(port)
    try:
        with (
            world.serving() as own,
            running(
                folder, zookeeper, tree.paths.root, api or own, port=port, program=program, **more
            ) as started,
        ):
            yield Site(started, tree, world)
    finally:
        client.stop()
        client.close()


@contextlib.contextmanager
def running(
    folder: Path,
    zookeeper: str,
    root: str,
    api: str,
    *,
    port: int,
    program: str = "proxy",
    **more: str,
) -> Iterator[Proxy]:
    """Run a proxy, as `python -m program` does; end it, and every HAProxy that it left."""
    token_file = folder / "token"
    token_file.write_text(TOKEN)
    log = folder / "proxy.log"
    proxy_dir = folder / "p"  # short: a socket's path has room for little more
    environ = {
        "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
        "PYTHONPATH": str(REPOSITORY),
        "PREVS_ZOOKEEPER": zookeeper,
        "PREVS_ROOT": root,
        "PREVS_PROXY_LISTEN": f"127.0.0.1:{port}",
        "PREVS_PROXY_DIR": str(proxy_dir),
        "PREVS_API": api,
        "PREVS_TOKEN_FILE": str(token_file),
        **more,
    }

    def start() -> Copy:
        with log.open("ab") as out:
            return copies.start(program, environ, folder, out.fileno())

    proxy = Proxy(port, proxy_dir, log, start, start(), environ)
    try:
        proxy.wait_ready()
        yield proxy
    finally:
        proxy.process.terminate()
        try:
            proxy.process.wait(60)
        finally:
            proxy.process.kill()
            proxy.process.wait()
            for pid in haproxies(proxy_dir):
                os.kill(pid, signal.SIGKILL)


def haproxies(proxy_dir: Path) -> list[int]:
    """Return the HAProxy processes that run by the configuration in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
            if arguments[0] == b"haproxy" and str(proxy_dir / "haproxy.cfg").encode() in arguments:
                found.append(int(entry.name))
    return found


@contextlib.contextmanager
def upstream(name: str, *, port: int = 0, host: str = "127.0.0.1") -> Iterator[Upstream]:
    """Run an application."""

    class Handler(_Application):
        pass

    server = _Server((host, port), Handler)
    Handler.application = Upstream(name, server.server_port, [])
    with serving(server):
        try:
            yield Handler.application
        finally:
            Handler.application.finish.set()


class _Server(ThreadingHTTPServer):
    # By default five may knock at once; docker's own proxy takes 4096. A test lets a thousand in at
    # once: whom a full backlog keeps out for four seconds asks for the preview again.
    request_queue_size = 1024

    def handle_error(self, request: object, client_address: object) -> None:
        """Log nothing about connections that HAProxy drops."""


class _Application(QuietHandler):
    application: Upstream
    wbufsize = -1  # an answer is one write: its body waits 40 ms for an acknowledgement of its head

    def setup(self) -> None:
        self.application.connections += 1
        super().setup()

    def do_GET(self) -> None:
        """Answer with the application's name and the request."""
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.application.seen.append((self.command, self.path, headers))
        if status := self.application.refuses(headers):
            self.send_error(status)
        elif headers.get("upgrade") == "websocket" and self.path == "/echo":
            self._echo()
        elif self.path == "/download":
            self._download()
        else:
            self._describe(len(sent))

    do_POST = do_PUT = do_HEAD = do_OPTIONS = do_GET

    def _describe(self, sent: int) -> None:
        body = f"{self.application.name} {self.command} {self.path} {sent}".encode()
        if "text/html" in self.headers.get("Accept", ""):
            body = b"<!doctype html><title>app</title><h1>%s</h1>" % body
        script = self.application.scripts.get(self.path)
        body = body if script is None else script.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if script is None else "text/javascript")
        self.send_header("Content-Length", str(len(body)))
        if self.path.startswith("/headers?"):
            for name, value in parse_qsl(self.path.partition("?")[2]):
                self.send_header(name, value)
        if self.path.startswith("/large?"):
            size = dict(parse_qsl(self.path.partition("?")[2]))["X-Size"]
            self.send_header("X-Large", "x" * int(size))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _echo(self) -> None:
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        digest = hashlib.sha1((self.headers["Sec-WebSocket-Key"] + _WEBSOCKET).encode()).digest()
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.end_headers()
        self.wfile.flush()
        self.close_connection = True
        while piece := self.connection.recv(1000):
            self.connection.sendall(piece)

    def _download(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"x")
        self.wfile.flush()
        self.application.finish.wait(60)
        self.wfile.write(b"x" * 999)
