import dataclasses
from typing import Any

import pytest

from framework import events
from framework.ports import Use
from framework.scheduling.idleness import LOOK_SECONDS
from prevs.records import PreviewRecord, ProxyRecord
from prevs.states import Phase, State
from tests.fakes.clock import FakeClock
from tests.fakes.driven import APP, A, B, Driven
from tests.fakes.offers import offer

WEDNESDAY_NOON = 1_783_512_000.0
"""8 July 2026, 12:00 UTC."""


def running(**app: Any) -> Driven:
    """Return a framework that runs one preview, whose app is idle after ten minutes."""
    driven = Driven(clock=FakeClock(WEDNESDAY_NOON))
    driven.add_app(dataclasses.replace(APP, **{"idle_after": 600, **app}))
    driven.run()
    return driven


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (600, "10 minutes"),
        (60, "1 minute"),
        (90, "90 seconds"),
        (3600, "1 hour"),
        (7200, "2 hours"),
        (5400, "90 minutes"),
    ],
)
def test_an_unused_preview_stops_with_a_reason(seconds: int, shown: str) -> None:
    driven = running(idle_after=seconds)
    driven.tick(seconds)
    assert driven.preview().state is State.RUNNING
    driven.tick(LOOK_SECONDS - 1)
    assert driven.preview().state is State.RUNNING
    driven.tick(1)
    assert driven.preview().state is State.DRAINING
    driven.update("TASK_KILLED")
    assert driven.preview().state is State.STOPPED
    assert driven.preview().reason == (f"Nobody used it for {shown}; its address starts it again.")


@pytest.mark.parametrize(
    "app",
    [{"idle_after": 0}, {"keep_warm": ("wed 11:00-13:00",)}],
    ids=["never idle", "in its warm hours"],
)
def test_a_preview_that_is_to_be_kept_stays(app: dict[str, Any]) -> None:
    driven = running(**app)
    driven.tick(1800)
    assert driven.preview().state is State.RUNNING


def test_a_preview_stops_at_the_end_of_its_warm_hours() -> None:
    driven = running(keep_warm=("wed 11:00-13:00",))
    driven.tick(3600)
    assert driven.preview().state is State.DRAINING


def test_a_pinned_preview_stays() -> None:
    driven = running()
    driven.pin()
    driven.tick(9999)
    assert driven.preview().state is State.RUNNING


def test_a_used_preview_stays_until_the_idle_time_has_passed() -> None:
    driven = running()
    driven.tick(500)
    driven.use(requests=1)
    driven.tick(200)
    assert driven.preview().state is State.RUNNING
    driven.tick(401)
    assert driven.preview().state is State.DRAINING


def test_an_open_connection_is_never_closed() -> None:
    driven = running()
    driven.use(open=1)
    for _ in range(200):
        driven.clock.pass_seconds(6)
        driven.use(open=1)
    assert driven.preview().state is State.RUNNING


def test_usage_of_an_earlier_attempt_or_an_unknown_task_does_not_count() -> None:
    driven = running()
    first = driven.task()
    driven.tick(590)
    driven.step(events.UsageReported("p1", [Use("ct-0", 1, 1), Use(f"{first}x", 1, 1)]))
    driven.tick(12)
    assert driven.preview().state is State.DRAINING


def test_a_new_leader_stops_nothing_before_it_knows_the_usage() -> None:
    driven = running()
    driven.clock.pass_seconds(10_000)
    again = Driven(driven.znodes, driven.clock)
    again.tick(59)
    assert again.preview().state is State.RUNNING
    again.tick(6)
    assert again.preview().state is State.DRAINING


def test_nothing_stops_soon_after_the_master_is_found_again() -> None:
    driven = running()
    driven.clock.pass_seconds(10_000)
    driven.step(events.Disconnected(), events.Subscribed("framework-1"))
    driven.tick(59)
    assert driven.preview().state is State.RUNNING


def test_nothing_stops_while_a_live_proxy_sends_no_report() -> None:
    driven = running()
    driven.znodes.proxies = [ProxyRecord({"hello": 99}), ProxyRecord({"hello": 99})]
    driven.tick(10_000)
    driven.use("", proxy="p1")
    driven.tick(6)
    assert driven.preview().state is State.RUNNING
    driven.use("", proxy="p2")
    driven.tick(6)
    assert driven.preview().state is State.DRAINING


def test_the_time_of_the_last_use_is_written_once_a_minute_and_at_the_stop() -> None:
    driven = running()
    begun = driven.clock.seconds

    def written() -> float | None:
        record, _ = driven.znodes.records["previews", "hello", A]
        assert isinstance(record, PreviewRecord)
        return record.last_used

    driven.clock.pass_seconds(30)
    driven.use(requests=1)
    assert written() == begun
    driven.clock.pass_seconds(30)
    driven.use(requests=1)
    assert written() == begun + 60
    driven.clock.pass_seconds(20)
    driven.use(requests=1)
    assert written() == begun + 60
    driven.tick(700)
    driven.tick(6)
    assert written() == begun + 80


def test_the_time_of_a_long_build_does_not_count_as_idle() -> None:
    driven = Driven(clock=FakeClock(WEDNESDAY_NOON))
    driven.add_app(dataclasses.replace(APP, idle_after=60))
    driven.start(B, "main")
    driven.step(events.Offered([offer()]))
    driven.report("TASK_STARTING", Phase.BUILDING, sha=B)
    driven.tick(250)
    driven.report("TASK_RUNNING", Phase.RUNNING, sha=B)
    driven.tick(59)
    assert driven.preview(B).state is State.RUNNING
