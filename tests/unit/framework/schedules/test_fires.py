"""What a schedule does when times of it have come, by overlap and missed, deadline, limit, pause.

The schedule is hourly. Its last decided time is 0:00; at 3:00:10 the times 1:00, 2:00 and 3:00 are
due, and 3:00 alone is not late.
"""

from typing import Any

import pytest

from framework.schedules import fires, times
from framework.schedules.fires import ActiveJob, Decision, Outcome
from prevs.schedules import Missed, Overlap, ScheduleRecord, SkippedTime

HOUR = 3600
DAY = 24 * HOUR
MIDNIGHT = 1_700_006_400 + 4 * DAY
RUNNING = ActiveJob("running", MIDNIGHT)
BY_HAND = ActiveJob("by-hand", None)


def schedule(**fields: Any) -> ScheduleRecord:
    given = {"name": "report", "label": "main", "job": "report", "cron": "0 * * * *"}
    times_so_far = {"created": float(MIDNIGHT - DAY), "last": float(MIDNIGHT)}
    return ScheduleRecord(app="shop", **{**given, **times_so_far, **fields})


def at(hour: float) -> float:
    return MIDNIGHT + hour * HOUR


def hours(fired: tuple[int, ...]) -> list[float]:
    return [(time - MIDNIGHT) / HOUR for time in fired]


def skipped(decision: Decision) -> dict[float, str]:
    """Return why each skipped hour was, by one word of the reason."""
    words = [f"missed is {one.value}" for one in Missed]
    words += [*(f"overlap is {one.value}" for one in Overlap), "deadline"]
    return {
        (one.nominal - MIDNIGHT) / HOUR: next(word for word in words if word in one.why)
        for one in decision.skipped
    }


# By missed and overlap: what makes a job of 1:00, 2:00 and 3:00 without an active job, with one,
# and with two. The others are skipped.
COMBINATIONS: dict[tuple[Missed, Overlap], tuple[list[int], list[int], list[int]]] = {
    (Missed.LAST, Overlap.SKIP): ([3], [], []),
    (Missed.LAST, Overlap.QUEUE): ([3], [3], []),
    (Missed.LAST, Overlap.REPLACE): ([3], [3], [3]),
    (Missed.LAST, Overlap.ALLOW): ([3], [3], [3]),
    (Missed.NONE, Overlap.SKIP): ([3], [], []),
    (Missed.NONE, Overlap.QUEUE): ([3], [3], []),
    (Missed.NONE, Overlap.REPLACE): ([3], [3], [3]),
    (Missed.NONE, Overlap.ALLOW): ([3], [3], [3]),
    (Missed.ALL, Overlap.SKIP): ([1], [], []),
    (Missed.ALL, Overlap.QUEUE): ([1, 2], [1], []),
    (Missed.ALL, Overlap.REPLACE): ([3], [3], [3]),
    (Missed.ALL, Overlap.ALLOW): ([1, 2, 3], [1, 2, 3], [1, 2, 3]),
}


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize(("missed", "overlap"), COMBINATIONS)
def test_each_way_of_overlap_and_missed(missed: Missed, overlap: Overlap, count: int) -> None:
    record = schedule(missed=missed, overlap=overlap, count=7)
    active = [RUNNING, BY_HAND][:count]
    decision = fires.decide(record, at(3) + 10, active)
    expected = COMBINATIONS[missed, overlap][count]
    assert hours(decision.fires) == expected
    assert set(skipped(decision)) == {1, 2, 3} - set(expected)
    replaced = [job.id for job in active] if overlap is Overlap.REPLACE else []
    assert list(decision.replaced) == replaced
    after = decision.schedule
    assert (after.last, after.count) == (at(3), 7 + len(expected))
    assert after.skipped == decision.skipped


def test_all_combinations_are_tried() -> None:
    assert set(COMBINATIONS) == {(missed, overlap) for missed in Missed for overlap in Overlap}


@pytest.mark.parametrize(
    ("missed", "expected"),
    [(Missed.LAST, [3]), (Missed.NONE, []), (Missed.ALL, [1, 2, 3])],
)
def test_if_all_are_late_none_makes_up_none(missed: Missed, expected: list[int]) -> None:
    record = schedule(missed=missed, overlap=Overlap.ALLOW)
    decision = fires.decide(record, at(3) + 60, [])
    assert hours(decision.fires) == expected
    assert decision.schedule.last == at(3)


