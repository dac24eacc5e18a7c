"""When something is said: one thing at a time to each forge, and seldom about the same. Pure.

Times are in monotonic seconds. Only the newest is said: what is to be said is looked up when its
turn has come.
"""

import dataclasses
import enum
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from prevs.apps import Tell

GAP_SECONDS = 1.0
"""Between two writes with one credential, as GitHub advises."""
EDIT_SECONDS = 10.0
"""Between two writes about the same."""
MOST_AN_HOUR = 400
"""Writes with one credential. GitHub allows 500 that make content."""
REFUSED_SECONDS, LONGEST_REFUSED_SECONDS = 60.0, 3600.0
FAILED_SECONDS, LONGEST_FAILED_SECONDS = 5.0, 600.0
"""The first pause after a refusal of one thing, and after a failure of the forge; then they double
up to the longest one."""
_HOUR = 3600.0
_NEVER = float("-inf")


class Topic(NamedTuple):
    """A part of the news about one pull request, delivered on its own."""

    app: str
    number: int
    part: Tell


class Result(enum.Enum):
    """What became of a turn."""

    SAID = "said"
    NOTHING = "nothing"  # nothing was to be said any more, and nothing was written
    REJECTED = "rejected"  # the forge will never take it
    REFUSED = "refused"  # the token may not say it (now)
    FAILED = "failed"  # the forge has not answered, or does not accept the token at all
    BUSY = "busy"  # the forge wants a pause


@dataclasses.dataclass
class _Lane:
    """One credential at one forge."""

    is_busy: bool = False
    rests: float = _NEVER
    failures: int = 0
    writes: deque[float] = dataclasses.field(default_factory=deque)

    def is_ready(self, now: float) -> bool:
        while self.writes and self.writes[0] <= now - _HOUR:
            self.writes.popleft()
        return not self.is_busy and now >= self.rests and len(self.writes) < MOST_AN_HOUR


@dataclasses.dataclass
class _Subject:
    """What is known of a topic: since when it waits, and until when it rests."""

    since: float | None = None
    rests: float = _NEVER
    refusals: int = 0


class Pace:
    """Decides what is said next. Not thread safe."""

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}
        self._subjects: dict[Topic, _Subject] = {}

    def begin(self, waiting: Mapping[Topic, str], now: float) -> list[tuple[str, Topic]]:
        """Return what is to be said now: at most one thing for each lane, busy until `end`.

        `waiting` has all that is to be said, with its lane: a credential at a forge. Of several,
        the one that has waited longest comes first.
        """
        self._forget(waiting, now)
        chosen: dict[str, Topic] = {}
        for topic, lane in waiting.items():
            subject = self._subjects.setdefault(topic, _Subject())
            if subject.since is None:
                subject.since = now
            if now < subject.rests or not self._lanes.setdefault(lane, _Lane()).is_ready(now):
                continue
            other = chosen.get(lane)
            if other is None or subject.since < (self._subjects[other].since or now):
                chosen[lane] = topic
        for lane in chosen:
            self._lanes[lane].is_busy = True
        return list(chosen.items())

    def end(
        self, lane: str, topic: Topic, now: float, *, result: Result, seconds: float = 0.0
    ) -> None:
        """Note the end of a turn; `seconds` is how long a busy forge wants no call."""
        used, subject = self._lanes[lane], self._subjects.setdefault(topic, _Subject())
        used.is_busy = False
        if result is Result.NOTHING:
            subject.since = None
            return
        used.writes.append(now)
        used.rests = now + GAP_SECONDS
        if result is Result.BUSY:
            used.rests = now + max(seconds, GAP_SECONDS)
        elif result is Result.FAILED:
            used.rests = now + _double(FAILED_SECONDS, used.failures, LONGEST_FAILED_SECONDS)
            used.failures += 1
            # It may be the only one that fails, so the others come first.
            subject.since = now
        else:
            used.failures = 0
            self._note(subject, result, now)

    def _note(self, subject: _Subject, result: Result, now: float) -> None:
        subject.since = None
        if result is Result.REFUSED:
            pause = _double(REFUSED_SECONDS, subject.refusals, LONGEST_REFUSED_SECONDS)
            subject.rests = now + pause
            subject.refusals += 1
        else:
            subject.rests, subject.refusals = now + EDIT_SECONDS, 0

    def _forget(self, waiting: Mapping[Topic, str], now: float) -> None:
        for topic in [one for one in self._subjects if one not in waiting]:
            self._subjects[topic].since = None
            if now >= self._subjects[topic].rests:
                del self._subjects[topic]
        used = set(waiting.values())
        for name in [one for one in self._lanes if one not in used]:
            lane = self._lanes[name]
            if lane.is_ready(now) and not lane.writes:
                del self._lanes[name]


def _double(first: float, times: int, longest: float) -> float:
    return min(first * 2.0 ** min(times, 20), longest)
