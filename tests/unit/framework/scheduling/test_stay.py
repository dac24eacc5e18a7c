"""Previews whose data are on an agent: with `stay` they wait for it before they start elsewhere."""

import dataclasses
from typing import Any

import pytest

from framework import events
from framework.matching.agents import EXECUTOR_MEM
from framework.matching.launch_queue import STAY_SECONDS
from framework.matching.resources import Offer
from framework.scheduling.eviction import HEADS
from prevs.commit_settings import CommitSettings, RunSettings
from prevs.companions import Companion
from prevs.states import Cause, Phase, State
from tests.fakes.driven import APP, A, B, C, Driven
from tests.fakes.offers import offer

STAYS = CommitSettings(run=RunSettings(volumes=("/data",), stay=True))
DATABASE = Companion("db", image="postgres:17", volumes=("/var/lib/db",))
WAITS = "It waits for the agent 127.0.0.1, which has its volumes: "
THEN = ". If it has waited for 5 minutes, it starts elsewhere with empty volumes."


def elsewhere(name: str, **more: Any) -> Offer:
    """Return an offer of another agent."""
    return offer(name, agent="agent-2", host="127.0.0.2", **more)


def stopped(settings: CommitSettings = STAYS) -> Driven:
    """Return a framework with a preview that has run on agent-1, and is stopped."""
    driven = Driven()
    driven.add_app(APP)
    driven.manifests.contents[A] = settings
    driven.run()
    driven.stop()
    driven.tick(40)
    driven.update("TASK_KILLED")
    assert driven.preview().state is State.STOPPED
    return driven


@pytest.mark.parametrize(
    "run",
    [
        RunSettings(volumes=("/data",), stay=True),
        RunSettings(companions=(DATABASE,), stay=True),
    ],
)
def test_a_preview_waits_for_the_agent_that_has_its_volumes(run: RunSettings) -> None:
    driven = stopped(CommitSettings(run=run))
    driven.start()
    driven.step(events.Offered([elsewhere("o2")]))
    driven.tick(5)
    assert (driven.preview().state, driven.preview().reason) == (
        State.QUEUED,
        f"{WAITS}it offers nothing now{THEN}",
    )
    driven.step(events.Offered([offer("o3")]))
    placed = driven.preview()
    assert (placed.state, placed.agent_id) == (State.PLACED, "agent-1")
    assert (placed.reason, placed.moved_from) == ("", "")


def test_it_says_what_it_waits_for_also_if_no_agent_offers_anything() -> None:
    driven = stopped()
    driven.start()
    driven.tick(4)
    assert driven.preview().reason == f"{WAITS}it offers nothing now{THEN}"


def test_it_starts_elsewhere_after_five_minutes_and_says_so() -> None:
    driven = stopped()
    driven.start()
    driven.tick(STAY_SECONDS - 1)
    driven.step(events.Offered([elsewhere("o2")]))
    assert driven.preview().state is State.QUEUED
    driven.tick(2)
    driven.step(events.Offered([elsewhere("o3")]))
    placed = driven.preview()
    assert (placed.state, placed.agent_id) == (State.PLACED, "agent-2")
    assert placed.moved_from == "127.0.0.1"


@pytest.mark.parametrize(
    "settings",
    [
        CommitSettings(),
        CommitSettings(run=RunSettings(volumes=("/data",))),
        CommitSettings(run=RunSettings(stay=True, companions=(Companion("cache"),))),
    ],
)
def test_a_preview_that_keeps_nothing_or_need_not_stay_starts_elsewhere_at_once(
    settings: CommitSettings,
) -> None:
    driven = stopped(settings)
    driven.start()
    driven.tick(2)
    driven.step(events.Offered([elsewhere("o2")]))
    placed = driven.preview()
    assert placed.state is State.PLACED
    assert placed.moved_from == ("127.0.0.1" if settings.run.has_volumes else "")


def test_a_preview_that_has_never_run_goes_anywhere() -> None:
    driven = Driven()
    driven.add_app(APP)
    driven.manifests.contents[A] = STAYS
    driven.place()
    driven.report("TASK_FAILED", Phase.BUILDING, cause=Cause.BUILD_FAILED)
    driven.retry()
    driven.tick(2)
    driven.step(events.Offered([elsewhere("o2")]))
    assert driven.preview().agent_id == "agent-2"
    assert driven.preview().moved_from == ""


