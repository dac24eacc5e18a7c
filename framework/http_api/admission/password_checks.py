"""Has visitors' passwords checked in threads, in the order of a fair queue."""

from collections.abc import Callable

import anyio
import anyio.to_thread

from framework.visitors.check_queue import AT_A_TIME, CheckQueue, Ticket

LONGEST_WAIT_S = 8.0
"""A proxy waits 10 s for the answer; then it has given the visitor up."""


class PasswordChecks:
    """The checks of passwords at one framework. Belongs to the event loop.

    `clock` gives monotonic seconds; `longest_wait` is how many of them a check may wait.
    """

    def __init__(self, clock: Callable[[], float], longest_wait: float = LONGEST_WAIT_S) -> None:
        self._queue = CheckQueue(clock)
        self._longest_wait = longest_wait
        self._told: dict[Ticket, anyio.Event] = {}
        self._limit = anyio.CapacityLimiter(AT_A_TIME)

    async def check(self, client: str, is_right: Callable[[], bool]) -> bool | None:
        """Return what `is_right` says, which runs in a thread; None if there was no time for it."""
        ticket, lost = self._queue.join(client)
        told = self._told[ticket] = anyio.Event()
        if lost is not None:
            self._told[lost].set()
        self._start()
        right = None
        try:
            with anyio.move_on_after(self._longest_wait):
                await told.wait()
            if self._queue.is_running(ticket):
                right = await anyio.to_thread.run_sync(is_right, limiter=self._limit)
            return right
        finally:
            del self._told[ticket]
            self._queue.leave(ticket, is_wrong=right is False)
            self._start()

    def _start(self) -> None:
        for ticket in self._queue.start():
            self._told[ticket].set()