def test_what_is_not_made_up_replaces_nothing() -> None:
    record = schedule(missed=Missed.NONE, overlap=Overlap.REPLACE)
    decision = fires.decide(record, at(3) + 60, [RUNNING])
    assert (decision.fires, decision.replaced) == ((), ())


def test_reasons_are_sentences_that_name_what_to_change() -> None:
    record = schedule()
    late = fires.decide(record, at(2), [RUNNING])
    assert [one.why for one in late.skipped] == [
        "It was missed: nothing could start for 3600 seconds. Only the last one of missed times "
        "is made up (missed is last).",
        "When it was due, its job running had not ended (overlap is skip). With queue, replace or "
        "allow the time makes a job all the same.",
    ]
    queued = fires.decide(schedule(overlap=Overlap.QUEUE), at(1), [RUNNING, BY_HAND])
    assert [one.why for one in queued.skipped] == [
        "Two jobs of it had not ended, at last its job by-hand, and one may wait, not more "
        "(overlap is queue). With allow they run side by side."
    ]


def test_at_most_24_are_made_up_and_ten_skipped_ones_kept() -> None:
    record = schedule(missed=Missed.ALL, overlap=Overlap.ALLOW)
    decision = fires.decide(record, at(1000) + 5, [])
    assert hours(decision.fires) == list(range(977, 1001))
    assert skipped(decision) == dict.fromkeys(map(float, range(967, 977)), "missed is all")
    assert decision.schedule.last == at(1000)
    later = fires.decide(decision.schedule, at(1026), [])
    assert hours(tuple(one.nominal for one in later.schedule.skipped)) == [
        *range(969, 977),
        1001,
        1002,
    ]


@pytest.mark.parametrize("missed", [Missed.LAST, Missed.ALL])
def test_what_is_later_than_the_deadline_is_not_made_up(missed: Missed) -> None:
    record = schedule(missed=missed, overlap=Overlap.ALLOW, deadline=1800.0)
    assert hours(fires.decide(record, at(1) + 1800, []).fires) == [1]
    late = fires.decide(record, at(1) + 1801, [])
    assert (late.fires, skipped(late)) == ((), {1: "deadline"})
    assert late.schedule.last == at(1)


def test_what_is_missed_is_made_up_after_the_end_too() -> None:
    record = schedule(missed=Missed.ALL, overlap=Overlap.ALLOW, end_at=MIDNIGHT + 2 * HOUR)
    decision = fires.decide(record, at(9), [])
    assert hours(decision.fires) == [1, 2]
    assert fires.decide(decision.schedule, at(99), []) == Decision(decision.schedule)


def test_only_so_many_times_make_a_job_and_skipped_ones_do_not_count() -> None:
    record = schedule(times=2, missed=Missed.ALL, overlap=Overlap.ALLOW)
    decision = fires.decide(record, at(3), [])
    assert (hours(decision.fires), decision.schedule.count) == ([1, 2], 2)
    assert fires.decide(decision.schedule, at(9), []) == Decision(decision.schedule)

    record = fires.decide(schedule(times=1), at(1), [RUNNING]).schedule
    assert record.count == 0
    assert hours(fires.decide(record, at(2), []).fires) == [2]


def test_before_a_time_is_due_nothing_changes() -> None:
    record = schedule(spread=1800.0)
    delay = times.find_delay(record)
    assert delay > 60
    assert fires.decide(record, at(1) + delay - 1, []) == Decision(record)
    decision = fires.decide(record, at(1) + delay + 1, [])
    assert hours(decision.fires) == [1]
    # What is late counts from when it was due.
    none = schedule(spread=1800.0, missed=Missed.NONE)
    assert hours(fires.decide(none, at(1) + delay + 59, []).fires) == [1]


def test_a_clock_that_is_put_back_fires_nothing_again() -> None:
    record = fires.decide(schedule(), at(3), []).schedule
    for hour in (3.5, 2, 1, 0, -50, 3.9):
        assert fires.decide(record, at(hour), []) == Decision(record)
    assert hours(fires.decide(record, at(4), []).fires) == [4]


@pytest.mark.parametrize("overlap", Overlap)
def test_a_time_that_has_its_job_makes_no_other(overlap: Overlap) -> None:
    """Somebody has made it, and has not stored the decision."""
    record = schedule(overlap=overlap)
    decision = fires.decide(record, at(1), [ActiveJob("made", at(1))])
    assert (decision.fires, decision.replaced, decision.skipped) == ((), (), ())
    assert (decision.schedule.last, decision.schedule.count) == (at(1), 1)


