import dataclasses
from typing import Any

import pytest

from framework import events
from framework.errors import Unavailable
from framework.ports import InverseOffer
from framework.scheduling.maintenance import moves
from prevs.records import AppRecord, PreviewRecord
from prevs.states import Phase, State
from tests.fakes.driven import APP, A, B, Driven
from tests.fakes.offers import offer

NOW = 1_000_000.0
RUNNING = PreviewRecord(
    app="hello",
    sha=A,
    state=State.RUNNING,
    agent_id="agent-1",
    task_id="t",
    started=NOW - 5000,
    last_used=NOW - 4000,
)


def moved(
    *previews: PreviewRecord, start: float = NOW + 60, app: AppRecord = APP
) -> list[tuple[str, bool]]:
    found = moves([app], previews, {"agent-1": start}, NOW)
    return [(move.preview.sha, move.again) for move in found]


def preview(**more: Any) -> PreviewRecord:
    return dataclasses.replace(RUNNING, **more)


def test_an_agent_is_left_some_minutes_before_maintenance_and_not_sooner() -> None:
    assert moved(RUNNING, start=NOW + 301) == []
    assert moved(RUNNING, start=NOW + 300) == [(A, False)]
    assert moved(RUNNING, start=NOW - 50) == [(A, False)]


def test_previews_on_other_agents_stay() -> None:
    assert moved(preview(agent_id="agent-2"), preview(agent_id=None)) == []


@pytest.mark.parametrize("state", [State.QUEUED, State.DRAINING, State.STOPPED, State.FAILED])
def test_a_preview_without_a_task_or_about_to_end_is_left_alone(state: State) -> None:
    assert moved(preview(state=state)) == []


@pytest.mark.parametrize("state", [State.PLACED, State.BUILDING, State.STARTING])
def test_a_starting_preview_is_wanted_elsewhere(state: State) -> None:
    assert moved(preview(state=state)) == [(A, True)]


@pytest.mark.parametrize(
    "wanted", [{"pinned": True}, {"last_used": NOW - 800}, {"started": NOW - 800}]
)
def test_a_pinned_recently_used_or_warm_preview_starts_elsewhere_at_once(
    wanted: Any,
) -> None:
    assert moved(preview(**wanted)) == [(A, True)]
    warm = dataclasses.replace(APP, keep_warm=("mon-sun 00:00-24:00",))
    assert moved(RUNNING, app=warm) == [(A, True)]


def test_the_reason_has_the_time_and_the_next_step() -> None:
    pinned = preview(sha=B, pinned=True)
    reasons = [m.reason.text for m in moves([APP], [RUNNING, pinned], {"agent-1": NOW}, NOW)]
    assert reasons == [
        "Its agent goes into maintenance at 13:46 UTC; its address starts it on another one.",
        "Its agent goes into maintenance at 13:46 UTC; it moves to another one.",
    ]


def away(driven: Driven, seconds: float, name: str = "i1") -> events.InverseOffered:
    return events.InverseOffered([InverseOffer(name, "agent-1", driven.clock.seconds + seconds)])


def test_an_inverse_offer_is_accepted_once_and_remembered_until_its_window(driven: Driven) -> None:
    driven.run()
    driven.step(away(driven, 330))
    assert driven.cluster.of("accept_inverse") == [["i1"]]
    driven.tick()
    assert driven.cluster.of("accept_inverse") == [["i1"]]
    assert driven.preview().state is State.RUNNING

    driven.tick(40)
    assert driven.preview().state is State.DRAINING
    assert "maintenance" in driven.preview().reason
    driven.tick()
    assert driven.placements() == {}


def test_a_preview_in_use_moves_to_another_agent(driven: Driven) -> None:
    driven.run()
    first = driven.task()
    driven.step(away(driven, 100))
    driven.update("TASK_KILLED", task=first)
    assert driven.preview().state is State.QUEUED
    assert driven.preview().avoid_agent == "agent-1"
    driven.tick(2)
    going = offer("o2", mem=300)._replace(unavailable_from=driven.clock.seconds + 100)
    other = offer("o3", agent="agent-2", host="127.0.0.2")
    driven.step(events.Offered([going, other]))
    driven.report("TASK_RUNNING", Phase.RUNNING)
    assert (driven.preview().state, driven.preview().agent_id) == (State.RUNNING, "agent-2")
    assert driven.preview().reason == ""


def test_an_acceptance_that_was_not_sent_is_sent_again(driven: Driven) -> None:
    driven.run()
    driven.cluster.failure = Unavailable("Mesos")
    driven.step(away(driven, 1000))
    driven.cluster.failure = None
    driven.tick()
    assert driven.cluster.of("accept_inverse") == [["i1"]] * 2


def test_a_window_that_is_not_repeated_is_dropped(driven: Driven) -> None:
    driven.run()
    driven.step(away(driven, 400))
    driven.tick(61)
    driven.tick(60)
    assert driven.preview().state is State.RUNNING


def test_a_window_that_is_repeated_holds(driven: Driven) -> None:
    driven.run()
    start = driven.clock.seconds + 400
    for number in range(3):
        driven.step(events.InverseOffered([InverseOffer(f"i{number}", "agent-1", start)]))
        driven.tick(40)
    assert driven.preview().state is State.DRAINING


@pytest.mark.parametrize(
    "batch",
    [
        [events.InverseRescinded("i1")],
        [events.Disconnected(), events.Subscribed("framework-1")],
    ],
    ids=["rescinded", "lost with the link, to be offered again"],
)
def test_a_cancelled_window_is_dropped(driven: Driven, batch: list[events.Event]) -> None:
    driven.run()
    driven.step(away(driven, 310))
    driven.step(*batch)
    driven.tick(20)
    assert driven.preview().state is State.RUNNING


def test_an_inverse_offer_that_is_rescinded_at_once_is_not_answered(driven: Driven) -> None:
    driven.step(away(driven, 310), events.InverseRescinded("i1"))
    assert driven.cluster.of("accept_inverse") == []
