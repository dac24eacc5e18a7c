"""The steps of a start, with and without a terminal."""

import io

import pytest
from rich.console import Console

from local.cluster.progress import Step
from local.console import steps
from local.errors import LocalError

STARTING = Step("master", "starting")
READY = Step("master", "ready", 1.25, "127.0.0.1:5050")


def shown(*steps_: Step, terminal: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=80, _environ={"TERM": "xterm"})
    with steps.board(console) as show:
        for step in steps_:
            show(step)
    return out.getvalue()


def test_without_a_terminal_a_step_is_one_line_when_it_ends() -> None:
    text = shown(STARTING, READY, Step("master", "stopping"), terminal=False)
    assert text == "✓ master        ready      1.2 s  127.0.0.1:5050\n"


def test_a_terminal_shows_a_step_while_it_goes_on_and_keeps_its_line() -> None:
    text = shown(Step("agent-1", "starting"), STARTING, READY, terminal=True)
    assert "127.0.0.1:5050" in text
    after = text.partition("127.0.0.1:5050")[2]
    assert "agent-1" in after
    assert "master" not in after


@pytest.mark.parametrize("terminal", [True, False])
def test_a_start_that_is_slow_is_named_and_goes_on(terminal: bool) -> None:
    slow = Step("framework", "slow", 30.5, "is still starting")
    text = shown(Step("framework", "starting"), slow, terminal=terminal)
    assert "framework     slow      30.5 s  is still starting" in text
    after = text.partition("is still starting")[2]
    assert ("framework" in after) is terminal, "its spinner stays"


def test_a_failed_step_is_shown_with_its_reason_and_the_next_step(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failure = LocalError("dockerd", "exited with status 1\nno [room] left", "Make some.")
    steps.show_failure(Console(), failure)
    assert capsys.readouterr().out.splitlines() == [
        "✗ dockerd failed:",
        "    exited with status 1",
        "    no [room] left",
        "Make some.",
    ]
