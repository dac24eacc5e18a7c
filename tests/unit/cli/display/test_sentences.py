"""The sentences of the command line."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.client.generated.records import MesosAgent, Preview
from cli.display.sentences import (
    ago,
    describe_too_large,
    duration,
    failed,
    failure,
    notes,
    ordinal,
    progress,
    title,
)
from tests.fakes import answers as fake


def preview(**changes: Any) -> Preview:
    return cast(Preview, fake.preview(**changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"state": "queued"}, "waits for an agent"),
        ({"state": "queued", "reason": "no agent has it"}, "waits for an agent: no agent has it"),
        ({"queue_place": 2}, "is 2nd in the queue"),
        ({"queue_place": 1, "reason": "no room."}, "is 1st in the queue: no room"),
        (
            {"reason": "Its last attempt was lost.", "next_try": 1037.2},
            "is tried again in 38 s: Its last attempt was lost",
        ),
        ({"next_try": 999.0}, "is tried again in 1 s"),
        ({"state": "building", "phase": "fetching"}, "fetches the commit"),
        ({"state": "building", "phase": "a new phase"}, "builds"),
        ({"state": "starting", "phase": "checking"}, "waits for the app to answer"),
        (
            {"state": "building", "phase": "building", "detail": "2/3 RUN \x1b[2Jmake\n all"},
            "builds the image (2/3 RUN make all)",
        ),
        ({"state": "stopped"}, "is stopped"),
        ({"state": "stopped", "reason": "Nobody used it."}, "is stopped: Nobody used it."),
        ({"state": "running"}, "runs at http://main.hello.localhost:8080/"),
        ({"state": "draining", "phase": "running"}, "is being stopped"),
        ({"state": "a new state"}, "is a new state"),
    ],
)
def test_progress_describes_what_a_preview_does(changes: dict[str, Any], expected: str) -> None:
    assert progress(preview(**changes), 1000.0) == expected


def test_a_preview_is_named_by_its_newest_label() -> None:
    assert title(preview(labels=["v1", "main"])) == "hello@main (de6b329)"
    assert title(preview(labels=[])) == "hello@de6b329 (de6b329)"


def test_a_failure_names_the_exit_code_once() -> None:
    found = {"cause": "app-exited", "message": "The app ended with exit code 3.", "exit_code": 3}
    assert failure(preview(failure=found)) == "failed: The app ended with exit code 3."
    assert failure(preview(failure=found | {"message": "It ended."})).endswith("(exit code 3)")
    assert failure(preview(failure=found | {"message": ""})) == "failed: app-exited (exit code 3)"


def test_the_error_of_a_failed_preview_leads_to_the_log_and_the_retry() -> None:
    error = failed(cast(Preview, fake.failed()), "feature/x", 1000.0)
    assert "prevs logs hello feature/x" in error.hint
    assert "prevs retry hello feature/x" in error.hint
    assert error.log_tail == "starting\noh no\n"


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (None, "never"),
        (1000.0, "0 s ago"),
        (1010.0, "0 s ago"),
        (941.0, "59 s ago"),
        (940.0, "1 min ago"),
        (-2600.0, "1 h ago"),
        (-199_000.0, "2 d ago"),
    ],
)
def test_ago_uses_the_largest_unit(moment: float | None, expected: str) -> None:
    assert ago(moment, 1000.0) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ""),
        ({"reason": "no room"}, "no room"),
        ({"queue_place": 2, "reason": "no\nroom"}, "2nd in the queue: no room"),
        ({"state": "running", "pinned": True}, "pinned"),
        ({"queue_place": 1, "pinned": True}, "pinned; 1st in the queue"),
        (
            {"state": "running", "reason": "Its agent does not answer."},
            "Its agent does not answer.",
        ),
    ],
)
def test_notes_have_the_place_the_reason_and_the_pin(
    changes: dict[str, Any], expected: str
) -> None:
    assert notes(preview(**changes)) == expected


def test_notes_of_a_failed_preview_have_the_reason() -> None:
    assert notes(cast(Preview, fake.failed())) == "The app exited. (exit code 3)"


def test_ordinals() -> None:
    numbers = [1, 2, 3, 4, 10, 11, 12, 13, 21, 22, 101, 111, 112]
    ordinals = "1st 2nd 3rd 4th 10th 11th 12th 13th 21st 22nd 101st 111th 112th"
    assert " ".join(map(ordinal, numbers)) == ordinals


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (38, "38 s"), (5400, "1 h 30 min"), (3600, "1 h"), (90061, "1 d 1 h 1 min 1 s")],
)
def test_a_duration_has_all_its_units(seconds: int, expected: str) -> None:
    assert duration(seconds) == expected


def agents(*totals: tuple[float, float]) -> list[MesosAgent]:
    made = [fake.agent("10.0.0.1", total={"cpus": cpus, "mem": mem}) for cpus, mem in totals]
    return cast(list[MesosAgent], made)


@pytest.mark.parametrize(
    ("cpus", "mem", "what"),
    [
        (0.0, 9000, "no agent has 9000 MB; the largest have 8192 MB, and 16 CPUs."),
        (32.0, 0, "no agent has 32 CPUs; the"),
        (32.0, 9000, "no agent has 9000 MB and 32 CPUs; the"),
        (8.0, 8000, "no agent has 8 CPUs with 8000 MB; the"),
    ],
)
def test_what_no_agent_has_is_named_with_what_the_largest_have(
    cpus: float, mem: float, what: str
) -> None:
    assert what in describe_too_large(cpus, mem, agents((16.0, 1024.0), (4.0, 8192.0)))


@given(
    st.lists(st.tuples(st.floats(0.1, 64), st.floats(16, 9e5)), max_size=5),
    st.floats(0, 99),
    st.floats(0, 1e6),
)
def test_a_warning_comes_exactly_where_there_are_agents_and_none_is_large_enough(
    totals: list[tuple[float, float]], cpus: float, mem: float
) -> None:
    fits = any(cpus <= has_cpus and mem <= has_mem for has_cpus, has_mem in totals)
    assert bool(describe_too_large(cpus, mem, agents(*totals))) == bool(totals and not fits)


def test_notes_name_the_newest_commit_that_is_the_same() -> None:
    same = ["1" * 40, "2" * 40]
    told = "2222222 is the same: nothing of hello changed"
    assert notes(preview(state="running", same=same)) == told
    assert notes(preview(state="stopped", reason="Nobody used it.", same=same)) == (
        f"Nobody used it; {told}"
    )
