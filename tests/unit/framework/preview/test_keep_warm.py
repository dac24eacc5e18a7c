import datetime

import pytest

from framework.preview.keep_warm import find_problem, is_warm


def at(day: int, clock: str) -> float:
    """Return a moment of the week of Monday, 6 July 2026."""
    hours, minutes = clock.split(":")
    moment = datetime.datetime(2026, 7, 6, int(hours), int(minutes), tzinfo=datetime.UTC)
    return (moment + datetime.timedelta(days=day)).timestamp()


MON, TUE, THU, FRI, SAT, SUN = 0, 1, 3, 4, 5, 6


@pytest.mark.parametrize(
    ("span", "day", "clock", "expected"),
    [
        ("mon-fri 08:00-18:00", MON, "08:00", True),
        ("mon-fri 08:00-18:00", MON, "07:59", False),
        ("mon-fri 08:00-18:00", FRI, "17:59", True),
        ("mon-fri 08:00-18:00", FRI, "18:00", False),
        ("mon-fri 08:00-18:00", SAT, "12:00", False),
        ("sat,sun 10:00-12:00", SUN, "11:00", True),
        ("sat,sun 10:00-12:00", MON, "11:00", False),
        ("08:00-18:00", SUN, "09:00", True),
        ("Mon 08:00 - 18:00", MON, "09:00", True),
        ("fri 22:00-02:00", FRI, "23:00", True),
        ("fri 22:00-02:00", SAT, "01:59", True),
        ("fri 22:00-02:00", SAT, "02:00", False),
        ("fri 22:00-02:00", FRI, "01:00", False),
        ("sun 22:00-02:00", MON, "01:00", True),
        ("fri-mon 10:00-11:00", SUN, "10:30", True),
        ("fri-mon 10:00-11:00", THU, "10:30", False),
        ("fri-mon 10:00-11:00", MON, "10:30", True),
        ("fri-mon 10:00-11:00", TUE, "10:30", False),
        ("00:00-24:00", THU, "23:59", True),
        ("22:00-24:00", THU, "00:30", False),
        ("08:30-08:59", THU, "08:29", False),
        ("08:30-08:59", THU, "08:30", True),
        ("08:30-08:59", THU, "08:58", True),
        ("08:30-08:59", THU, "08:59", False),
        ("23:45-00:15", THU, "00:14", True),
        ("23:45-00:15", THU, "00:15", False),
    ],
)
def test_hours_are_read_and_matched(span: str, day: int, clock: str, expected: bool) -> None:
    assert find_problem(span) is None
    assert is_warm((span,), at(day, clock)) is expected


def test_one_matching_range_of_hours_is_enough() -> None:
    assert is_warm(("mon 08:00-09:00", "sat 08:00-09:00"), at(SAT, "08:30"))
    assert not is_warm((), at(SAT, "08:30"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "always",
        "mon",
        "8:00-18:00",
        "08:00-08:00",
        "24:00-08:00",
        "25:00-26:00",
        "08:60-10:00",
        "08:00-24:01",
        "funday 08:00-18:00",
        "mon- 08:00-18:00 x",
        "mon, 08:00-18:00",
        "mon-fri-sat 08:00-18:00",
    ],
)
def test_invalid_hours_are_reported_and_keep_nothing_warm(text: str) -> None:
    problem = find_problem(text)
    assert problem is not None
    assert problem.startswith(repr(text))
    assert not is_warm((text,), at(MON, "12:00"))
