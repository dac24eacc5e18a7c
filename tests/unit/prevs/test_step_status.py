"""prevs/step_status.py: how far an attempt is, step by step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.preview import steps
from prevs.records import PreviewRecord, Step
from prevs.states import State
from prevs.step_status import StepStatus, Times, find_statuses

NEXT, NOW, DONE = StepStatus.NEXT, StepStatus.NOW, StepStatus.DONE
SKIPPED, FAILED = StepStatus.SKIPPED, StepStatus.FAILED
BUILDS: list[Times] = [(0.0, 1.0), (None, None), (1.0, None), (None, None)]
"""The second step was not needed, the third goes on."""
ENDED: list[Times] = [(0.0, 1.0), (None, None), (1.0, 9.0), (None, None)]
"""The same once the attempt is over, at 9 unless it ran before that."""
UNDER_WAY = {State.QUEUED, State.PLACED, State.BUILDING, State.STARTING}


@pytest.mark.parametrize(
    ("state", "times", "changed", "statuses"),
    [
        ("building", BUILDS, 1.0, [DONE, SKIPPED, NOW, NEXT]),
        ("running", ENDED, 9.0, [DONE, SKIPPED, DONE, SKIPPED]),
        ("failed", ENDED, 9.0, [DONE, SKIPPED, FAILED, NEXT]),
        ("failed", ENDED, 20.0, [DONE, SKIPPED, DONE, SKIPPED]),
        ("stopped", ENDED, 9.0, [DONE, SKIPPED, DONE, NEXT]),
        ("stopped", ENDED, 20.0, [DONE, SKIPPED, DONE, SKIPPED]),
        ("draining", ENDED, 20.0, [DONE, SKIPPED, DONE, SKIPPED]),
        ("failed", BUILDS, None, [DONE, SKIPPED, FAILED, NEXT]),
        ("queued", [(None, None)] * 2, 0.0, [NEXT, NEXT]),
        ("running", [(None, None)] * 2, 0.0, [SKIPPED, SKIPPED]),
        ("stopped", [], None, []),
    ],
)
def test_each_step_has_a_status(
    state: str, times: list[Times], changed: float | None, statuses: list[StepStatus]
) -> None:
    assert find_statuses(state, times, changed) == statuses


@given(
    st.sets(st.sampled_from(steps.STEPS[1:])),
    st.sampled_from(list(State)),
    st.booleans(),
)
def test_the_steps_of_an_attempt_are_shown_as_the_framework_noted_them(
    needed: set[str], state: State, came_to_run: bool
) -> None:
    """A needed step begins each second; then the attempt gets its state."""
    begun = [name for name in steps.STEPS if name == "queued" or name in needed]
    has_run = state is State.RUNNING or (came_to_run and state not in UNDER_WAY)
    noted = [Step(name, float(at)) for at, name in enumerate([*begun, *["running"] * has_run])]
    changed = noted[-1].began + (0.0 if state in {*UNDER_WAY, State.RUNNING} else 5.0)
    preview = PreviewRecord("hello", "1" * 40, state, changed=changed, steps=tuple(noted))
    intervals = steps.intervals(preview)
    times = [intervals.get(name, (None, None)) for name in steps.STEPS]
    shown = dict(zip(steps.STEPS, find_statuses(state.value, times, changed), strict=True))
    *before, last = begun
    assert {shown[name] for name in before} <= {DONE}
    if has_run:
        assert set(shown.values()) <= {DONE, SKIPPED}
    else:
        assert shown[last] is (
            NOW if state in UNDER_WAY else FAILED if state is State.FAILED else DONE
        )
    for at, name in enumerate(steps.STEPS):
        if name not in begun:
            is_passed = has_run or at < steps.STEPS.index(last)
            assert shown[name] is (SKIPPED if is_passed else NEXT)
