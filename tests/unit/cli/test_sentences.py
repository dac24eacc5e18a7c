"""What the command line says."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.answers import Preview
from cli.sentences import Cleaner, ago, failed, failure, one_line, progress, title
from tests.fakes import api as fake

PIECES = st.lists(
    st.sampled_from(["a", "é", "\n", "\r", "\t", "\x1b", "[", "31", ";", "m", "2J", "]0;", "\x07"])
)


def preview(**changes: Any) -> Preview:
    return cast(Preview, fake.preview(**changes))


def test_colours_stay_and_other_terminal_commands_go() -> None:
    text = "\x1b[1;31mred\x1b[0m \x1b[2J\x1b]0;title\x07\x1b]52;c;eA==\x1b\\\x1bcplain\x9b2J\x08\n"
    assert Cleaner().clean(text) == "\x1b[1;31mred\x1b[0m plain2J\n"


@given(PIECES)
def test_a_stream_is_cleaned_alike_however_it_is_cut(pieces: list[str]) -> None:
    whole = Cleaner().clean("".join(pieces))
    cleaner = Cleaner()
    assert "".join(cleaner.clean(piece) for piece in pieces) == whole


@given(st.text())
def test_one_line_is_one_line_without_commands(text: str) -> None:
    said = one_line(text)
    assert len(said.splitlines()) <= 1
    assert "\x1b" not in said


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"state": "queued"}, "waits for an agent"),
        ({"state": "queued", "reason": "no agent has it"}, "waits for an agent: no agent has it"),
        ({"state": "building", "phase": "fetching"}, "fetches the commit"),
        ({"state": "building", "phase": "a new phase"}, "builds"),
        ({"state": "starting", "phase": "checking"}, "waits for the app to answer"),
        ({"state": "running"}, "runs at http://main.hello.localhost:8080/"),
        ({"state": "draining", "phase": "running"}, "is being stopped"),
        ({"state": "a new state"}, "is a new state"),
    ],
)
def test_progress_says_what_a_preview_does(changes: dict[str, Any], expected: str) -> None:
    assert progress(preview(**changes)) == expected


def test_a_preview_is_named_by_its_newest_label() -> None:
    assert title(preview(labels=["v1", "main"])) == "hello@main (de6b329)"
    assert title(preview(labels=[])) == "hello@de6b329 (de6b329)"


def test_a_failure_names_the_exit_code_once() -> None:
    told = {"cause": "app-exited", "message": "The app ended with exit code 3.", "exit_code": 3}
    assert failure(preview(failure=told)) == "failed: The app ended with exit code 3."
    assert failure(preview(failure=told | {"message": "It ended."})).endswith("(exit code 3)")
    assert failure(preview(failure=told | {"message": ""})) == "failed: app-exited (exit code 3)"


def test_the_error_of_a_failed_preview_leads_to_the_log_and_the_retry() -> None:
    error = failed(cast(Preview, fake.failed()), "feature/x")
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
