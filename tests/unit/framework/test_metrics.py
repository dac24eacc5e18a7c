from prometheus_client import CollectorRegistry

from framework import events
from framework.metrics import Metrics
from prevs.states import State
from tests.fakes.driven import Driven
from tests.fakes.offers import offer


def read(driven: Driven, name: str, **labels: str) -> float:
    return driven.registry.get_sample_value(name, labels) or 0.0


def test_every_state_has_a_number_also_when_it_is_none() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.count({State.RUNNING: 1})
    numbers = {
        s.value: registry.get_sample_value("prevs_previews", {"state": s.value}) for s in State
    }
    assert numbers == {s.value: float(s is State.RUNNING) for s in State}
    metrics.count({})
    assert registry.get_sample_value("prevs_previews", {"state": "running"}) == 0


def test_every_kind_of_event_is_counted(driven: Driven) -> None:
    driven.step(events.AgentFailed("agent-1", None), events.Disconnected())
    driven.step(events.Subscribed("framework-1"))
    driven.run()
    kinds = ("Subscribed", "Disconnected", "AgentFailed", "Offered", "Updated", "Rescinded")
    counts = [read(driven, "prevs_events_total", kind=kind) for kind in kinds]
    assert counts == [2, 1, 1, 1, 1, 0]
    assert read(driven, "prevs_status_updates_total", state="TASK_RUNNING") == 1
    assert read(driven, "prevs_launches_total") == 1


def test_what_becomes_of_each_offer_is_counted(driven: Driven) -> None:
    driven.start()
    driven.step(
        events.Offered([offer("o1"), offer("o2", agent="agent-2"), offer("o3", agent="agent-3")]),
        events.Rescinded("o3"),
    )
    fates = ("received", "accepted", "declined", "rescinded")
    assert [read(driven, "prevs_offers_total", fate=fate) for fate in fates] == [3, 1, 1, 1]


def test_how_long_mesos_has_been_silent_is_shown(driven: Driven) -> None:
    driven.tick(7)
    assert read(driven, "prevs_seconds_since_event") == 7
    driven.step(events.Rescinded("o1"))
    assert read(driven, "prevs_seconds_since_event") == 0
