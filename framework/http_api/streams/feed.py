"""A feed of the latest events; all its readers share one poll."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import NamedTuple

import anyio

from framework.preview.history import ActivityEvent, History

TICK_S = 0.25
KEEPALIVE_S = 10.0


class Reset(NamedTuple):
    """The reader has missed events: it must read the list again, and go on after `last`."""

    last: str


class Feed:
    """The events of a service. `read` returns its history, and must not block.

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
        self._poll: asyncio.Task[None] | None = None

    @property
    def history(self) -> History:
        """The events that are known now."""
        return self._read()

    async def follow(
        self, after: str = "", keepalive: float = KEEPALIVE_S
    ) -> AsyncGenerator[ActivityEvent | Reset | None, None]:
        """Yield the events after the one with the id `after`, or those from now on.

        Yields a Reset first if that id is unknown (another framework leads now, or it is too old),
        and later if the reader is too slow. Yields None after `keepalive` seconds without an event.
        Ends only with its reader.
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
                for event in news or ():
                    yield event
                    last = event.id
                if not news and not await self._await_news(last, keepalive):
                    yield None
        finally:
            self._readers -= 1
            if not self._readers and self._poll is not None:
                self._poll.cancel()

    async def _await_news(self, last: str, timeout: float) -> bool:
        """Wait for an event after `last`; return whether one came within `timeout` seconds."""
        if self._read().last != last:
            return True
        if self._poll is None or self._poll.done():
            self._poll = asyncio.create_task(self._poll_until_news(last))
        done, _ = await asyncio.wait((self._poll,), timeout=timeout)
        return bool(done)

    async def _poll_until_news(self, last: str) -> None:
        while self._read().last == last:
            await self._pause(TICK_S)
