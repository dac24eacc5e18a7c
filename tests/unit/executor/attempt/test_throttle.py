"""executor/attempt/throttle.py: the latest text, not too often, and always some."""

from collections.abc import Callable

import pytest

from executor.attempt.throttle import Throttle


class Clock:
    """A time that stands still until go_to(), and calls planned for a time."""

    def __init__(self) -> None:
        self.time = 0.0
        self.calls: dict[float, Callable[[], None]] = {}

    def now(self) -> float:
        return self.time

    def later(self, seconds: float, call: Callable[[], None]) -> "Clock":
        self.calls[self.time + seconds] = call
        return self

    def cancel(self) -> None:
        self.calls.clear()

    def go_to(self, moment: float) -> None:
        for due in sorted(at for at in self.calls if at <= moment):
            self.time = due
            self.calls.pop(due)()
        self.time = moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_latest_text_is_reported_at_most_once_a_second(clock: Clock) -> None:
    reported: list[tuple[float, str]] = []
    with Throttle(
        lambda text: reported.append((clock.time, text)), 1.0, now=clock.now, later=clock.later
    ) as throttle:
        for moment, text in ((0.1, "1/5"), (0.2, "2/5"), (1.5, "3/5"), (1.6, "4/5"), (9.0, "5/5")):
            clock.go_to(moment)
            throttle.update(text)
        clock.go_to(20.0)
    assert reported == [(1.0, "2/5"), (2.0, "4/5"), (9.0, "5/5")]


def test_nothing_is_reported_of_a_short_context(clock: Clock) -> None:
    reported: list[str] = []
    with Throttle(reported.append, 1.0, now=clock.now, later=clock.later) as throttle:
        throttle.update("1/5")
    clock.go_to(5.0)
    throttle.update("2/5")
    assert (reported, clock.calls) == ([], {})


def test_the_last_text_before_a_failure_is_reported_once(clock: Clock) -> None:
    reported: list[str] = []

    def build() -> None:
        with Throttle(reported.append, 1.0, now=clock.now, later=clock.later) as throttle:
            throttle.update("1/5")
            clock.go_to(1.0)
            throttle.update("2/5")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        build()
    clock.go_to(5.0)
    assert reported == ["1/5", "2/5"]


def test_the_same_text_is_reported_once(clock: Clock) -> None:
    reported: list[str] = []
    with Throttle(reported.append, 1.0, now=clock.now, later=clock.later) as throttle:
        for moment in range(1, 5):
            clock.go_to(float(moment))
            throttle.update("1/5")
    assert reported == ["1/5"]
