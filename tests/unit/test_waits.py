"""The message of a failed wait, and that it ends as soon as it can."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from prevs.records import Failure, PreviewRecord
from prevs.states import Cause, State
from tests.waits import (
    describe_end,
    describe_failure,
    describe_record,
    wait_for,
    wait_for_state,
    wait_until,
)

FAILED: Mapping[str, Any] = {
    "state": "failed",
    "task_id": "one",
    "failure": {"cause": "build-failed", "message": "The build failed."},
    "log_tail": "no such file\n",
}


def words(wait: Callable[[], object]) -> str:
    with pytest.raises(pytest.fail.Exception) as caught:
        wait()
    return str(caught.value)


def test_a_present_value_is_returned() -> None:
    assert wait_until(lambda: [1]) == [1]
    assert wait_for(lambda: 0, lambda found: found == 0, "nought") == 0


def test_a_late_wait_reports_what_it_waited_for_and_what_is_there_instead() -> None:
    late = words(lambda: wait_until(list, "some come", instead=lambda: "none", seconds=0))
    assert late == "some come: not within 0 s, but none"
    late = words(lambda: wait_for(lambda: 3, lambda found: found > 4, "it is five", seconds=0))
    assert late == "it is five: not within 0 s, but 3"


def test_a_wait_without_a_name_is_described_by_its_source() -> None:
    assert "lambda: None" in words(lambda: wait_until(lambda: None, seconds=0))


def test_an_impossible_result_ends_a_wait_at_once() -> None:
    gone = words(lambda: wait_until(lambda: None, "it answers", over=lambda: "it has ended"))
    assert gone == "it answers: never, it has ended"


def test_a_result_at_the_very_end_is_found() -> None:
    words_seen: list[str] = []

    def ends() -> str:
        words_seen.append("the last word")
        return "it has ended"

    assert wait_until(lambda: words_seen, over=ends) == ["the last word"]


def test_a_preview_that_has_failed_ends_the_wait_for_another_state() -> None:
    message = words(lambda: wait_for_state(lambda: FAILED, "running"))
    for part in ("it is running", "build-failed", "The build failed.", "no such file"):
        assert part in message
    assert wait_for_state(lambda: FAILED, "stopped", "failed") == FAILED


def test_the_failure_of_an_attempt_before_ends_no_wait() -> None:
    running = {"state": "running", "task_id": "two"}
    states: Iterator[Mapping[str, Any]] = iter([FAILED, running])
    assert wait_for_state(lambda: next(states), "running", but="one")["task_id"] == "two"
    assert "but {'state'" in words(
        lambda: wait_for_state(lambda: FAILED, "failed", but="one", seconds=0)
    )


@pytest.mark.parametrize("state", [state for state in State if state is not State.FAILED])
def test_a_preview_that_has_not_failed_is_not_described(state: State) -> None:
    assert describe_failure({"state": state.value}) is None
    assert describe_record(PreviewRecord("hello", "a" * 40, state)) is None


def test_a_failed_record_is_described_with_its_reason() -> None:
    failure = Failure(Cause.BUILD_FAILED, "The build failed.")
    message = describe_record(PreviewRecord("hello", "a" * 40, State.FAILED, failure=failure))
    assert message
    assert "hello aaaaaaa has failed" in message
    assert "The build failed." in message


def test_an_ended_process_is_described_with_its_exit_and_last_output(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert describe_end(None, log) == "it was not started\n"
    log.write_text("I cannot go on.\n")
    process = subprocess.Popen([sys.executable, "-c", "input(); exit(3)"], stdin=subprocess.PIPE)
    assert describe_end(process, log) is None
    process.communicate(b"\n")
    assert describe_end(process, log) == "it has ended with 3\nI cannot go on.\n"
