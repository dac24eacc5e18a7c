"""Held requests are let in to applications of all kinds, simulated with their queues."""

import heapq
import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.model.pace import FIRST, Pace, decide
from proxy.model.usage import Count

LOOK_SECONDS = 0.05
TRIES = (0.0, 1.0, 3.0)
"""When the kernel of a client tries to connect."""
CONNECT_SECONDS = 4.0
"""When HAProxy takes the connection to be refused."""
HOUR = 3600.0


class Application:
    """An application with some workers, each of which answers a request in `seconds`.

    Its queue has room for one connection more than its `backlog`. `others` are open all the while.
    `waiting` requests are held for it.
    """

    def __init__(
        self, workers: int, backlog: int, seconds: float, waiting: int, others: int = 0
    ) -> None:
        self.workers, self.backlog, self.seconds = workers, backlog, seconds
        self.waiting, self.others = waiting, others
        self.now = 0.0
        self.answered = self.refused = self.most = 0
        self._order = itertools.count()
        self._events: list[tuple[float, int, str, int]] = []
        self._open = self._queued = self._busy = 0

    def run(self) -> None:
        """Let requests in, as Releases does, until all have ended or an hour has passed."""
        count, pace = FIRST, Pace(let_in_at=0.0)
        total, look = self.waiting, 0.0
        while self.answered + self.refused < total and self.now < HOUR:
            for _ in range(min(count, self.waiting)):
                self.waiting, self._open = self.waiting - 1, self._open + 1
                self._after(0.0, "connect")
            self.most = max(self.most, self._open)
            while self._events and self._events[0][0] <= look:
                self.now, _, what, tries = heapq.heappop(self._events)
                getattr(self, f"_{what}")(tries)
            self.now = look
            is_open = self._open + self.others
            count, pace = decide(pace, Count(is_open, is_open + self.answered), look)
            look += LOOK_SECONDS

    def _after(self, seconds: float, what: str, tries: int = 0) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._order), what, tries))

    def _connect(self, tries: int) -> None:
        if self._busy < self.workers:
            self._busy += 1
            self._after(self.seconds, "answer")
        elif self._queued <= self.backlog:
            self._queued += 1
        elif tries + 1 < len(TRIES):
            self._after(TRIES[tries + 1] - TRIES[tries], "connect", tries + 1)
        else:
            self._after(CONNECT_SECONDS - TRIES[-1], "refuse")

    def _refuse(self, _: int) -> None:
        self.refused += 1  # it waits again, and stays open meanwhile

    def _answer(self, _: int) -> None:
        self._open, self.answered = self._open - 1, self.answered + 1
        if self._queued:
            self._queued -= 1
            self._after(self.seconds, "answer")
        else:
            self._busy -= 1


@given(
    workers=st.integers(1, 300),
    backlog=st.integers(5, 600),
    seconds=st.floats(0.0001, 2.0),
    waiting=st.integers(1, 500),
    others=st.integers(0, 50),
)
@example(workers=1, backlog=5, seconds=0.02, waiting=500, others=0)
@example(workers=1, backlog=5, seconds=2.0, waiting=500, others=0)
def test_no_request_is_refused_however_slow_the_application_and_short_its_queue(
    workers: int, backlog: int, seconds: float, waiting: int, others: int
) -> None:
    application = Application(workers, backlog, seconds, waiting, others)
    application.run()
    assert application.refused == 0
    assert application.answered == waiting
    each = (seconds + LOOK_SECONDS) / min(workers, FIRST)
    assert application.now <= 10 + 2 * waiting * each, "at least FIRST are open all the time"


@pytest.mark.parametrize(
    ("workers", "seconds", "limit"),
    [(1, 0.001, 2.0), (64, 0.1, 2.0), (200, 1.5, 15.0), (1, 0.02, 11.0)],
)
def test_an_application_with_a_long_queue_gets_them_as_quickly_as_it_answers(
    workers: int, seconds: float, limit: float
) -> None:
    application = Application(workers, 511, seconds, 500)
    application.run()
    assert application.now < limit


def test_requests_that_stay_open_keep_the_others_waiting_for_a_second_each_time() -> None:
    application = Application(1000, 511, 2 * HOUR, 40)
    application.run()
    assert application.waiting == 0
    pace, let_in, now = Pace(let_in_at=0.0), FIRST, 0.0
    while now < 10:
        count, pace = decide(pace, Count(let_in, let_in), now)
        let_in += count
        now += LOOK_SECONDS
    assert 10 <= let_in / FIRST <= 11


def test_where_haproxy_tells_nothing_some_are_let_in_each_second() -> None:
    pace, counts = Pace(let_in_at=0.0), []
    for now in (0.5, 1.0, 1.5, 2.0):
        count, pace = decide(pace, None, now)
        counts.append(count)
    assert counts == [0, FIRST, 0, FIRST]


def test_a_haproxy_that_was_started_again_counts_from_the_beginning() -> None:
    count, pace = decide(Pace(let_in_at=0.0), Count(4, 1000), 0.1)
    assert count == 0
    count, pace = decide(pace, Count(0, 0), 0.2)
    assert count > 0
    assert pace.last is not None
    assert pace.last.answered == 0
