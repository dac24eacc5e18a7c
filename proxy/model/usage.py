"""Turns HAProxy's counters into the usage that the proxy reports to the framework. Pure.

No request is lost while no framework accepts reports. No number is negative when HAProxy restarts
its counters. Each request is reported at least once: a report whose answer was lost is sent again.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple


class Count(NamedTuple):
    """HAProxy's counters of a task: its open requests, and all requests since counting began.

    `left` is the milliseconds until the counters expire, unless a request begins or ends before.
    """

    open: int
    requests: int
    left: int = 0


Reading = Mapping[str, Count]
"""HAProxy's counters at one moment, by task id; those of a variant of a stack by `cart|shop`, its
name and that of the gate at which it was used."""


class Source(NamedTuple):
    """The addresses from which a proxy connects to previews, and the user that it runs as."""

    addresses: tuple[str, ...] = ()
    user: int | None = None


class TaskUsage(NamedTuple):
    """What is reported about a task: its open requests, and the requests since the last report.

    What is reported about a variant has its key in place of the id.
    """

    task_id: str
    open: int
    requests: int


class Tally(NamedTuple):
    """The last reading, the requests not yet reported, and the tasks last reported as open."""

    seen: Reading
    unreported: Mapping[str, int]
    reported_open: frozenset[str]


EMPTY = Tally({}, {}, frozenset())


def add_reading(tally: Tally, reading: Reading) -> Tally:
    """Return the tally after one more reading."""
    unreported = dict(tally.unreported)
    for task_id, count in reading.items():
        before = tally.seen.get(task_id)
        known = before.requests if before and not _restarted(before, count) else 0
        if count.requests > known:
            unreported[task_id] = unreported.get(task_id, 0) + count.requests - known
    return Tally(reading, unreported, tally.reported_open)


def _restarted(before: Count, count: Count) -> bool:
    """Return whether HAProxy restarted a counter at 0 since the reading before.

    It does after its own restart, and with the first request after the counter expired. Without
    the second check, a visitor who comes just as often as counters expire would count as 1 forever.
    """
    if count.requests != before.requests:
        return count.requests < before.requests
    return count.left > before.left and not before.open


def to_report(tally: Tally) -> list[TaskUsage]:
    """Return what has changed since the last report, and every task that has open requests."""
    opened = {task_id for task_id, count in tally.seen.items() if count.open}
    return [
        TaskUsage(
            task_id,
            tally.seen[task_id].open if task_id in opened else 0,
            tally.unreported.get(task_id, 0),
        )
        for task_id in sorted(opened | tally.unreported.keys() | tally.reported_open)
    ]


def mark_reported(tally: Tally, uses: Sequence[TaskUsage]) -> Tally:
    """Return the tally after the framework accepted `uses`; later requests stay unreported."""
    unreported, reported_open = dict(tally.unreported), set(tally.reported_open)
    for use in uses:
        left = unreported.pop(use.task_id, 0) - use.requests
        if left > 0:
            unreported[use.task_id] = left
        if use.open:
            reported_open.add(use.task_id)
        else:
            reported_open.discard(use.task_id)
    return Tally(tally.seen, unreported, frozenset(reported_open))


def still_open(reading: Reading, routed: Collection[str]) -> tuple[str, ...]:
    """Return the tasks that have open requests though no host leads to them any more."""
    opened = (key for key, count in reading.items() if count.open and "|" not in key)
    return tuple(sorted(task_id for task_id in opened if task_id not in routed))
