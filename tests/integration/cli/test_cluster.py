"""Pins and the queue, against an API on a real socket."""

import json

import pytest

from framework.matching.agents import Unfit
from prevs.messages import Isolation
from prevs.states import State
from tests.fakes.answers import OTHER_SHA, SHA, known_agent
from tests.fakes.api import Api
from tests.integration.cli.command_runs import Run

pytestmark = pytest.mark.integration


def test_a_preview_is_pinned_by_its_branch_and_unpinned_by_its_commit(api: Api, run: Run) -> None:
    api.put(State.RUNNING)
    for _ in range(2):
        done = run("pin", "hello", "main")
        assert (done.status, done.out) == (0, "")
        assert api.previews.snapshot.preview("hello", SHA).pinned
        assert "prevs unpin hello main" in done.err
    done = run("unpin", "hello", SHA)
    assert (done.status, done.out) == (0, "")
    assert not api.previews.snapshot.preview("hello", SHA).pinned
    assert json.loads(run("pin", "hello", "main", "--json").out)["pinned"] is True
    assert json.loads(run("unpin", "hello", "main", "--json").out)["pinned"] is False


@pytest.mark.parametrize(("state", "way"), [("stopped", "start"), ("failed", "retry")])
def test_a_pin_of_what_does_not_run_shows_how_to_start_it(
    api: Api, run: Run, state: str, way: str
) -> None:
    api.put(State(state))
    assert f"prevs {way} hello main" in run("pin", "hello", "main").err


def test_a_preview_that_was_never_started_cannot_be_pinned(run: Run) -> None:
    done = run("pin", "hello", "main")
    assert (done.status, done.out) == (1, "")
    assert "No preview of hello was started at main yet." in done.err
    assert "`prevs start hello main` starts one" in done.err


def test_the_queue_is_listed_in_its_order(api: Api, run: Run) -> None:
    api.put(State.QUEUED, OTHER_SHA, reason="no agent has 2048 MB free", changed=2.0)
    api.put(State.QUEUED, labels=(), changed=1.0)
    api.previews.queue_places = {("hello", OTHER_SHA): 2, ("hello", SHA): 1}
    done = run("queue")
    assert done.status == 0
    header, *lines = done.out.splitlines()
    assert header.split() == ["PLACE", "APP", "LABEL", "COMMIT", "SINCE", "REASON"]
    assert [line.split()[0] for line in lines] == ["1st", "2nd"]
    assert lines[1].endswith("no agent has 2048 MB free")
    assert [one["place"] for one in json.loads(run("queue", "--json").out)] == [1, 2]


def test_an_empty_queue_prints_no_data(run: Run) -> None:
    done = run("queue")
    assert (done.status, done.out) == (0, "")
    assert "No preview waits" in done.err
    assert json.loads(run("queue", "--json").out) == []


def test_agents_are_listed_with_their_room_and_who_has_it(api: Api, run: Run) -> None:
    away = known_agent("10.0.0.2")._replace(active=False, attributes={"zone": "a"})
    api.agents.known = [away, known_agent("10.0.0.1")]
    api.put(State.RUNNING, agent_id="10.0.0.1-S0")
    done = run("agents")
    assert done.status == 0
    _, first, preview, second = done.out.splitlines()
    assert "0 of 4" in first
    assert "hello@main (de6b329)" in preview
    assert "128 MB" in preview
    for part in ("10.0.0.2", "away", "zone=a"):
        assert part in second
    listed = json.loads(run("agents", "--json").out)
    assert listed == api.call("GET", "/v1/agents").json()["agents"]
    api.previews.isolated_agents["10.0.0.1-S0"] = Isolation(allowed=("10.1.0.0/16",))
    assert "10.1.0.0/16" in run("agents").out.splitlines()[1]
    api.previews.unfit_agents["10.0.0.1-S0"] = Unfit("Its disk is full.", 1.0, 2.0, builds=True)
    lines = run("agents").out.splitlines()
    assert "unfit" in lines[1]
    assert "Its disk is full." in "".join(lines[1:3])
    api.agents.known = []
    assert "prevs doctor" in run("agents").err
