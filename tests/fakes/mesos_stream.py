"""What the fake master and the fake agent share: an HTTP server of event streams, on loopback.

It sends what Mesos would, and can be made to fail.
"""

import contextlib
import dataclasses
import http.server
import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from tests.free_ports import free_port

T = TypeVar("T")

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Answer:
    """A wrong answer in place of the right one; `drop` closes without an answer."""

    status: int = 202
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    body: bytes = b""
    drop: bool = False


@dataclasses.dataclass(frozen=True)
class Call:
    """A call that came in, SUBSCRIBE or another, at a time on the monotonic clock."""

    body: Json
    headers: Mapping[str, str]
    at: float = dataclasses.field(default_factory=time.monotonic)

    @property
    def type(self) -> str:
        """Its type, in capitals."""
        return str(self.body["type"])


class Stream:
    """The event stream of one subscription."""

    def __init__(self, connection: socket.socket) -> None:
        self.id = str(uuid.uuid4())  # the value of Mesos-Stream-Id
        self._connection = connection
        self._lock = threading.RLock()
        self.ended = threading.Event()

    @contextlib.contextmanager
    def beginning(self) -> Iterator[None]:
        """Make other senders wait until the block has sent its events."""
        with self._lock:
            yield

    def send(self, event: Any) -> None:
        """Send an event as Mesos frames it."""
        data = json.dumps(event).encode()
        self.send_record(b"%d\n%s" % (len(data), data))

    def send_record(self, record: bytes) -> None:
        """Send bytes as one HTTP chunk; nothing happens on a stream that has ended."""
        self.send_raw(b"%x\r\n%s\r\n" % (len(record), record))

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        with self._lock:
            try:
                self._connection.sendall(data)
            except OSError:
                self.ended.set()

    def end(self) -> None:
        """End the stream in order."""
        self.send_raw(b"0\r\n\r\n")
        self.cut()

    def cut(self) -> None:
        """Close the connection at once."""
        self.ended.set()
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)


class StreamServer:
    """Answers SUBSCRIBE with a stream and other calls with 202. Subclasses say what follows.

    `subscribe_answer` and `call_answer`, if set, are given in place of that. With `hangs` calls
    get no answer at all.
    """

    path = "/"

    def __init__(self, port: int = 0) -> None:
        self.calls: list[Call] = []
        self.pages: list[str] = []
        self.streams: list[Stream] = []
        self.subscribe_answer: Answer | None = None
        self.call_answer: Answer | None = None
        self.hangs = False
        self.changed = threading.Condition()
        self._opening = threading.Lock()
        self._closing = threading.Event()
        # One that comes back finds its port as it left it.
        self._server = _Server(port or free_port(), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        """host:port."""
        return f"127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop listening and cut every stream, also of a client that reconnects meanwhile."""
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        with self.changed:
            streams = tuple(self.streams)
        for stream in streams:
            stream.cut()

    def wait(self, look: Callable[[], T], limit: float = 60.0) -> T:
        """Return what `look` returns once that is true; `look` is called after every call."""
        with self.changed:
            assert self.changed.wait_for(look, limit), "the expected call did not come"
            return look()

    def of_type(self, call: str) -> list[Call]:
        """Return the calls of a type so far."""
        return [one for one in self.calls if one.type == call]

    def wait_call(self, call: str, number: int = 1) -> Call:
        """Return the numbered call of a type, as soon as it is there."""
        return self.wait(lambda: self.of_type(call)[number - 1 : number])[0]

    def wait_stream(self, number: int = 1) -> Stream:
        """Return the numbered subscription's stream, as soon as it is there."""
        return self.wait(lambda: self.streams[number - 1 : number])[0]

    def subscribed(self, call: Call, stream: Stream) -> None:
        """Return the events that follow a SUBSCRIBE."""

    def called(self, call: Call) -> Answer:
        """Execute a call."""
        del call
        return Answer()

    def take(self, call: Call) -> Answer:
        """Record a call, and answer it as it was to be answered when it came."""
        with self.changed:
            hangs, answer = self.hangs, self.call_answer
            self.calls.append(call)
            self.changed.notify_all()
        if hangs:
            self._closing.wait()
        return answer or self.called(call)

    def opened(self, call: Call, stream: Stream) -> None:
        """Record a SUBSCRIBE, and let its stream begin. One at a time: each may end others."""
        with self._opening, stream.beginning():
            with self.changed:
                self.calls.append(call)
                self.streams.append(stream)
                self.changed.notify_all()
            self.subscribed(call, stream)
        if self._closing.is_set():
            stream.cut()

    def record(self, call: Call) -> None:
        """Record a SUBSCRIBE that gets no stream."""
        with self.changed:
            self.calls.append(call)
            self.changed.notify_all()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, owner: StreamServer) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.owner = owner

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log nothing about clients that go away."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        """Return a version that is not only numbers, the same for every path."""
        self.server.owner.pages.append(self.path)
        self._answer(Answer(200, body=b'{"version": "1.12.0-rc1"}'))

    def do_POST(self) -> None:
        """Take a call."""
        owner = self.server.owner
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.path != owner.path:
            self._answer(Answer(404))
            return
        call = Call(json.loads(body), headers)
        if call.type != "SUBSCRIBE":
            self._answer(owner.take(call))
        elif (answer := owner.subscribe_answer) is not None:
            owner.record(call)
            self._answer(answer)
        else:
            self._stream(call)

    def _stream(self, call: Call) -> None:
        stream = Stream(self.connection)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Mesos-Stream-Id", stream.id)
        self.end_headers()
        self.wfile.flush()
        self.server.owner.opened(call, stream)
        stream.ended.wait()
        self.close_connection = True

    def _answer(self, answer: Answer) -> None:
        if answer.drop:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)
