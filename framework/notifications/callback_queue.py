"""Which callbacks of jobs are due, when each is tried next, and which are given up. Pure.

They are about different jobs, so none waits for another: one that fails leaves its turn to the
next. But a receiver that is away, or asks for a pause, is left alone with all of them.
"""

import dataclasses
import heapq
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from framework.jobs.queued_jobs import JobKey
from framework.notifications.outbox import LASTS_SECONDS, Fate, find_pause

AT_ONCE = 8
"""How many callbacks are sent to one receiver at a time, while it takes them."""
_OF_ONE = (409, 500)
"""The answers of failed tries that may be about one callback; all others are about the receiver."""
_NEVER = float("-inf")


class Target(NamedTuple):
    """A receiver of an app, by its name."""

    app: str
    receiver: str


@dataclasses.dataclass
class _Callback:
    """A job whose end is to be told; it `is_settled` once there is no other try."""

    to: Target
    since: float
    failures: int = 0
    due: float = _NEVER
    is_busy: bool = False
    is_settled: bool = False


@dataclasses.dataclass
class _Receiver:
    """How a receiver does: after `failures` in a row it is left alone until it is `due`."""

    failures: int = 0
    due: float = _NEVER
    busy: int = 0

    def count_free(self, now: float) -> int:
        """Return how many more it may be sent now."""
        if self.due > now:
            return 0
        # One try shows whether a receiver that was away takes anything again.
        return max(0, (1 if self.failures else AT_ONCE) - self.busy)


class CallbackQueue:
    """The callbacks that are to be told. Times are in monotonic seconds. Not thread safe."""

    def __init__(self) -> None:
        self._callbacks: dict[JobKey, _Callback] = {}
        self._receivers: dict[Target, _Receiver] = {}

    def update(self, due: Mapping[JobKey, str], now: float) -> None:
        """Learn which jobs' receivers, by name, are to be told; forget all others."""
        for key in self._callbacks.keys() - due.keys():
            if self._callbacks[key].is_busy:
                self._callbacks[key].is_settled = True  # whatever comes of this try
            else:
                del self._callbacks[key]
        for key, receiver in due.items():
            if key not in self._callbacks:
                self._callbacks[key] = _Callback(Target(key[0], receiver), now)
        targets = {one.to for one in self._callbacks.values()}
        self._receivers = {to: self._receivers.get(to, _Receiver()) for to in targets}

    def expire(self, now: float) -> Sequence[tuple[JobKey, Target]]:
        """Return the callbacks that are given up, after an hour."""
        expired = [
            (key, one.to)
            for key, one in self._callbacks.items()
            if now - one.since >= LASTS_SECONDS and not one.is_busy and not one.is_settled
        ]
        for key, _ in expired:
            self._callbacks[key].is_settled = True
        return expired

    def begin(self, now: float, most: int) -> Sequence[tuple[JobKey, Target]]:
        """Return at most so many callbacks that are due now; each is busy until its `end`."""
        lines: dict[Target, list[tuple[float, float, JobKey]]] = {}
        for key, one in self._callbacks.items():
            if one.due <= now and not one.is_busy and not one.is_settled:
                lines.setdefault(one.to, []).append((one.due, one.since, key))
        first = (
            entry
            for to, line in lines.items()
            for entry in heapq.nsmallest(self._receivers[to].count_free(now), line)
        )
        begun = []
        for _, _, key in heapq.nsmallest(most, first):
            one = self._callbacks[key]
            one.is_busy = True
            self._receivers[one.to].busy += 1
            begun.append((key, one.to))
        return begun

    def find_next(self, key: JobKey) -> float:
        """Return when a callback that failed is tried again at the earliest."""
        one = self._callbacks[key]
        return max(one.due, self._receivers[one.to].due)

    def end(
        self, key: JobKey, now: float, fate: Fate, *, status: int | None, wait: float = 0.0
    ) -> bool:
        """Note what became of a try; return whether it was the last one.

        `status` is that of the answer, None without one. The next try comes in `wait` seconds at
        the earliest.
        """
        one = self._callbacks[key]
        receiver = self._receivers[one.to]
        one.is_busy = False
        receiver.busy -= 1
        if fate is not Fate.FAILED:
            one.is_settled = True
            receiver.failures, receiver.due = 0, _NEVER
            return True
        one.failures += 1
        one.due = now + max(find_pause(one.failures), wait)
        if status not in _OF_ONE:
            receiver.failures += 1
            receiver.due = now + max(find_pause(receiver.failures), wait)
        return False