def test_while_it_is_paused_nothing_happens_and_later_nothing_is_made_up() -> None:
    paused = schedule(paused=True, missed=Missed.ALL, overlap=Overlap.ALLOW)
    assert fires.decide(paused, at(5), []) == Decision(paused)
    resumed = fires.resume(paused, at(2.5))
    assert (resumed.paused, resumed.last) == (False, at(2.5))
    assert resumed.skipped == tuple(
        SkippedTime(MIDNIGHT + hour * HOUR, "The schedule was paused.") for hour in (1, 2)
    )
    assert hours(fires.decide(resumed, at(3), []).fires) == [3]


def test_a_schedule_that_is_not_paused_loses_no_time_when_it_is_resumed() -> None:
    record = fires.resume(schedule(), at(1) + 5)
    assert hours(fires.decide(record, at(1) + 6, []).fires) == [1]


def test_a_pause_that_ends_before_it_began_makes_no_time_come_twice() -> None:
    paused = schedule(paused=True)
    resumed = fires.resume(paused, at(-5))
    assert fires.decide(resumed, at(0), []).fires == ()
    assert (resumed.last, resumed.skipped) == (at(0), ())


def test_times_whose_jobs_cannot_be_made_are_skipped_among_the_others_and_do_not_count() -> None:
    record = schedule(missed=Missed.ALL, overlap=Overlap.QUEUE, count=5)
    decision = fires.decide(record, at(3), [])
    assert hours(decision.fires) == [1, 2]
    refused = fires.refuse(record, decision, "Its label leads nowhere.")
    assert (refused.fires, refused.replaced) == ((), ())
    told = [one.why for one in refused.skipped]
    assert told[:2] == ["Its label leads nowhere."] * 2
    assert "overlap is queue" in told[2]
    assert refused.schedule.skipped == refused.skipped
    assert (refused.schedule.last, refused.schedule.count) == (at(3), 5)


def test_a_job_that_cannot_be_made_replaces_none() -> None:
    record = schedule(overlap=Overlap.REPLACE)
    decision = fires.decide(record, at(1), [RUNNING])
    assert decision.replaced == (RUNNING.id,)
    assert fires.refuse(record, decision, "It leads nowhere.").replaced == ()


def test_what_has_kept_a_time_waiting_is_told() -> None:
    record = schedule(deadline=60.0)
    decision = fires.decide(record, at(1) + 61, [], hindrance="The repository is away.")
    assert [one.why for one in decision.skipped] == [
        "It was missed: nothing could start for 61 seconds. The repository is away. That is more "
        "than its deadline, 60 seconds."
    ]


@pytest.mark.parametrize(
    ("fields", "active", "expected"),
    [
        ({"missed": Missed.ALL, "overlap": Overlap.ALLOW}, [], "made-up made-up made"),
        ({"missed": Missed.ALL, "overlap": Overlap.REPLACE}, [], "overlap overlap made"),
        ({"missed": Missed.ALL, "overlap": Overlap.QUEUE}, [], "made-up made-up overlap"),
        ({"missed": Missed.LAST}, [], "missed missed made"),
        ({"missed": Missed.LAST}, [RUNNING], "missed missed overlap"),
        (
            {"missed": Missed.ALL, "overlap": Overlap.ALLOW, "deadline": 5000},
            [],
            "missed made-up made",
        ),
    ],
)
def test_each_due_time_has_an_outcome(
    fields: dict[str, Any], active: list[ActiveJob], expected: str
) -> None:
    record = schedule(**fields)
    decision = fires.decide(record, at(3) + 10, active)
    assert [decision.outcomes[int(at(n))].value for n in (1, 2, 3)] == expected.split()
    refused = fires.refuse(record, decision, "No.").outcomes
    assert set(refused) == set(decision.outcomes)
    assert {refused[time] for time in decision.fires} <= {Outcome.REFUSED}


def test_a_time_that_has_its_job_already_comes_to_nothing_new() -> None:
    record = schedule(overlap=Overlap.ALLOW)
    decision = fires.decide(record, at(1) + 10, [ActiveJob("made", at(1))])
    assert (decision.outcomes, decision.schedule.count) == ({}, 1)
