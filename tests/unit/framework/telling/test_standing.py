import dataclasses

import pytest

from framework.ports.telling import Light
from framework.telling.standing import describe_preview, tell_same
from prevs.records import Failure, PreviewRecord, Step
from prevs.states import Cause, State

A = "a" * 40
URL = "http://aaaaaaa.shop.prevs.example/"


def preview(state: State, **more: object) -> PreviewRecord:
    return dataclasses.replace(PreviewRecord("shop", A, state), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "place", "text", "light"),
    [
        (None, None, "starts when somebody opens it", Light.SUCCESS),
        (State.QUEUED, 3, "waits for room (3rd in the queue)", Light.SUCCESS),
        (State.QUEUED, 6, "waits for room (behind more than 5 others)", Light.SUCCESS),
        (State.QUEUED, None, "waits for its next try", Light.SUCCESS),
        (State.PLACED, None, "being built", Light.PENDING),
        (State.BUILDING, None, "being built", Light.PENDING),
        (State.STARTING, None, "starting", Light.PENDING),
        (State.RUNNING, None, "ready", Light.SUCCESS),
        (State.DRAINING, None, "starts when somebody opens it", Light.SUCCESS),
        (State.STOPPED, None, "starts when somebody opens it", Light.SUCCESS),
    ],
)
def test_each_state_has_its_words(
    state: State | None, place: int | None, text: str, light: Light
) -> None:
    known = None if state is None else preview(state)
    found = describe_preview(known, place, label="pr-7", url=URL)
    assert (found.text, found.light) == (text, light)
    assert found.markdown == f"[open it]({URL}) · {text}"
    assert found.status == ("being built" if light is Light.PENDING else "opens at pr-7")


@pytest.mark.parametrize("state", [State.PLACED, State.BUILDING, State.STARTING])
def test_a_commit_that_has_run_once_keeps_no_merge_waiting(state: State) -> None:
    found = describe_preview(
        preview(state, step_seconds={"building": 3.0}), None, label="pr-7", url=URL
    )
    assert (found.light, found.status) == (Light.SUCCESS, "opens at pr-7")


@pytest.mark.parametrize(
    ("cause", "steps", "did_not"),
    [
        (Cause.BUILD_FAILED, (), "did not build"),
        (Cause.NEVER_LISTENED, (), "did not start"),
        (Cause.APP_EXITED, (Step("running", 1.0),), "did not stay up"),
    ],
)
def test_a_failure_says_what_failed_and_why(
    cause: Cause, steps: tuple[Step, ...], did_not: str
) -> None:
    failure = Failure(cause, "`npm ci` ended with 1 | @ada")
    failed = preview(State.FAILED, failure=failure, steps=steps)
    found = describe_preview(failed, None, label="pr-7", url=URL)
    assert (
        found.markdown == f"{did_not}: `'npm ci' ended with 1 \\| @ada` · [why, and its log]({URL})"
    )
    assert (found.light, found.status) == (
        Light.FAILURE,
        f"{did_not}: `npm ci` ended with 1 | @ada",
    )


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (State.RUNNING, "the same as aaaaaaa: nothing of shop changed"),
        (State.STOPPED, "the same as aaaaaaa: nothing of shop changed"),
        (State.BUILDING, "being built"),
        (State.FAILED, "did not start"),
    ],
)
def test_a_head_that_another_commits_preview_serves_has_its_state_and_says_so(
    state: State, status: str
) -> None:
    known = preview(state)
    own = describe_preview(known, None, label="pr-7", url=URL)
    found = tell_same(own, known, "b" * 40)
    assert (found.light, found.status) == (own.light, status)
    is_told = "the same as aaaaaaa: nothing of shop changed" in found.markdown
    assert is_told is (state is not State.FAILED)
    assert tell_same(own, known, A) == tell_same(own, None, "b" * 40) == own
