"""A leader's API that the test plays."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx

API = "http://127.0.0.9:8090"


class Chunks(httpx.AsyncByteStream):
    """A body that comes piece by piece; `go` allows each next one."""

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
    """Gives prepared answers, and records the requests. Before it hangs, it calls `hangs`."""

    def __init__(self, *pieces: bytes | Exception, go: Callable[[int], Any] = at_once) -> None:
        self.received: list[httpx.Request] = []
        self.status = 200
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = Chunks(pieces, go)
        self.error: Exception | None = None
        self.hangs: Callable[[], object] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.received.append(request)
        if self.hangs:
            self.hangs()
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        return httpx.Response(self.status, headers=self.headers, stream=self.body)
