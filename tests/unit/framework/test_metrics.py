from prometheus_client import CollectorRegistry

from framework import events
from framework.metrics import Metrics
from prevs.states import Phase, State
from tests.fakes.driven import B, Driven
from tests.fakes.offers import offer


def read(driven: Driven, name: str, **labels: str) -> float:
    return driven.registry.get_sample_value(name, labels) or 0.0


def test_every_state_has_a_metric_even_at_zero() -> None:
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
    kinds = ("Subscribed", "Disconnected", "AgentFailed", "Offered", "StatusesReceived")
    counts = [read(driven, "prevs_events_total", kind=kind) for kind in kinds]
    assert counts == [2, 1, 1, 1, 1]
    assert read(driven, "prevs_status_updates_total", state="TASK_RUNNING") == 1
    assert read(driven, "prevs_attempts_started_total") == 1


def test_the_outcome_of_each_offer_is_counted(driven: Driven) -> None:
    driven.start()
    driven.step(
        events.Offered([offer("o1"), offer("o2", agent="agent-2"), offer("o3", agent="agent-3")]),
        events.Rescinded("o3"),
    )
    fates = ("received", "accepted", "declined", "rescinded")
    assert [read(driven, "prevs_offers_total", fate=fate) for fate in fates] == [3, 1, 1, 1]


def test_how_long_mesos_has_been_silent_is_shown(driven: Driven) -> None:
    driven.tick(7)
    assert read(driven, "prevs_mesos_silence_seconds") == 7
    driven.step(events.Rescinded("o1"))
    assert read(driven, "prevs_mesos_silence_seconds") == 0


def test_a_start_counts_with_the_time_of_each_step(driven: Driven) -> None:
    driven.start()
    driven.clock.pass_seconds(3)
    driven.offer()
    for status, phase in (
        ("TASK_STARTING", Phase.FETCHING),
        ("TASK_STARTING", Phase.BUILDING),
        ("TASK_STARTING", Phase.STARTING),
        ("TASK_RUNNING", Phase.RUNNING),
    ):
        driven.clock.pass_seconds(2)
        driven.report(status, phase)
    assert read(driven, "prevs_start_duration_seconds_sum") == 11
    assert read(driven, "prevs_start_duration_seconds_count") == 1
    assert read(driven, "prevs_step_duration_seconds_sum", step="queued") == 3
    assert read(driven, "prevs_step_duration_seconds_sum", step="building") == 2
    driven.report("TASK_RUNNING", Phase.RUNNING)
    assert read(driven, "prevs_start_duration_seconds_count") == 1


def test_a_failure_counts_by_its_cause(driven: Driven) -> None:
    driven.run()
    driven.report("TASK_LOST", Phase.RUNNING)
    assert read(driven, "prevs_attempts_failed_total", cause="task-lost") == 1
    assert (
        driven.registry.get_sample_value("prevs_attempts_failed_total", {"cause": "build-failed"})
        == 0
    )


def test_the_age_of_the_oldest_waiting_preview_is_read_at_each_scrape(driven: Driven) -> None:
    assert read(driven, "prevs_queue_oldest_wait_seconds") == 0
    driven.start()
    driven.clock.pass_seconds(5)
    driven.start(B, "other")
    driven.clock.pass_seconds(2)
    assert read(driven, "prevs_queue_oldest_wait_seconds") == 7


def test_whether_mesos_has_accepted_the_framework_is_shown(driven: Driven) -> None:
    assert read(driven, "prevs_mesos_subscribed") == 1
    driven.step(events.Disconnected())
    assert read(driven, "prevs_mesos_subscribed") == 0


def test_failed_fetches_are_counted_until_the_app_is_removed() -> None:
    metrics = Metrics(registry := CollectorRegistry())
    metrics.fetch_failed("hello")
    assert registry.get_sample_value("prevs_refs_fetches_failed_total", {"app": "hello"}) == 1
    metrics.forget("hello")
    metrics.forget("other")
    assert registry.get_sample_value("prevs_refs_fetches_failed_total", {"app": "hello"}) is None
