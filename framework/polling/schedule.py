"""When something of each app is read: in turn, and at once after a webhook. Pure.

A webhook that is lost, doubled, late or false costs a read or the wait for the next one, and
changes nothing else: what was read is the truth.
"""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

from framework.ports import Polling

HOOKED_SECONDS = 600.0
"""The interval while webhooks arrive: how late a change is seen at most if one of them is lost."""
HOOKS_LAST_SECONDS = 86_400.0
"""For how long after the last webhook they count as arriving: a repository may rest for a day."""
LATE_SECONDS = 60.0
"""How long after a read has found a change its webhook may still come: forges queue them."""
AGAIN_SECONDS = 10.0
"""How soon after a webhook the second read is. Forges may send one before its change is visible."""
_NEVER = float("-inf")

Periods = Mapping[str, float]
"""The interval at which to read each app, in seconds."""


class Pace(NamedTuple):
    """`nudged` is the shortest pause of an app, however many webhooks come, in seconds.

    After failures pauses grow to `longest`, or to the app's own interval if that is longer.
    """

    nudged: float
    longest: float


@dataclasses.dataclass
class _Turns:
    """What is known of an app's turns. Times are in monotonic seconds.

    `began` is when the last turn began, or ended if it failed. `is_announced` is whether a webhook
    explains a change that this turn finds. `missed` is when a turn found a change that none does.
    """

    began: float = _NEVER
    failures: int = 0
    is_busy: bool = False
    is_nudged: bool = False
    hooked: float = _NEVER
    is_announced: bool = False
    missed: float | None = None

    def due(self, period: float, longest: float) -> float:
        """Return when the next turn is due. After each failure the pause is longer."""
        pause = period * 2.0 ** min(self.failures, 10)
        return self.began + min(pause, max(period, longest))

    def is_settled(self, period: float) -> bool:
        """Return whether a turn has begun at least `period` after the last webhook.

        A forge may send a webhook before all of its servers know the push.
        """
        return self.began >= self.hooked + period

    def find_period(self, usual: float, now: float) -> float:
        """Return the interval: longer than the usual one while webhooks announce all changes."""
        arrive = now - self.hooked < HOOKS_LAST_SECONDS and self.missed is None
        if self.failures == 0 and not self.is_settled(AGAIN_SECONDS):
            return min(usual, AGAIN_SECONDS)
        if arrive and self.failures == 0 and self.is_settled(usual):
            return max(usual, HOOKED_SECONDS)
        return usual


class PollSchedule:
    """Decides which apps to read next. Times are in monotonic seconds. Not thread safe.

    A pause counts from the beginning of an app's last turn, but after a failure from its end:
    otherwise a repository that hangs for longer than its pause would always be due.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._turns: dict[str, _Turns] = {}

    def nudge(self, name: str, now: float) -> None:
        """Have an app read soon, as a webhook has come. One read serves several.

        A webhook during a read causes another read.
        """
        turns = self._turns.setdefault(name, _Turns())
        turns.is_nudged = True
        turns.hooked = now
        if turns.missed is not None and now - turns.missed < LATE_SECONDS:
            turns.missed = None

    def hurry(self, name: str) -> None:
        """Have an app read soon, though no webhook has come."""
        self._turns.setdefault(name, _Turns()).is_nudged = True

    def begin(self, followed: Periods, now: float) -> list[str]:
        """Return the apps that are due now; each is busy until its `end`."""
        self._forget(followed, now)
        nudged = [name for name, turns in self._turns.items() if turns.is_nudged]
        known = dict.fromkeys((*followed, *nudged))
        due = [name for name in known if self._is_due(name, followed.get(name), now)]
        for name in due:
            turns = self._turns.setdefault(name, _Turns())
            after_failure = turns.failures > 0 and turns.is_announced
            unsettled = not turns.is_settled(followed.get(name, 0.0))
            turns.is_announced = turns.is_nudged or unsettled or after_failure
            turns.began, turns.is_busy, turns.is_nudged = now, True, False
        return due

    def end(self, name: str, now: float, *, failed: bool, changed: bool = False) -> None:
        """Note the end of an app's turn, and whether it found a change since the turn before."""
        turns = self._turns.get(name)
        if turns is None:
            return
        turns.is_busy = False
        if failed:
            turns.began = now
            turns.failures += 1
            return
        turns.failures = 0
        if changed:
            announced = turns.is_announced or turns.hooked >= turns.began
            turns.missed = None if announced else now

    def remove(self, name: str) -> None:
        """Forget an app that was removed."""
        self._turns.pop(name, None)

    def polling(self, name: str, period: float | None, now: float) -> Polling:
        """Return how an app is read whose usual interval is `period`; None if nobody follows it."""
        turns = self._turns.get(name, _Turns())
        hooked = None if turns.hooked == _NEVER else now - turns.hooked
        return Polling(None if period is None else turns.find_period(period, now), hooked)

    def _is_due(self, name: str, period: float | None, now: float) -> bool:
        turns = self._turns.get(name)
        if turns is None:
            return True
        if turns.is_busy:
            return False
        pace = self._pace
        if turns.is_nudged and now >= turns.due(pace.nudged, pace.longest):
            return True
        if period is None:
            return False
        return now >= turns.due(turns.find_period(period, now), pace.longest)

    def _forget(self, followed: Periods, now: float) -> None:
        """Forget apps that nobody follows, once their last webhook is old."""
        for name in self._turns.keys() - followed.keys():
            turns = self._turns[name]
            is_old = now - turns.hooked >= HOOKS_LAST_SECONDS
            if is_old and not turns.is_busy and not turns.is_nudged:
                del self._turns[name]
