import dataclasses

from framework.errors import Unavailable
from framework.units import ended_attempts
from framework.units.ended_attempts import KEPT, LONGEST_WHY
from prevs.records import EndedAttempt, Failure, PreviewRecord, Step
from prevs.states import Cause, Phase, State
from tests.fakes.driven import A, Driven

NOW = 1000.0


def attempt(number: int, **fields: object) -> EndedAttempt:
    known = EndedAttempt(number, f"t{number}", NOW - 10, NOW, "S0", "10.0.0.2", "building")
    return dataclasses.replace(known, **fields)  # type: ignore[arg-type]


def test_a_stopped_attempt_is_noted_with_its_reason_and_its_times(driven: Driven) -> None:
    driven.place()
    placed, task = driven.clock.seconds, driven.task()
    driven.clock.pass_seconds(5)
    driven.report("TASK_RUNNING", Phase.RUNNING)
    driven.clock.pass_seconds(60)
    driven.stop()
    driven.update("TASK_KILLED", task=task)
    [ended] = driven.preview().attempts
    assert (ended.number, ended.task_id, ended.reached) == (1, task, "running")
    assert (ended.began, ended.ended) == (placed, driven.clock.seconds)
    assert (ended.cause, ended.why) == (None, driven.preview().reason)
    assert ended.why
    assert driven.preview().state is State.STOPPED


def test_a_failed_attempt_is_noted_with_its_cause_even_where_it_is_retried(
    driven: Driven,
) -> None:
    driven.run()
    driven.report("TASK_FAILED", Phase.ENDED, cause=Cause.APP_EXITED, exit_code=3, message="Gone.")
    [first] = driven.preview().attempts
    assert driven.preview().state is State.QUEUED
    assert (first.cause, first.exit_code, first.why) == (Cause.APP_EXITED, 3, "Gone.")
    driven.tick(60)
    driven.offer("again")
    driven.report("TASK_FAILED", Phase.ENDED, cause=Cause.BUILD_FAILED, message="No.")
    assert [(one.number, one.why) for one in driven.preview().attempts] == [
        (1, "Gone."),
        (2, "No."),
    ]


def test_a_launch_that_was_not_sent_is_not_an_attempt(driven: Driven) -> None:
    driven.cluster.failure = Unavailable("Mesos")
    driven.start()
    driven.offer("1")
    assert driven.preview().state is State.QUEUED
    assert driven.preview().attempts == ()


def test_the_last_few_are_kept_and_keep_their_numbers() -> None:
    preview = PreviewRecord("hello", A, State.RUNNING, task_id="t8")
    known = tuple(attempt(number) for number in range(3, 3 + KEPT))
    noted = ended_attempts.note(dataclasses.replace(preview, attempts=known), None, NOW)
    assert [one.number for one in noted] == [4, 5, 6, 7, 8]


def test_a_long_reason_is_cut() -> None:
    failure = Failure(Cause.BUILD_FAILED, "x" * 1000)
    [noted] = ended_attempts.note(PreviewRecord("hello", A, State.BUILDING), failure, NOW)
    assert len(noted.why) == LONGEST_WHY
    assert noted.why.endswith("…")


def test_the_current_attempt_follows_the_last_and_there_is_none_without_a_task() -> None:
    preview = PreviewRecord("hello", A, State.RUNNING, task_id="t3", attempts=(attempt(2),))
    assert ended_attempts.current(preview) == 3
    assert ended_attempts.look_back(preview, 3) is preview
    for state in (State.QUEUED, State.STOPPED, State.FAILED):
        assert ended_attempts.current(dataclasses.replace(preview, state=state)) is None
    assert ended_attempts.look_back(preview, 1) is None


def test_an_earlier_attempt_has_the_place_of_its_log_and_its_end() -> None:
    failed = attempt(1, cause=Cause.BUILD_FAILED, exit_code=7, why="No.")
    preview = PreviewRecord(
        "hello", A, State.RUNNING, task_id="t3", agent_id="S9", attempts=(failed, attempt(2))
    )
    then = ended_attempts.look_back(preview, 1)
    assert then is not None
    assert (then.state, then.task_id, then.agent_id) == (State.FAILED, "t1", "S0")
    assert then.failure == Failure(Cause.BUILD_FAILED, "No.", 7)
    stopped = ended_attempts.look_back(preview, 2)
    assert stopped is not None
    assert (stopped.state, stopped.task_id, stopped.failure) == (State.STOPPED, "t2", None)


def test_without_a_known_phase_the_log_counts_as_the_applications() -> None:
    preview = PreviewRecord("hello", A, State.STOPPED)
    assert ended_attempts.as_it_ended(preview, attempt(1)).steps == (Step("building", NOW),)
    unknown = ended_attempts.as_it_ended(preview, attempt(1, reached=""))
    assert unknown.steps == (Step("running", NOW),)
