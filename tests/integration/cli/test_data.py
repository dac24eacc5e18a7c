"""`prevs data`: what branches keep from one commit to the next."""

import json

import pytest

from prevs.records import DataPlace
from prevs.states import State
from tests.fakes.api import Api
from tests.integration.cli.command_runs import Run, on_terminal

pytestmark = pytest.mark.integration

A, B = "a" * 40, "b" * 40


@pytest.fixture
def api(api: Api) -> Api:
    at = DataPlace("agent-1", "10.0.0.5", 50.0, began=40.0)
    api.previews.put("hello", A, State.STOPPED, last_used=90.0, data_places={"main": at})
    api.previews.put("hello", B, State.RUNNING, data="fix/1", data_places={"fix/1": at})
    return api


def test_the_data_of_branches_are_listed(run: Run) -> None:
    done = run("data", "ls", "hello")
    assert done.status == 0
    header, *rows = (line.split() for line in done.out.splitlines())
    assert header == ["BRANCH", "AGENT", "COMMIT", "USED", "STATE"]
    assert [row[:3] for row in rows] == [
        ["fix/1", "10.0.0.5", B[:12]],
        ["main", "10.0.0.5", A[:12]],
    ]
    assert rows[0][-2:] == ["in", "use"]
    assert [one["branch"] for one in json.loads(run("data", "ls", "hello", "--json").out)] == [
        "fix/1",
        "main",
    ]


def test_data_are_reset_once_somebody_has_confirmed_it(
    api: Api, run: Run, environ: dict[str, str]
) -> None:
    refused = run("data", "reset", "hello", "main")
    assert (refused.status, api.previews.known["hello", A].data_places["main"].agent_id) == (
        2,
        "agent-1",
    )
    assert "Remove the data of main of hello?" in refused.err
    reset = ["data", "reset", "hello", "main"]
    printed = on_terminal(reset, environ, {b"[y/N]": lambda: None}, types="n\n", status=1)
    assert "Nothing has changed." in printed
    done = run("data", "reset", "hello", "main", "--yes")
    assert "main of hello begins with new data at its next start." in done.err
    assert run("data", "ls", "hello").out.splitlines()[2].endswith("begins anew")


def test_a_copy_says_what_is_replaced_and_is_listed(run: Run) -> None:
    done = run("data", "copy", "hello", "main", "fix/1")
    assert "Replace the data of fix/1 of hello by a copy of those of main?" in done.err
    done = run("data", "copy", "hello", "main", "fix/1", "--yes")
    assert (done.status, done.out) == (0, "")
    row = run("data", "ls", "hello").out.splitlines()[1]
    assert row.startswith("fix/1")


def test_a_branch_without_data_is_named_with_the_next_step(run: Run) -> None:
    done = run("data", "reset", "hello", "gone", "--yes")
    assert done.status != 0
    assert "The branch 'gone' of 'hello' has no data" in done.err
    assert "`prevs data ls hello` lists" in done.err
