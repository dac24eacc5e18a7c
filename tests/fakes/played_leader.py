"""A leader's API that a test plays, and a client of who passes requests on to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx
from starlette.types import ASGIApp, Message

API = "http://127.0.0.9:8090"
HOST = (b"host", b"prevs.example.org")


class Chunks(httpx.AsyncByteStream):
    """A body that comes piece by piece, each when `go` allows the next."""

    def __init__(self, pieces: Sequence[bytes | Exception], go: Callable[[int], Any]) -> None:
        self._pieces = pieces
        self._go = go
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for number, piece in enumerate(self._pieces):
            await self._go(number)
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def aclose(self) -> None:
        self.closed = True


async def at_once(number: int) -> None:
    del number


class PlayedLeader(httpx.AsyncBaseTransport):
    """Answers as told, and keeps what it was asked."""

    def __init__(self, *pieces: bytes | Exception, go: Callable[[int], Any] = at_once) -> None:
        self.asked: list[httpx.Request] = []
        self.was_asked = asyncio.Event()
        self.status = 200
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = Chunks(pieces, go)
        self.error: Exception | None = None
        self.hangs = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.asked.append(request)
        self.was_asked.set()
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        return httpx.Response(self.status, headers=self.headers, stream=self.body)


class Asker:
    """One HTTP client of an ASGI application; it stays until `leave`."""

    def __init__(self, *body: bytes) -> None:
        self.sent: list[Message] = []
        self._body = list(body) or [b""]
        self._left = asyncio.Event()
        self.got = asyncio.Event()

    def leave(self) -> None:
        self._left.set()

    async def ask(
        self,
        app: ASGIApp,
        method: str = "GET",
        path: bytes = b"/v1/apps",
        query: bytes = b"",
        headers: Sequence[tuple[bytes, bytes]] = (HOST,),
        client: tuple[str, int] | None = None,
    ) -> None:
        scope = {
            "client": client,
            "type": "http",
            "method": method,
            "path": path.decode("latin-1"),
            "raw_path": path,
            "query_string": query,
            "headers": list(headers),
        }
        await app(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        if self._body:
            piece = self._body.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self._body)}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)
        if message.get("body"):
            self.got.set()

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers[b"content-type"] == b"application/problem+json"
        told: dict[str, Any] = json.loads(self.body)
        return told
