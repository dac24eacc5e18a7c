"""Pins and the queue, against an API on a real socket."""

import json

import pytest

from tests.fakes import api as fake
from tests.integration.cli.running import Run

pytestmark = pytest.mark.integration


def test_a_preview_is_pinned_by_its_branch_and_unpinned_by_its_commit(
    world: fake.World, run: Run
) -> None:
    world.previews["hello", fake.SHA] = fake.preview(state="running")
    for _ in range(2):
        done = run("pin", "hello", "main")
        assert (done.status, done.out) == (0, "")
        assert world.previews["hello", fake.SHA]["pinned"] is True
        assert "prevs unpin hello main" in done.err
    done = run("unpin", "hello", fake.SHA)
    assert (done.status, done.out) == (0, "")
    assert world.previews["hello", fake.SHA]["pinned"] is False
    assert json.loads(run("pin", "hello", "main", "--json").out)["pinned"] is True
    assert json.loads(run("unpin", "hello", "main", "--json").out)["pinned"] is False


@pytest.mark.parametrize(("state", "way"), [("stopped", "start"), ("failed", "retry")])
def test_a_pin_of_what_does_not_run_says_how_to_start_it(
    world: fake.World, run: Run, state: str, way: str
) -> None:
    world.previews["hello", fake.SHA] = fake.preview(state=state)
    assert f"prevs {way} hello main" in run("pin", "hello", "main").err


def test_what_was_never_started_cannot_be_pinned(run: Run) -> None:
    done = run("pin", "hello", "main")
    assert (done.status, done.out) == (1, "")
    assert "has no preview of" in done.err


def test_the_queue_is_listed_in_its_order(world: fake.World, run: Run) -> None:
    first = fake.preview(queue_place=1, labels=[])
    second = fake.preview(sha=fake.OTHER_SHA, queue_place=2, reason="no agent has 2048 MB free")
    world.previews = {("hello", fake.OTHER_SHA): second, ("hello", fake.SHA): first}
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
    assert "Nothing waits" in done.err
    assert json.loads(run("queue", "--json").out) == []


def test_agents_are_listed_with_their_room_and_who_has_it(world: fake.World, run: Run) -> None:
    has = {"app": "hello", "sha": fake.SHA, "label": "main", "state": "running"}
    world.agents = [
        fake.agent("10.0.0.1", previews=[{**has, "cpus": 0.1, "mem": 128.0}]),
        fake.agent("10.0.0.2", active=False, attributes={"zone": "a"}),
    ]
    done = run("agents")
    assert done.status == 0
    _, first, preview, second = done.out.splitlines()
    assert "0 of 4" in first
    assert "hello@main (de6b329)" in preview
    assert "128 MB" in preview
    for part in ("10.0.0.2", "away", "zone=a"):
        assert part in second
    assert json.loads(run("agents", "--json").out) == world.agents
    world.agents = []
    assert "prevs doctor" in run("agents").err
