from collections.abc import Sequence

from framework.telling.pace import EDIT_SECONDS, MOST_AN_HOUR, REFUSED_SECONDS, Pace, Result, Topic


def topic(number: int, app: str = "shop") -> Topic:
    return Topic(app, number, "comment")


def say(pace: Pace, waiting: dict[Topic, str], now: float, result: Result) -> Sequence[Topic]:
    begun = pace.begin(waiting, now)
    for lane, one in begun:
        pace.end(lane, one, now, result=result, seconds=50.0)
    return [one for _, one in begun]


def test_each_lane_says_one_thing_at_a_time() -> None:
    pace = Pace()
    waiting = {topic(1): "a", topic(2): "a", topic(1, "other"): "b"}
    begun = pace.begin(waiting, 0.0)
    assert [lane for lane, _ in begun] == ["a", "b"]
    assert pace.begin(waiting, 100.0) == []
    pace.end("a", begun[0][1], 100.0, result=Result.SAID)
    assert pace.begin(waiting, 100.5) == []
    assert pace.begin(waiting, 101.0) == [("a", topic(2))]


def test_what_has_waited_longest_comes_first() -> None:
    pace = Pace()
    pace.begin({topic(1): "a"}, 0.0)
    pace.end("a", topic(1), 0.0, result=Result.FAILED)
    assert pace.begin({topic(3): "a"}, 1.0) == []
    assert pace.begin({topic(2): "a", topic(3): "a"}, 6.0) == [("a", topic(3))]


def test_the_same_is_said_again_after_ten_seconds() -> None:
    pace = Pace()
    waiting = {topic(1): "a"}
    assert say(pace, waiting, 0.0, Result.SAID) == [topic(1)]
    assert say(pace, {}, 1.0, Result.SAID) == []
    assert say(pace, waiting, EDIT_SECONDS - 0.1, Result.SAID) == []
    assert say(pace, waiting, EDIT_SECONDS, Result.SAID) == [topic(1)]


def test_a_refusal_rests_for_longer_each_time_until_it_is_said() -> None:
    pace, now = Pace(), 0.0
    waiting = {topic(1): "a"}
    for pause in (1, 2, 4, 8):
        assert say(pace, waiting, now, Result.REFUSED) == [topic(1)]
        now += REFUSED_SECONDS * pause
        assert say(pace, waiting, now - 1, Result.REFUSED) == []
    say(pace, waiting, now, Result.SAID)
    now += EDIT_SECONDS
    say(pace, waiting, now, Result.REFUSED)
    assert say(pace, waiting, now + REFUSED_SECONDS, Result.SAID) == [topic(1)]


def test_a_busy_forge_rests_for_as_long_as_it_says_and_others_do_not() -> None:
    pace = Pace()
    waiting = {topic(1): "a", topic(2): "a"}
    say(pace, waiting, 0.0, Result.BUSY)
    assert say(pace, {**waiting, topic(3): "b"}, 49.0, Result.SAID) == [topic(3)]
    assert say(pace, waiting, 50.0, Result.SAID) != []


def test_nothing_that_was_said_costs_nothing() -> None:
    pace = Pace()
    waiting = {topic(number): "a" for number in range(10)}
    for _ in range(5):
        assert len(say(pace, waiting, 0.0, Result.NOTHING)) == 1


def test_400_writes_an_hour_and_no_more() -> None:
    pace = Pace()
    waiting = {topic(number): "a" for number in range(1000)}
    seconds = [*range(450), *range(3590, 4100)]
    said = [len(say(pace, waiting, float(second), Result.SAID)) for second in seconds]
    assert sum(said[: 450 + 10]) == MOST_AN_HOUR
    assert sum(said) == 2 * MOST_AN_HOUR
