"""More previews are started at once than there is room for."""

import functools
from collections.abc import Iterator

import pytest
import requests

from tests.faults.conftest import RUNNING
from tests.faults.fleet import Fleet
from tests.faults.recovery import Recovery
from tests.faults.sites import Site
from tests.faults.system import System
from tests.faults.visitors import Seen
from tests.waits import describe_failure

pytestmark = [pytest.mark.faults, pytest.mark.night, pytest.mark.timeout(600)]

REQUESTED, ROOM = 50, 20
MEM = 140
"""MB of a preview, which with its executor's 64 fit ten times into an agent, or five times beside
one of the fleet, or not at all beside two: 20 times into four agents, wherever the fleet is."""


@pytest.fixture
def many(system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An app with 50 branches."""
    made = Site(tmp_path_factory.mktemp("many") / "many", "many", REQUESTED)
    answer = system.call(
        "POST",
        "/v1/apps",
        name=made.app,
        repository=str(made.folder),
        mem=MEM,
        max_previews=REQUESTED,
        idle_after=0,
    )
    assert answer.status_code == 201, answer.text
    yield made
    system.call("DELETE", f"/v1/apps/{made.app}")
    system.wait_for(
        lambda: not any(app == made.app for app, _ in system.observer.records()[1]), "all end"
    )


def test_full_agents_queue_the_others_with_their_place_and_idle_previews_make_room(
    system: System, fleet: Fleet, seen: Seen, many: Site, recovery: Recovery
) -> None:
    before = fleet.tasks()
    recovery.begin()
    for label in many.labels:
        system.start(many.app, label)
    over = functools.partial(_failed, system, many)
    running = system.wait_for(
        lambda: _full(system, many), "as many run as have room", over=over, limit=300
    )
    recovery.end(f"{REQUESTED} asked for at once: {ROOM} run")
    system.settle(running=RUNNING + ROOM)

    waiting = [p for p in _previews(system, many) if p["state"] == "queued"]
    assert sorted(p["queue_place"] for p in waiting) == [*range(1, REQUESTED - ROOM + 1)]
    assert all(p["reason"] for p in waiting), waiting
    first = min(waiting, key=lambda p: int(p["queue_place"]))
    recovery.begin()
    system.wait_for(
        lambda: _state(system, many, first["sha"]) == "running",
        "room is made",
        over=over,
        limit=300,
    )
    recovery.end("room made by idle previews")
    stopped = {p["sha"] for p in _previews(system, many) if p["state"] == "stopped"}
    assert stopped
    assert stopped <= running, "idle previews made room, no waiting one was dropped"
    assert fleet.tasks() == before, "visited previews are never stopped for others"
    assert seen.lost == []


def _previews(system: System, many: Site) -> list[dict[str, str]]:
    answer: requests.Response = system.call("GET", f"/v1/previews?app={many.app}")
    found: list[dict[str, str]] = answer.json()["previews"]
    return found


def _full(system: System, many: Site) -> set[str]:
    """Return the running commits once as many run as have room, and all others wait."""
    states = {p["sha"]: p["state"] for p in _previews(system, many)}
    running = {sha for sha, state in states.items() if state == "running"}
    waiting = {sha for sha, state in states.items() if state == "queued"}
    return running if (len(running), len(waiting)) == (ROOM, REQUESTED - ROOM) else set()


def _failed(system: System, many: Site) -> str | None:
    """Return why one of them has failed: it neither runs nor waits any more."""
    return next((words for p in _previews(system, many) if (words := describe_failure(p))), None)


def _state(system: System, many: Site, sha: str) -> str:
    return next(p["state"] for p in _previews(system, many) if p["sha"] == sha)
