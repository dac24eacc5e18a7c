"""The stand-in for the framework's HTTP API on a socket; api_answers.py has what it answers."""

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fakes.api import TOKEN, Drop, Later, World, problem
from tests.fakes.api_answers import Answers, tag


@contextlib.contextmanager
def serving(world: World) -> Iterator[str]:
    """Answer from `world` on a free port of 127.0.0.1, and yield the address."""

    class Handler(_Handler):
        pass

    Handler.world = world
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    world: World
    retry_after: str | None = None
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        """Answer a GET."""
        self._answer()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        url = urlsplit(self.path)
        path = unquote(url.path)
        self.world.asked.append((self.command, path))
        if length:
            self.world.bodies.append(body)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if path in {"/readyz", "/healthz"}:
            return self._send(*self.world.probe)
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._send(*problem("unauthorized", 401, "The token is not the API's."))
        refused = self.world.refusals.get((self.command, path))
        if refused:
            return self._send(*refused)
        if self.world.busy:
            seconds = self.world.busy.pop(0)
            self.retry_after = str(seconds)
            return self._send(*problem("too-many-requests", 429, "That was too much."))
        if path.endswith("/log"):
            return self._log(query)
        if path == "/v1/events" and "text/event-stream" in self.headers.get("Accept", ""):
            return self._stream()
        known = self.headers.get("If-Match")
        answers = Answers(self.world, self.command, body=body, query=query, if_match=known)
        return self._send(*answers.answer(path.split("/")[2:]))

    def _log(self, query: Mapping[str, str]) -> None:
        if "text/event-stream" in self.headers.get("Accept", ""):
            return self._stream()
        offset = int(query.get("offset", 0))
        piece = self.world.log[offset : offset + self.world.piece]
        if query.get("tail") == "true":
            piece = self.world.log[-4096:]
        headers = {
            "Content-Type": "text/plain; charset=utf-8",
            "X-Next-Offset": str(offset + len(piece)),
        }
        return self._write(200, headers, piece)

    def _stream(self) -> None:
        self.world.resumed_after.append(self.headers.get("Last-Event-ID"))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in self.world.streams.pop(0):
            if isinstance(piece, Drop):
                self.close_connection = True
                return
            content = piece.make() if isinstance(piece, Later) else piece
            if content:  # an empty chunk would end the answer
                self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))
        self.wfile.write(b"0\r\n\r\n")

    def _send(self, status: int, value: Any) -> None:
        kind = "application/problem+json" if status >= 400 else "application/json"
        body = b"" if status == 204 else json.dumps(value).encode()
        later = {"Retry-After": self.retry_after} if self.retry_after else {}
        self.retry_after = None
        self._write(status, {"Content-Type": kind, "ETag": tag(value), **later}, body)

    def _write(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
