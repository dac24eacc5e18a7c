import itertools

import pytest

from framework.preview import steps
from framework.preview.steps import Interval
from prevs.records import PreviewRecord, Step
from prevs.states import Cause, Phase, State
from tests.fakes.driven import A, B, Driven


def place(driven: Driven, sha: str = A) -> None:
    """Place a new or ended preview after 1 s in the queue."""
    driven.start(sha, sha[:7])
    driven.clock.pass_seconds(1)
    driven.offer(f"for-{sha[0]}-{driven.clock.seconds}")


def build(driven: Driven, sha: str = A, *, seconds: float) -> None:
    """Run a preview, with a build that takes some seconds."""
    place(driven, sha)
    for phase, took in ((Phase.FETCHING, 2), (Phase.BUILDING, seconds), (Phase.STARTING, 3)):
        driven.report("TASK_STARTING", phase, sha=sha)
        driven.clock.pass_seconds(took)
    driven.report("TASK_RUNNING", Phase.RUNNING, sha=sha)


def names(preview: PreviewRecord) -> list[str]:
    return [step.name for step in preview.steps]


def test_each_step_is_noted_once_when_it_begins(driven: Driven) -> None:
    begun = driven.clock.seconds
    place(driven)
    driven.report("TASK_STARTING", Phase.FETCHING)
    driven.clock.pass_seconds(2)
    for detail in ("1/2 FROM scratch", "2/2 RUN make", "2/2 RUN make"):
        driven.report("TASK_STARTING", Phase.BUILDING, detail=detail)
        driven.clock.pass_seconds(4)
        assert driven.preview().detail == detail
    driven.report("TASK_STARTING", Phase.CHECKING)
    assert driven.preview().detail == ""
    driven.report("TASK_RUNNING", Phase.RUNNING)
    assert [(step.name, step.began - begun) for step in driven.preview().steps] == [
        ("queued", 0.0),
        ("placed", 1.0),
        ("fetching", 1.0),
        ("building", 3.0),
        ("checking", 15.0),
        ("running", 15.0),
    ]


def test_a_late_report_begins_no_step_again(driven: Driven) -> None:
    place(driven)
    driven.report("TASK_STARTING", Phase.STARTING)
    driven.report("TASK_STARTING", Phase.BUILDING)
    assert names(driven.preview()) == ["queued", "placed", "starting"]


def test_a_quick_check_is_known_from_the_report_that_it_passed(driven: Driven) -> None:
    place(driven)
    driven.report("TASK_STARTING", Phase.STARTING)
    driven.clock.pass_seconds(3)
    driven.report("TASK_RUNNING", Phase.RUNNING, began={"checking": 0.5})
    known = driven.preview()
    assert steps.intervals(known)["checking"] == Interval(known.changed - 0.5, known.changed)
    driven.clock.pass_seconds(60)
    driven.report("TASK_RUNNING", Phase.RUNNING, began={"checking": 0.5})
    assert driven.preview().steps == known.steps


def test_a_step_that_is_reported_late_began_after_the_one_before(driven: Driven) -> None:
    place(driven)
    driven.report("TASK_STARTING", Phase.STARTING)
    before = driven.clock.seconds
    driven.clock.pass_seconds(1)
    driven.report("TASK_STARTING", Phase.CHECKING, began={"checking": 1.25})
    assert driven.preview().steps[-1] == Step("checking", before)


def test_a_lost_attempt_is_followed_by_one_in_the_queue(driven: Driven) -> None:
    build(driven, seconds=5)
    driven.clock.pass_seconds(10)
    driven.report("TASK_FAILED", Phase.ENDED, cause=Cause.EXECUTOR_FAILED)
    assert driven.preview().steps == (Step("queued", driven.clock.seconds),)


@pytest.mark.parametrize("phase", [None, Phase.BUILDING])
def test_the_steps_of_an_ended_attempt_stay_until_the_next_is_queued(
    driven: Driven, phase: Phase | None
) -> None:
    place(driven)
    if phase:
        driven.report("TASK_STARTING", phase)
    before = driven.preview().steps
    driven.report("TASK_FAILED", Phase.ENDED, cause=Cause.BUILD_FAILED)
    assert driven.preview().steps == before
    driven.clock.pass_seconds(9)
    driven.retry()
    assert driven.preview().steps == (Step("queued", driven.clock.seconds),)