def test_an_attempt_that_was_lost_is_tried_again_where_the_data_are() -> None:
    driven = stopped()
    driven.start()
    driven.step(events.Offered([offer("o2")]))
    driven.report("TASK_FAILED", Phase.STARTING, cause=Cause.EXECUTOR_FAILED)
    assert driven.preview().avoid_agent == "agent-1"
    driven.tick(10)
    driven.step(events.Offered([offer("o3"), elsewhere("o4")]))
    assert driven.preview().agent_id == "agent-1"


@pytest.mark.parametrize(
    ("offered", "why"),
    [
        ({"mem": 100}, "it has 36 MB and 3.99 CPUs free, and this preview needs 128 MB and 0.1 "
         "CPUs"),
        ({"away": 0.0}, "it goes into maintenance within the hour"),
        ({"begin": 31001, "end": 31000}, "it has too few free ports, or its room is kept for "
         "another one"),
    ],
)  # fmt: skip
def test_it_says_what_its_agent_lacks(offered: dict[str, Any], why: str) -> None:
    driven = stopped()
    driven.start()
    home = offer("o2", **offered)
    driven.step(events.Offered([home, elsewhere("o3")]))
    assert driven.preview().reason == f"{WAITS}{why}{THEN}"


def test_idle_previews_on_its_agent_make_room_and_no_others() -> None:
    driven = stopped()
    driven.add_app(dataclasses.replace(APP, name="other"))
    size = APP.mem + EXECUTOR_MEM
    for sha, make in ((A, offer), (B, elsewhere)):
        driven.start(sha, f"l{sha[0]}", app="other")
        offered = make(f"o{sha[0]}", mem=size)
        driven.step(events.Offered([offered]))
        task = driven.preview(sha, app="other").task_id
        driven.update("TASK_RUNNING", task=task, agent_id={"value": offered.agent_id})
        driven.clock.pass_seconds(10)
    driven.tick(90)
    driven.start()
    driven.step(events.Offered([offer("r1", cpus=0.01, mem=5), elsewhere("r2", cpus=0.01, mem=5)]))
    driven.tick(6)
    states = [driven.preview(sha, app="other").state for sha in (A, B)]
    assert states == [State.DRAINING, State.RUNNING]
    assert driven.preview().reason.startswith("Room is being made for it")


def test_nothing_stops_while_it_waits_for_an_agent_that_is_away() -> None:
    driven = stopped()
    driven.start(B, "two")
    driven.step(events.Offered([elsewhere("o2")]))
    driven.update("TASK_RUNNING", sha=B, agent_id={"value": "agent-2"})
    driven.tick(90)
    driven.start()
    for _ in range(5):
        driven.step(events.Offered([elsewhere("r2", cpus=0.01, mem=5)]))
        driven.tick(2)
    assert driven.preview(B).state is State.RUNNING


def test_however_many_wait_for_an_agent_that_is_away_others_get_room() -> None:
    """They take none of the ten turns of those for which something may stop."""
    driven = stopped()
    shas = [f"{number:x>40}" for number in range(HEADS)]
    driven.call(lambda: driven.service.commands.change_app("hello", {"max_previews": 99}))
    for sha in shas:
        driven.manifests.contents[sha] = STAYS
        driven.run(sha, f"l{sha[-1]}")
        driven.stop(sha)
        driven.tick(40)
        driven.update("TASK_KILLED", sha=sha)
    driven.start(B, "two")
    driven.step(events.Offered([elsewhere("o2")]))
    driven.update("TASK_RUNNING", sha=B, agent_id={"value": "agent-2"})
    driven.tick(90)
    for sha in shas:
        driven.start(sha, f"l{sha[-1]}")
    driven.start(C, "three")
    driven.step(events.Offered([elsewhere("r2", cpus=0.01, mem=5)]))
    driven.tick(2)
    assert driven.preview(B).state is State.DRAINING
    assert driven.preview(C).reason.startswith("Room is being made for it")
