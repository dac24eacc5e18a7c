"""What has happened lately, followed by many readers with one look at a time."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import NamedTuple

import anyio

from framework.preview.history import ActivityEvent, History

TICK_S = 0.25
KEEPALIVE_S = 10.0


class Reset(NamedTuple):
    """What was read before cannot be gone on from: read the list anew, and go on after `last`."""

    last: str


class Feed:
    """The happenings of a service; `read` gives its history, and must not block.

    Belongs to the event loop's thread.
    """

    def __init__(
        self,
        read: Callable[[], History],
        pause: Callable[[float], Awaitable[object]] = anyio.sleep,
    ) -> None:
        self._read = read
        self._pause = pause
        self._readers = 0
        self._look: asyncio.Task[None] | None = None

    @property
    def history(self) -> History:
        """What is known now."""
        return self._read()

    async def follow(
        self, after: str = "", keepalive: float = KEEPALIVE_S
    ) -> AsyncGenerator[ActivityEvent | Reset | None, None]:
        """Yield what follows the happening with the id `after`, or what happens from now on.

        Yields a Reset first where that id is not known (another framework leads now, or it is
        too long ago), also later to who reads too slowly; None where nothing has happened for
        `keepalive` seconds. Ends only with its reader.
        """
        last = after or self._read().last
        self._readers += 1
        try:
            while True:
                history = self._read()
                news = history.after(last)
                if news is None:
                    yield Reset(history.last)
                    last = history.last
                for happening in news or ():
                    yield happening
                    last = happening.id
                if not news and not await self._await_news(last, keepalive):
                    yield None
        finally:
            self._readers -= 1
            if not self._readers and self._look is not None:
                self._look.cancel()

    async def _await_news(self, last: str, patience: float) -> bool:
        """Wait until something has happened; tell whether it has, within `patience` seconds."""
        if self._read().last != last:
            return True
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._look_out(last))
        done, _ = await asyncio.wait((self._look,), timeout=patience)
        return bool(done)

    async def _look_out(self, last: str) -> None:
        while self._read().last == last:
            await self._pause(TICK_S)
