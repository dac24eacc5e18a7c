from hypothesis import given
from hypothesis import strategies as st

from proxy.model import usage
from proxy.model.usage import Count, Reading, TaskUsage


def after(*readings: Reading) -> usage.Tally:
    tally = usage.EMPTY
    for reading in readings:
        tally = usage.add_reading(tally, reading)
    return tally


def test_the_difference_of_two_readings_is_reported() -> None:
    tally = after({"a": Count(0, 3)})
    assert usage.to_report(tally) == [TaskUsage("a", 0, 3)]
    tally = usage.add_reading(
        usage.mark_reported(tally, usage.to_report(tally)), {"a": Count(0, 5), "b": Count(0, 1)}
    )
    assert usage.to_report(tally) == [TaskUsage("a", 0, 2), TaskUsage("b", 0, 1)]


def test_open_requests_are_reported_each_time_and_their_end_once() -> None:
    tally = after({"a": Count(1, 1)})
    for _ in range(3):
        tally = usage.add_reading(
            usage.mark_reported(tally, usage.to_report(tally)), {"a": Count(1, 1)}
        )
        assert usage.to_report(tally) == [TaskUsage("a", 1, 0)]
    tally = usage.add_reading(tally, {"a": Count(0, 1)})
    assert usage.to_report(tally) == [TaskUsage("a", 0, 0)]
    assert usage.to_report(usage.mark_reported(tally, usage.to_report(tally))) == []


def test_the_end_of_an_expired_counter_is_reported_too() -> None:
    tally = after({"a": Count(2, 2)})
    tally = usage.add_reading(usage.mark_reported(tally, usage.to_report(tally)), {})
    assert usage.to_report(tally) == [TaskUsage("a", 0, 0)]


def test_requests_during_a_report_are_in_the_next_one() -> None:
    earlier = after({"a": Count(0, 3)})
    tally = usage.mark_reported(
        usage.add_reading(earlier, {"a": Count(0, 4)}), usage.to_report(earlier)
    )
    assert usage.to_report(tally) == [TaskUsage("a", 0, 1)]


def test_a_lower_count_means_that_the_counter_restarted() -> None:
    tally = after({"a": Count(0, 100)})
    tally = usage.add_reading(
        usage.mark_reported(tally, usage.to_report(tally)), {"a": Count(0, 2)}
    )
    assert usage.to_report(tally) == [TaskUsage("a", 0, 2)]


def test_an_equal_count_with_more_time_left_means_a_restart() -> None:
    tally = after({"a": Count(0, 1, 120_000)})
    for left, expected in (
        (1_000, []),
        (119_000, [TaskUsage("a", 0, 1)]),
        (117_000, []),
        (119_500, []),
    ):
        tally = usage.add_reading(
            usage.mark_reported(tally, usage.to_report(tally)),
            {"a": Count(left == 117_000, 1, left)},
        )
        assert [one for one in usage.to_report(tally) if one.requests] == expected


def test_only_tasks_that_are_open_and_not_routed_are_held() -> None:
    reading = {"open": Count(1, 1), "ended": Count(0, 1), "routed": Count(3, 3)}
    reading["cart|shop"] = Count(1, 1)  # a variant
    assert usage.still_open(reading, {"routed"}) == ("open",)


steps = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.booleans(), st.booleans()))


@given(steps)
def test_every_request_is_reported_once_despite_outages(
    steps: list[tuple[str, int, bool, bool]],
) -> None:
    counted: dict[str, int] = {}
    came: dict[str, int] = {}
    taken: dict[str, int] = {}
    tally = usage.EMPTY
    for task_id, requests, restarted, is_there in [*steps, ("a", 0, False, True)]:
        if restarted:  # a restarted HAProxy is read before it has counted more than the last one
            counted = {}
            tally = usage.add_reading(tally, {})
        counted[task_id] = counted.get(task_id, 0) + requests
        came[task_id] = came.get(task_id, 0) + requests
        tally = usage.add_reading(tally, {t: Count(0, n) for t, n in counted.items()})
        if is_there:
            for task, _, number in usage.to_report(tally):
                assert number > 0
                taken[task] = taken.get(task, 0) + number
            tally = usage.mark_reported(tally, usage.to_report(tally))
    assert taken == {task: number for task, number in came.items() if number}
