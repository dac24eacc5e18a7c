"""An application whose answers take as long as a test requires."""

import contextlib
import dataclasses
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

from tests.serving import QuietHandler, serving

PIECE = b"0123456789" * 100
PIECES = 1000
"""A download is so many pieces long."""
_PATIENCE = 120.0


@dataclasses.dataclass
class LongApplication:
    """It continues every answer at each `beat`, and completes all after `finish`."""

    name: str
    port: int
    beats: int = 0
    over: bool = False
    received: int = 0
    changed: threading.Condition = dataclasses.field(default_factory=threading.Condition)

    def beat(self) -> None:
        """Let each stream go on by a piece."""
        with self.changed:
            self.beats += 1
            self.changed.notify_all()

    def wait(self, beats: int) -> tuple[int, bool]:
        """Return the number of beats once it grows, and whether everything is over."""
        with self.changed:
            self.changed.wait_for(lambda: self.over or self.beats > beats, _PATIENCE)
            return self.beats, self.over or self.beats == beats

    def finish(self) -> None:
        """Let all answers come to their end."""
        with self.changed:
            self.over = True
            self.changed.notify_all()


@contextlib.contextmanager
def application(name: str) -> Iterator[LongApplication]:
    """Run an application."""

    class Handler(_Handler):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.block_on_close = False
    Handler.application = LongApplication(name, server.server_port)
    with serving(server):
        try:
            yield Handler.application
        finally:
            Handler.application.finish()


class _Handler(QuietHandler):
    application: LongApplication

    def do_GET(self) -> None:
        """Answer in the way that the path says."""
        answers = {
            "/slow": self._slow,
            "/download": self._download,
            "/events": self._events,
            "/echo": self._echo,
        }
        answers.get(self.path, self._send_text)()

    def do_POST(self) -> None:
        """Count what is uploaded while it comes."""
        left = int(self.headers["Content-Length"])
        while left:
            piece = self.rfile.read1(min(left, 65536))
            if not piece:
                return
            left -= len(piece)
            with self.application.changed:
                self.application.received += len(piece)
        self._send_text()

    def _slow(self) -> None:
        with self.application.changed:
            self.application.changed.wait_for(lambda: self.application.over, _PATIENCE)
        self._send_text()

    def _send_text(self) -> None:
        self.answer(self.application.name.encode())

    def _download(self) -> None:
        beats = self._beats()
        self.send_response(200)
        self.send_header("Content-Length", str(len(PIECE) * PIECES))
        self.end_headers()
        sent = 0
        for _ in beats:
            self.wfile.write(PIECE)
            sent += 1
        self.wfile.write(PIECE * (PIECES - sent))

    def _events(self) -> None:
        beats = self._beats()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, _ in enumerate(beats):
            self._chunk(f"data: {self.application.name} {number}\n\n".encode())
        self._chunk(f"data: {self.application.name} over\n\n".encode())
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _beats(self) -> Iterator[None]:
        """Go on at each beat after this call, until all is over."""
        return self._beats_after(self.application.beats)

    def _beats_after(self, seen: int) -> Iterator[None]:
        while True:
            beats, over = self.application.wait(seen)
            yield from [None] * (beats - seen)
            seen = beats
            if over:
                return

    def _echo(self) -> None:
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")  # RFC 6455, 1.3
        self.end_headers()
        self.close_connection = True
        while piece := self.connection.recv(1000):
            self.connection.sendall(self.application.name.encode() + b" " + piece)
