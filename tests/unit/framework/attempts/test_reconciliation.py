import itertools
from collections.abc import Callable

import pytest

from framework.attempts.reconciliation import (
    BATCH,
    UNANSWERED_SECONDS,
    Reconciliation,
    tasks_of,
)
from framework.units.lifecycle import WITH_TASK
from prevs.records import PreviewRecord

TWO = {"one": "agent-1", "two": None}


def begun(tasks: dict[str, str | None], now: float = 0.0) -> Reconciliation:
    run = Reconciliation()
    run.begin(tasks, now)
    return run


def test_every_preview_that_may_have_a_task_is_reconciled() -> None:
    previews = [
        PreviewRecord("hello", "a" * 40, state, task_id=state.value, agent_id="agent-1")
        for state in WITH_TASK
    ]
    assert tasks_of(previews) == {state.value: "agent-1" for state in WITH_TASK}


def test_nothing_is_reconciled_when_nothing_is_pending() -> None:
    assert begun({}).next_batch(5.0) == {}


def test_the_reconciliation_is_repeated_with_growing_pauses() -> None:
    run = begun(TWO)
    queried = [tenth / 10 for tenth in range(4000) if run.next_batch(tenth / 10)]
    assert queried[:7] == [0, 1, 3, 7, 15, 31, 63]
    pauses = [later - sooner for sooner, later in itertools.pairwise(queried)]
    assert set(pauses[6:]) == {60}


def test_a_task_with_a_status_is_not_reconciled_again() -> None:
    run = begun(TWO)
    run.answered("one")
    run.answered("nobody's")
    assert run.next_batch(0.0) == {"two": None}


def test_no_task_counts_as_answered_outside_a_run() -> None:
    run = Reconciliation()
    assert run.is_pending("one")
    run.begin(TWO, 0.0)
    assert run.is_pending("one")
    run.answered("one")
    assert not run.is_pending("one")
    run.stop()
    assert run.is_pending("one")
    run.begin({}, 1.0)
    assert not run.is_pending("one")
    run.restart(2.0)
    assert run.is_pending("one")


def unanswered(run: Reconciliation, now: float) -> list[str]:
    """Return the tasks for which there was no answer for too long."""
    return [task for task in TWO if run.is_unanswered(task, now)]


def test_a_task_without_any_answer_for_a_minute_is_unanswered() -> None:
    run = begun(TWO)
    run.answered("one")
    assert unanswered(run, UNANSWERED_SECONDS - 1) == []
    assert unanswered(run, UNANSWERED_SECONDS) == ["two"]


def test_a_later_query_begins_no_new_silence() -> None:
    run = begun(TWO)
    run.answered("one")
    run.query(TWO, 30.0)
    run.begin(TWO, UNANSWERED_SECONDS)
    assert unanswered(run, UNANSWERED_SECONDS) == ["two"]
    assert unanswered(run, 30.0 + UNANSWERED_SECONDS) == ["one", "two"]
    run.begin({"one": None}, 31.0 + UNANSWERED_SECONDS)
    assert unanswered(run, 31.0 + UNANSWERED_SECONDS) == ["one"], "the other one has no preview"


@pytest.mark.parametrize("end", [Reconciliation.stop, lambda run: run.restart(50.0)])
def test_without_its_subscription_no_task_is_unanswered(
    end: Callable[[Reconciliation], None],
) -> None:
    run = begun(TWO)
    end(run)
    assert unanswered(run, 1000.0) == []
    run.begin(TWO, 1000.0)
    assert unanswered(run, 1000.0 + UNANSWERED_SECONDS - 1) == []


def test_a_new_doubtful_task_is_reconciled_at_once() -> None:
    run = begun({"one": "agent-1"})
    run.next_batch(0.0)
    run.query({}, 0.5)
    assert run.next_batch(0.5) == {}
    run.query({"other": None}, 0.5)
    assert run.next_batch(0.5) == {"one": "agent-1", "other": None}


def test_a_new_doubtful_task_is_reconciled_again_as_soon_as_the_first() -> None:
    run = begun({"one": "agent-1"})
    for second in range(100):
        run.next_batch(second)
    run.query({"other": None}, 100.0)
    assert [second for second in range(100, 108) if run.next_batch(second)] == [100, 101, 103, 107]


def test_a_new_run_ends_the_one_before() -> None:
    run = begun(TWO)
    run.next_batch(0.0)
    run.begin({"three": None}, 0.1)
    assert run.next_batch(0.1) == {"three": None}


def test_thousands_are_reconciled_in_batches_and_the_rest_again() -> None:
    names = [f"t{number}" for number in range(1001)]
    run = begun(dict.fromkeys(names))
    batches = [list(run.next_batch(half / 2)) for half in range(3)]
    assert batches == [names[:500], names[500:1000], names[1000:]]
    assert run.next_batch(1.5) == {}
    for name in names[1:]:
        run.answered(name)
    assert run.next_batch(2.0) == {"t0": None}


def test_a_task_with_a_status_before_its_batch_is_left_out() -> None:
    names = [f"t{number}" for number in range(BATCH + 2)]
    run = begun(dict.fromkeys(names))
    run.next_batch(0.0)
    run.answered(names[-1])
    assert list(run.next_batch(0.5)) == [names[-2]]


def test_everything_is_due_with_a_subscription_and_never_without() -> None:
    run = begun(TWO)
    assert run.full_query_due == float("inf")
    run.restart(7.0)
    assert run.full_query_due == 7.0
    run.begin(TWO, 7.0)
    run.stop()
    assert (run.full_query_due, run.next_batch(99.0)) == (float("inf"), {})


def test_everything_is_reconciled_with_growing_pauses_after_a_subscription() -> None:
    run = begun(TWO)
    run.restart(0.0)
    due = [run.full_query_due]
    for _ in range(6):
        run.note_full_query(due[-1])
        due.append(run.full_query_due)
    assert due == [0.0, 60.0, 180.0, 420.0, 900.0, 1800.0, 2700.0]
    run.restart(3000.0)
    run.note_full_query(3000.0)
    assert run.full_query_due == 3060.0