def test_the_time_of_a_build_is_kept_after_a_start_from_its_image(driven: Driven) -> None:
    build(driven, seconds=30)
    driven.stop()
    driven.step()
    driven.report("TASK_KILLED", Phase.ENDED)
    place(driven)
    driven.report("TASK_STARTING", Phase.STARTING)
    driven.clock.pass_seconds(1)
    driven.report("TASK_RUNNING", Phase.RUNNING)
    assert driven.service.snapshot.typical_durations["hello"] == {
        "queued": 1.0,
        "placed": 0.0,
        "fetching": 2.0,
        "building": 30.0,
        "starting": 1.0,
    }
    driven.stop()
    driven.step()
    driven.report("TASK_KILLED", Phase.ENDED)
    driven.call(lambda: driven.records.forget_preview(driven.preview()))
    assert driven.service.snapshot.typical_durations == {}


def test_an_attempt_that_did_not_run_does_not_change_the_usual_times(driven: Driven) -> None:
    place(driven)
    driven.report("TASK_STARTING", Phase.BUILDING)
    driven.clock.pass_seconds(100)
    driven.report("TASK_FAILED", Phase.ENDED, cause=Cause.BUILD_FAILED)
    assert driven.service.snapshot.typical_durations == {}
    build(driven, B, seconds=4)
    known = driven.service.snapshot.typical_durations
    assert known["hello"]["building"] == 4.0
    driven.report("TASK_RUNNING", Phase.RUNNING, sha=B, healthy=False)
    assert driven.service.snapshot.typical_durations is known


def test_the_usual_time_is_the_median_of_the_ten_newest_with_the_step() -> None:
    seconds = itertools.chain([1000.0] * 5, range(1, 11))
    previews = [
        PreviewRecord(
            "hello",
            f"{n:040}",
            State.STOPPED,
            created=float(n),
            step_seconds={"building": float(took)},
        )
        for n, took in enumerate(seconds)
    ]
    newer = PreviewRecord("hello", A, State.RUNNING, created=99.0, step_seconds={"queued": 7.0})
    assert steps.typical_durations([newer, *previews]) == {"queued": 7.0, "building": 5.5}


def test_a_step_ends_when_the_next_begins_or_the_preview_ends() -> None:
    begun = (Step("queued", 1.0), Step("building", 2.0))
    under_way = PreviewRecord("hello", A, State.BUILDING, steps=begun, changed=2.0)
    assert steps.intervals(under_way) == {
        "queued": Interval(1.0, 2.0),
        "building": Interval(2.0, None),
    }
    failed = PreviewRecord("hello", A, State.FAILED, steps=begun, changed=5.0)
    assert steps.intervals(failed)["building"] == Interval(2.0, 5.0)
    ran = PreviewRecord("hello", A, State.STOPPED, steps=(*begun, Step("running", 3.0)))
    assert steps.intervals(ran)["building"] == Interval(2.0, 3.0)
    assert "running" not in steps.intervals(ran)


def test_no_step_ends_before_it_began_when_the_clock_goes_back() -> None:
    begun = (Step("queued", 9.0), Step("placed", 5.0))
    failed = PreviewRecord("hello", A, State.FAILED, steps=begun, changed=2.0)
    assert steps.intervals(failed) == {"queued": Interval(9.0, 9.0), "placed": Interval(5.0, 5.0)}


def test_records_from_before_steps_have_none() -> None:
    assert steps.intervals(PreviewRecord("hello", A, State.RUNNING)) == {}
    old = PreviewRecord("hello", A, State.BUILDING)
    assert steps.note(old, State.STARTING, "checking", 5.0) == (Step("checking", 5.0),)


@pytest.mark.parametrize(
    ("known", "began", "added"),
    [
        ([], {"placed": 3.0}, [Step("placed", 97.0)]),
        ([], {"building": 2.0, "placed": 3.0}, [Step("placed", 97.0), Step("building", 98.0)]),
        ([Step("queued", 1.0), Step("placed", 98.0)], {"fetching": 3.0, "building": 1.0},
         [Step("fetching", 98.0), Step("building", 99.0)]),
        ([Step("placed", 50.0)], {"fetching": -5.0}, [Step("fetching", 100.0)]),
        ([Step("fetching", 90.0)], {"placed": 20.0, "fetching": 9.0}, []),
        ([Step("of-a-later-version", 90.0)], {"queued": 5.0}, [Step("queued", 95.0)]),
        ([], {"of-a-later-version": 5.0}, []),
    ],
)  # fmt: skip
def test_missed_steps_are_added_in_their_order_and_none_begins_before_another_or_later(
    known: list[Step], began: dict[str, float], added: list[Step]
) -> None:
    preview = PreviewRecord("hello", A, State.BUILDING, steps=tuple(known))
    assert steps.catch_up(preview, began, 100.0) == (*known, *added)
    ended = PreviewRecord("hello", A, State.FAILED, steps=tuple(known))
    assert steps.catch_up(ended, began, 100.0) == tuple(known)
