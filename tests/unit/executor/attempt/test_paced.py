"""executor/attempt/paced.py: the latest word, not too often, and never none."""

from collections.abc import Callable

import pytest

from executor.attempt.paced import Paced


class Clock:
    """A time that stands still until it is told, and what is to be called at some time."""

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


def test_the_latest_word_is_told_once_in_a_second_without_another_one(clock: Clock) -> None:
    told: list[tuple[float, str]] = []
    with Paced(
        lambda word: told.append((clock.time, word)), 1.0, now=clock.now, later=clock.later
    ) as paced:
        for moment, word in ((0.1, "1/5"), (0.2, "2/5"), (1.5, "3/5"), (1.6, "4/5"), (9.0, "5/5")):
            clock.go_to(moment)
            paced.say(word)
        clock.go_to(20.0)
    assert told == [(1.0, "2/5"), (2.0, "4/5"), (9.0, "5/5")]


def test_what_is_over_soon_is_not_told_at_all(clock: Clock) -> None:
    told: list[str] = []
    with Paced(told.append, 1.0, now=clock.now, later=clock.later) as paced:
        paced.say("1/5")
    clock.go_to(5.0)
    paced.say("2/5")
    assert (told, clock.calls) == ([], {})


def test_the_last_word_before_a_failure_is_told_once(clock: Clock) -> None:
    told: list[str] = []

    def build() -> None:
        with Paced(told.append, 1.0, now=clock.now, later=clock.later) as paced:
            paced.say("1/5")
            clock.go_to(1.0)
            paced.say("2/5")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        build()
    clock.go_to(5.0)
    assert told == ["1/5", "2/5"]


def test_the_same_word_is_told_once(clock: Clock) -> None:
    told: list[str] = []
    with Paced(told.append, 1.0, now=clock.now, later=clock.later) as paced:
        for moment in range(1, 5):
            clock.go_to(float(moment))
            paced.say("1/5")
    assert told == ["1/5"]
