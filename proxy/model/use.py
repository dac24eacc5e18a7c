"""From what HAProxy counts to what the framework is told of the use of tasks. Pure.

Nothing is lost while nobody takes it, and nothing is negative when HAProxy counts from the start
again. It is told at least once: a report whose answer was lost comes again, with its requests.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple


class Count(NamedTuple):
    """What HAProxy counts of a task: requests that are open, and all since it began to count.

    `left` is how many milliseconds it keeps that, unless a request begins or ends.
    """

    open: int
    requests: int
    left: int = 0


Reading = Mapping[str, Count]
"""What HAProxy counts at one time, by task id."""


class Use(NamedTuple):
    """What is told of a task: requests that are open, and how many came since it was last told."""

    task_id: str
    open: int
    requests: int


class Tally(NamedTuple):
    """The last reading, the requests that nobody has taken yet, and the tasks told as open."""

    seen: Reading
    untold: Mapping[str, int]
    told_open: frozenset[str]


NOTHING = Tally({}, {}, frozenset())


def take(tally: Tally, reading: Reading) -> Tally:
    """Return the tally after one more reading."""
    untold = dict(tally.untold)
    for task_id, count in reading.items():
        before = tally.seen.get(task_id)
        known = before.requests if before and not _is_anew(before, count) else 0
        if count.requests > known:
            untold[task_id] = untold.get(task_id, 0) + count.requests - known
    return Tally(reading, untold, tally.told_open)


def _is_anew(before: Count, count: Count) -> bool:
    """Tell whether a count has begun at 0 since the one before it was read.

    It does in a HAProxy that was started anew, and with the first request after it was dropped for
    its age: a visitor who comes at just that interval would be counted as 1 for ever.
    """
    if count.requests != before.requests:
        return count.requests < before.requests
    return count.left > before.left and not before.open


def to_tell(tally: Tally) -> list[Use]:
    """Return what has changed since it was told, and every task that has open requests."""
    opened = {task_id for task_id, count in tally.seen.items() if count.open}
    return [
        Use(
            task_id,
            tally.seen[task_id].open if task_id in opened else 0,
            tally.untold.get(task_id, 0),
        )
        for task_id in sorted(opened | tally.untold.keys() | tally.told_open)
    ]


def told(tally: Tally, uses: Sequence[Use]) -> Tally:
    """Return the tally after `uses` were taken; what came meanwhile is still to be told."""
    untold, told_open = dict(tally.untold), set(tally.told_open)
    for use in uses:
        left = untold.pop(use.task_id, 0) - use.requests
        if left > 0:
            untold[use.task_id] = left
        if use.open:
            told_open.add(use.task_id)
        else:
            told_open.discard(use.task_id)
    return Tally(tally.seen, untold, frozenset(told_open))


def held(reading: Reading, routed: Collection[str]) -> tuple[str, ...]:
    """Return the tasks that have open requests though nothing is routed to them any more."""
    return tuple(sorted(t for t, count in reading.items() if count.open and t not in routed))
