"""A thread with an event loop that sends what is due, several things at a time."""

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog

from framework.errors import Unavailable

T = TypeVar("T")

log = structlog.get_logger(__name__)

TICK_SECONDS = 0.25
OPEN = 50
"""How much is sent at a time."""


class SendingThread:
    """Calls `look` on its thread, several times a second; that calls `begin`.

    `start`, `stop` and `call` are for other threads.
    """

    def __init__(self, name: str, look: Callable[[], None]) -> None:
        self._name = name
        self._look = look
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self._ended = False

    @property
    def free(self) -> int:
        """How much more may be sent now."""
        return OPEN - len(self._sending)

    def start(self) -> None:
        """Start the thread."""
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._run, args=(self._loop,), name=self._name, daemon=True).start()

    def stop(self) -> None:
        """Send nothing more. What is being sent is broken off."""
        self._ended = True

    def begin(self, sent: Coroutine[Any, Any, None]) -> None:
        """Send something beside all else."""
        task = asyncio.create_task(sent)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def call(self, sent: Coroutine[Any, Any, T], seconds: float) -> T:
        """Send something now, and return what came of it. Blocks. Raises Unavailable."""
        loop = self._loop
        if loop is None or self._ended:
            sent.close()
            raise Unavailable("The framework")
        try:
            return asyncio.run_coroutine_threadsafe(sent, loop).result(seconds)
        except (TimeoutError, concurrent.futures.CancelledError):
            raise Unavailable("The framework") from None

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.closing(loop):
            loop.run_until_complete(self._follow())

    async def _follow(self) -> None:
        while not self._ended:
            try:
                self._look()
            except Exception:
                # If this thread died, nothing would be sent, and nothing would show it.
                log.exception("nothing can be sent for now", thread=self._name)
            await asyncio.sleep(TICK_SECONDS)
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
