"""How many held requests are let in to a preview at a time. Pure.

All at once, they would fill the application's queue of connections: what does not fit there is late
by seconds, or lost. So a few go first, twice as many when these are answered, and so on, as long as
that is quicker. Then half of the best number is kept open. Nobody waits for ever for requests that
take long.
"""

from typing import NamedTuple

from proxy.model.usage import Count

FIRST = 4
"""So many are let in at once; the shortest queues in use have room for five."""
_GAIN = 1.25
"""The window grows as long as answers come so much faster with one twice as large."""
_SHORTEST, _LONGEST = 1.0, 10.0


class Answers(NamedTuple):
    """How many requests a preview had answered, at a time in seconds."""

    answered: int
    at: float


class Pace(NamedTuple):
    """What is known of a preview while held requests are let in, the last ones at `let_in_at`.

    `window` requests may be open, beside `others`, which were open before or stay open for long.
    `rate` is how many a second were answered with the window before; None once it grows no more.
    `batch` of them were let in since `begin`. When none was answered for `patience` seconds, some
    more are let in. Times are in seconds.
    """

    let_in_at: float
    window: int = FIRST
    others: int = 0
    rate: float | None = 0.0
    batch: int = FIRST
    begin: Answers = Answers(0, 0.0)
    last: Answers | None = None
    patience: float = _SHORTEST


def decide(pace: Pace, seen: Count | None, now: float) -> tuple[int, Pace]:
    """Return how many more to let in now, and the pace from now on. FIRST are let in already.

    `seen` are HAProxy's counters of the preview; None if it does not tell them.
    """
    if seen is None:
        count = FIRST if now - pace.let_in_at >= pace.patience else 0
    else:
        pace = _learn(pace, seen, now)
        grow = _keep_full if pace.rate is None else _grow
        count, pace = grow(pace, seen, now)
    return count, pace._replace(let_in_at=now) if count else pace


def _learn(pace: Pace, seen: Count, now: float) -> Pace:
    current = Answers(seen.requests - seen.open, now)
    last = pace.last
    if last is None or current.answered < last.answered:  # the first look at this HAProxy
        others = max(0, seen.open - FIRST)
        begin = Answers(current.answered, pace.let_in_at)
        return pace._replace(others=others, begin=begin, last=current)
    pace = pace._replace(others=min(pace.others, seen.open))
    if current.answered == last.answered:
        return pace
    patience = min(max(pace.patience, 2 * (now - last.at)), _LONGEST)
    return pace._replace(last=current, patience=patience)


def _grow(pace: Pace, seen: Count, now: float) -> tuple[int, Pace]:
    """Let in a whole window once the one before is answered."""
    answered = seen.requests - seen.open - pace.begin.answered
    # Visitors who need not be held are answered as well.
    if seen.open - pace.others <= pace.window // 8 or answered >= 2 * pace.batch:
        pace = _resize(pace, pace.batch / max(now - pace.begin.at, 0.001))
        return pace.window, _begin(pace, seen, now, pace.window)
    if not _is_stuck(pace, now):
        return 0, pace
    if not answered:  # it is slow, or all stay open
        return FIRST, pace._replace(batch=pace.batch + FIRST)
    return FIRST, _begin(pace, seen, now, FIRST)


def _keep_full(pace: Pace, seen: Count, now: float) -> tuple[int, Pace]:
    """Let in as many as fit into the window."""
    free = pace.window - (seen.open - pace.others)
    if free > 0:
        return free, pace._replace(begin=Answers(seen.requests - seen.open, now))
    answered = seen.requests - seen.open - pace.begin.answered
    if answered >= 2 * pace.window or _is_stuck(pace, now):
        return FIRST, _begin(pace, seen, now, FIRST)
    return 0, pace


def _is_stuck(pace: Pace, now: float) -> bool:
    answered_at = pace.last.at if pace.last else pace.let_in_at
    return now - max(answered_at, pace.let_in_at) >= pace.patience


def _begin(pace: Pace, seen: Count, now: float, batch: int) -> Pace:
    """Begin with a batch. What is open now may stay open: a WebSocket, a stream of events."""
    begin = Answers(seen.requests - seen.open, now)
    return pace._replace(others=seen.open, batch=batch, begin=begin)


def _resize(pace: Pace, rate: float) -> Pace:
    """Return the pace after a whole window was answered, at so many requests a second.

    Twice the window may have been too much for the queue: half of the best one is not.
    """
    if rate > (pace.rate or 0.0) * _GAIN:
        return pace._replace(window=pace.window * 2, rate=rate)
    return pace._replace(window=max(FIRST, pace.window // 4), rate=None)
