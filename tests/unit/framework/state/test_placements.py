from framework.state.placements import placements, with_label, without
from prevs.records import Placement, PreviewRecord
from prevs.states import State

A, B = "a" * 40, "b" * 40


def preview(sha: str = A, state: State = State.RUNNING, **fields: object) -> PreviewRecord:
    given: dict[str, object] = {
        "labels": ("main",),
        "task_id": f"task of {sha[0]}",
        "agent_host": "127.0.0.1",
        "host_port": 31000,
        "started": 1.0,
        **fields,
    }
    return PreviewRecord(app="hello", sha=sha, state=state, **given)  # type: ignore[arg-type] # fields vary per test


def test_a_preview_has_a_placement_exactly_while_it_runs() -> None:
    for state in State:
        placed = placements("hello", [preview(state=state)], ()).placements
        assert (A in placed) == (state is State.RUNNING)


def test_a_placement_has_its_address_and_its_labels() -> None:
    assert placements("hello", [preview()], ()).placements == {
        A: Placement("task of a", "127.0.0.1", 31000, ("main",))
    }


def test_a_placement_marks_an_http2_only_application() -> None:
    (placed,) = placements("hello", [preview(protocol="h2")], ()).placements.values()
    assert placed.protocol == "h2"


def test_nobody_is_routed_to_a_task_whose_agent_is_away() -> None:
    assert placements("hello", [preview()], {"task of a"}).placements == {}


def test_a_label_leads_only_to_the_preview_that_began_to_run_last() -> None:
    both = [preview(A, started=2.0), preview(B, started=3.0, labels=("main", "v1"))]
    placed = placements("hello", both, ()).placements
    assert placed[A].labels == ()
    assert placed[B].labels == ("main", "v1")


def test_a_label_leads_to_the_old_preview_while_the_new_one_starts_or_is_away() -> None:
    for state, away in ((State.STARTING, ()), (State.RUNNING, {"task of b"})):
        both = [preview(A), preview(B, state, started=3.0)]
        assert placements("hello", both, away).placements[A].labels == ("main",)


def test_a_label_names_the_newer_commit_that_failed_while_an_older_one_answers() -> None:
    both = [preview(A, labels=("main", "v1")), preview(B, State.FAILED, started=3.0)]
    assert placements("hello", both, ()).failed == {"main": B}
    for others in (
        [preview(A), preview(B, State.BUILDING)],
        [preview(B, State.FAILED)],
        [preview(A), preview(B, State.FAILED, labels=("other",))],
    ):
        assert placements("hello", others, ()).failed == {}
    assert placements("hello", both, {"task of a"}).failed == {}


def test_the_label_of_the_latest_request_is_the_newest() -> None:
    assert with_label(preview(labels=("main", "v1")), "main") == ("v1", "main")
    assert without(preview(labels=("main", "v1")), {"main"}) == ("v1",)
