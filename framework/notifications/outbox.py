"""What waits to be sent to each receiver, and when the next try is due. Pure.

A receiver gets its messages one after the other, in their order, and waits for no other receiver.
"""

import dataclasses
import enum
from collections import deque
from collections.abc import Collection, Sequence
from typing import NamedTuple

from framework.apps.receivers import Receiver
from framework.notifications.bodies import Fields

MOST = 100
"""How many messages wait for one receiver; of more, the oldest are dropped."""
LASTS_SECONDS = 3600.0
"""For how long a message is tried again."""
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 600.0
"""Seconds after the first failure; the pause doubles with each one."""
_NEVER = float("-inf")


class AppReceiver(NamedTuple):
    """A receiver of an app."""

    app: str
    receiver: Receiver


class Message(NamedTuple):
    """An event to send. `at` is when it came, in monotonic seconds."""

    id: str
    at: float
    event: Fields


class Fate(enum.StrEnum):
    """What has become of a try, or of a message that waited."""

    TAKEN = "taken"
    FAILED = "failed"  # it is tried again
    REFUSED = "refused"  # the receiver will never take it
    EXPIRED = "expired"
    DROPPED = "dropped"  # too many waited


@dataclasses.dataclass
class _Line:
    """The messages for one receiver, the oldest first; while it `is_busy` the first is sent."""

    waiting: deque[Message] = dataclasses.field(default_factory=deque)
    failures: int = 0
    due: float = _NEVER
    is_busy: bool = False


def find_pause(failures: int) -> float:
    """Return the seconds after so many failures in a row, at least one."""
    return min(FIRST_PAUSE * 2.0 ** min(failures - 1, 20), LONGEST_PAUSE)


class Outbox:
    """The messages for all receivers. Times are in monotonic seconds. Not thread safe."""

    def __init__(self) -> None:
        self._lines: dict[AppReceiver, _Line] = {}

    def keep(self, receivers: Collection[AppReceiver]) -> None:
        """Forget all receivers but these, with what waits for them."""
        self._lines = {one: line for one, line in self._lines.items() if one in receivers}

    def put(self, to: AppReceiver, message: Message) -> bool:
        """Add a message; return whether the oldest one of its receiver was dropped for it."""
        line = self._lines.setdefault(to, _Line())
        line.waiting.append(message)
        if len(line.waiting) <= MOST:
            return False
        del line.waiting[1 if line.is_busy else 0]
        return True

    def count(self, to: AppReceiver) -> int:
        """Return how many messages wait for a receiver, with the one that is being sent."""
        line = self._lines.get(to)
        return len(line.waiting) if line else 0

    def expire(self, now: float) -> Sequence[AppReceiver]:
        """Drop the messages that are too old; return the receiver of each."""
        expired = []
        for to, line in self._lines.items():
            while line.waiting and not line.is_busy and _is_old(line.waiting[0], now):
                line.waiting.popleft()
                expired.append(to)
        return expired

    def begin(self, now: float, most: int) -> Sequence[tuple[AppReceiver, Message]]:
        """Return at most so many messages that are due now; each is busy until its `end`."""
        due = sorted(
            (line.due, place, to)
            for place, (to, line) in enumerate(self._lines.items())
            if line.waiting and not line.is_busy and line.due <= now
        )
        begun = []
        for _, _, to in due[:most]:
            line = self._lines[to]
            line.is_busy = True
            begun.append((to, line.waiting[0]))
        return begun

    def end(self, to: AppReceiver, now: float, fate: Fate, wait: float = 0.0) -> None:
        """Note what became of the message that was sent.

        After a failure the next try comes in `wait` seconds at the earliest.
        """
        line = self._lines.get(to)
        if line is None or not line.is_busy:  # removed meanwhile
            return
        line.is_busy = False
        if fate is Fate.FAILED:
            line.failures += 1
            line.due = now + max(find_pause(line.failures), wait)
            return
        line.waiting.popleft()
        line.failures, line.due = 0, now
        if not line.waiting:
            del self._lines[to]


def _is_old(message: Message, now: float) -> bool:
    return now - message.at >= LASTS_SECONDS
