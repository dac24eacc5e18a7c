import itertools

from framework import recovery
from framework.lifecycle import WITH_TASK
from prevs.records import PreviewRecord
from prevs.states import State


def preview(state: State) -> PreviewRecord:
    return PreviewRecord("hello", "a" * 40, state, task_id=state.value, agent_id="agent-1")


def test_every_preview_that_may_have_a_task_is_asked_for() -> None:
    run = recovery.begin([preview(state) for state in State], 0.0)
    assert dict(run.pending) == {state.value: "agent-1" for state in WITH_TASK}


def test_nothing_is_asked_when_nothing_is_pending() -> None:
    assert recovery.ask(recovery.begin([], 0.0), 5.0)[0] == {}


def test_the_question_is_repeated_ever_more_slowly() -> None:
    run = recovery.begin([preview(State.RUNNING)], 0.0)
    asked = []
    for tenth in range(4000):
        tasks, run = recovery.ask(run, tenth / 10)
        if tasks:
            asked.append(tenth / 10)
    assert asked[:7] == [0, 1, 3, 7, 15, 31, 63]
    pauses = [later - sooner for sooner, later in itertools.pairwise(asked)]
    assert set(pauses[6:]) == {60}


def test_a_task_that_has_answered_is_not_asked_again() -> None:
    run = recovery.begin([preview(State.RUNNING), preview(State.PLACED)], 0.0)
    run = recovery.answered(run, "running")
    assert dict(recovery.ask(run, 0.0)[0]) == {"placed": "agent-1"}
    assert recovery.answered(run, "nobody's") is run


def test_a_new_doubt_is_asked_at_once() -> None:
    _, run = recovery.ask(recovery.begin([preview(State.RUNNING)], 0.0), 0.0)
    run = recovery.asking(run, {"other": None}, 0.5)
    assert dict(recovery.ask(run, 0.5)[0]) == {"running": "agent-1", "other": None}
    assert recovery.asking(run, {}, 9.0) is run
