import dataclasses
import math
from collections.abc import Mapping, Sequence

import pytest

from framework.apps import effective_settings
from framework.matching.launch_queue import LaunchQueue, find_pause_end, places
from framework.matching.launch_queue import build_queue as decide
from prevs.commit_settings import CommitSettings
from prevs.records import AppRecord, PreviewRecord
from prevs.states import State
from prevs.units import preview_unit

UNITS = {digit: preview_unit("hello", digit * 40) for digit in "ab"}
APP = AppRecord("hello", "/srv/hello", max_previews=2, cpus=0.5, mem=64)


def preview(digit: str, state: State = State.QUEUED, **fields: object) -> PreviewRecord:
    fields = {
        "settings": CommitSettings(),
        "settings_for": effective_settings.settings_key(APP),
        **fields,
    }
    return PreviewRecord("hello", digit * 40, state, **fields)  # type: ignore[arg-type] # fields vary per test


def waiting(
    previews: Sequence[PreviewRecord], now: float, app: AppRecord | None = APP
) -> LaunchQueue:
    queued = [(UNITS[p.sha[0]], p) for p in previews if p.state is State.QUEUED]
    return decide({"hello": app} if app else {}, queued, lambda name: previews, now)


def test_previews_are_served_in_the_order_of_their_requests() -> None:
    queue = waiting([preview("a", changed=2.0), preview("b", changed=1.0)], 9.0)
    assert [demand.unit.name[0] for demand in queue.demands] == ["b", "a"]


@pytest.mark.parametrize(
    ("settings", "mem"), [(CommitSettings(), 64), (CommitSettings(mem=32), 32)]
)
def test_a_demand_has_the_settings_of_the_commit_and_otherwise_of_the_app(
    settings: CommitSettings, mem: int
) -> None:
    (demand,) = waiting([preview("a", settings=settings)], 9.0).demands
    assert (demand.cpus, demand.mem) == (0.5, mem)


@pytest.mark.parametrize("fields", [{"settings": None}, {"settings_for": "9 9 elsewhere"}])
def test_a_preview_whose_commit_is_not_read_yet_waits_without_a_reason(
    fields: Mapping[str, object],
) -> None:
    assert waiting([preview("a", State.QUEUED, **fields)], 9.0) == LaunchQueue((), {})


def test_a_preview_without_settings_has_a_reason() -> None:
    queue = waiting([preview("a")], 9.0, None)
    assert queue.held_back == {UNITS["a"]: "The settings of its app cannot be read."}


def test_the_last_agent_has_the_image_and_others_know_the_app() -> None:
    previews = [preview("a", agent_id="agent-1"), preview("b", State.STOPPED, agent_id="agent-2")]
    (demand,) = waiting(previews, 9.0).demands
    assert demand.image_agent == "agent-1"
    assert demand.previous_agents == {"agent-1", "agent-2"}


def test_the_wait_for_a_preferred_agent_ends_and_a_lost_task_has_none() -> None:
    def patient(now: float, lost: int = 0) -> bool:
        (demand,) = waiting([preview("a", changed=5.0, consecutive_losses=lost)], now).demands
        return demand.waits_for_image

    assert patient(5.5)
    assert not patient(6.0)
    assert not patient(5.5, lost=1)


def test_a_preview_in_its_back_off_is_skipped_keeps_its_reason_and_has_no_place() -> None:
    previews = [
        preview("a", changed=1.0, retry_at=9.5),
        preview("b", changed=2.0, retry_at=9.0),
        preview("c", State.RUNNING, changed=0.0),
    ]
    queue = waiting(previews, 9.0)
    assert [demand.unit.name[0] for demand in queue.demands] == ["b"]
    assert queue.held_back == {}
    queued = [*zip(UNITS.values(), previews[:2], strict=True)]
    assert places(queued, 9.0) == {UNITS["b"]: 1}
    assert find_pause_end(queued, 9.0) == 9.5
    assert places(queued, 9.5) == {UNITS["a"]: 1, UNITS["b"]: 2}
    assert find_pause_end(queued, 9.5) == math.inf


def test_a_demand_has_the_constraints_on_agents() -> None:
    app = dataclasses.replace(APP, constraints=("gpu",))
    (demand,) = waiting([preview("a", avoid_agent="agent-1", changed=3.0)], 9.0, app).demands
    assert (demand.constraints, demand.avoid_agent, demand.since) == (("gpu",), "agent-1", 3.0)
