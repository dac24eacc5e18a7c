"""What a scheduler can do through the driver: the same on the fake master and on a real Mesos."""

import base64
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from driver.errors import NotConnected
from driver.scheduler import SchedulerDriver
from prevs.messages import BuildOrder
from tests.contract.driver.worlds import Json, framework_info, launch_operation, wait_state
from tests.fakes.driver_events import RecordedScheduler
from tests.fakes.mesos_master import FakeMaster

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[3]
REFUSE_LONG = 3600.0
ORDER = base64.b64encode(
    BuildOrder(
        app="hello",
        sha="a" * 40,
        label="main",
        repository="/x",
        container_port=8080,
        host="127.0.0.1",
        host_port=0,
        cpus=0.1,
        mem=32,
        health="/runs",
    ).encode()
).decode()
"""For the stand-in executor, which only says that it runs."""


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.daemons)])
def master(request: pytest.FixtureRequest) -> Iterator[str]:
    """host:port of a master that has agents."""
    if request.param == "real":
        yield request.getfixturevalue("mesos").master
        return
    fake = FakeMaster()
    yield fake.address
    fake.close()


@pytest.fixture
def driver(master: str, events: RecordedScheduler) -> Iterator[SchedulerDriver]:
    """A driver that is subscribed, and whose framework is gone after the test."""
    driver = SchedulerDriver(events, framework_info(), master)
    driver.start()
    events.wait("subscribed")
    yield driver
    if driver.connected:
        driver.teardown()
    driver.stop()


def launch(driver: SchedulerDriver, events: RecordedScheduler) -> Json:
    """Run a task on an offer, and return its status once it runs and that is acknowledged."""
    offer = events.wait("offered")[0][0]
    task_id = f"task-{uuid.uuid4().hex}"
    command = {
        "shell": False,
        "value": sys.executable,
        "arguments": [sys.executable, "-m", "tests.fakes.standin_executor"],
        "environment": {"variables": [{"name": "PYTHONPATH", "value": str(ROOT)}]},
    }
    operation = launch_operation(offer, task_id, command, data=ORDER)
    driver.accept([offer["id"]["value"]], [operation], refuse_seconds=REFUSE_LONG)
    running = wait_state(driver, events, "TASK_RUNNING")
    assert running["task_id"]["value"] == task_id
    return running


def test_a_subscription_returns_the_framework_id_and_brings_offers(
    driver: SchedulerDriver, events: RecordedScheduler
) -> None:
    (offers,) = events.wait("offered")

    assert driver.connected
    assert driver.problem == ""
    assert {r["name"] for r in offers[0]["resources"]} >= {"cpus", "mem"}
    assert events.names()[0] == "subscribed"
    assert type(offers[0]) is dict


def test_a_task_runs_is_acknowledged_and_ends_when_it_is_killed(
    driver: SchedulerDriver, events: RecordedScheduler
) -> None:
    running = launch(driver, events)

    agent_id = running["agent_id"]["value"]
    driver.kill(running["task_id"]["value"], agent_id, grace_seconds=1.5)
    killed = wait_state(driver, events, "TASK_KILLED")

    assert killed["task_id"] == running["task_id"]
    assert killed["uuid"] != running["uuid"]


def test_declined_offers_come_back_when_offers_are_revived(
    driver: SchedulerDriver, events: RecordedScheduler
) -> None:
    (offers,) = events.wait("offered")
    driver.decline([offer["id"]["value"] for offer in offers], refuse_seconds=REFUSE_LONG)

    driver.revive()

    (again,) = events.wait(
        "offered", lambda more: any(o["agent_id"] == offers[0]["agent_id"] for o in more)
    )
    assert not {o["id"]["value"] for o in again} & {o["id"]["value"] for o in offers}


def test_suppressed_offers_come_back_when_they_are_revived(
    driver: SchedulerDriver, events: RecordedScheduler
) -> None:
    (offers,) = events.wait("offered")
    driver.suppress()
    driver.decline([offer["id"]["value"] for offer in offers], refuse_seconds=0.0)

    driver.revive()

    assert events.wait("offered")[0]


def test_offers_stay_suppressed_when_the_driver_subscribes_again_p18(
    master: str, events: RecordedScheduler
) -> None:
    """P18: SUBSCRIBE carries the suppressed roles."""
    framework = framework_info()
    driver = SchedulerDriver(events, framework, master, suppressed_roles=framework["roles"])
    driver.start()
    try:
        events.wait("subscribed")
        # An answer to this comes after the offers that a subscription would have brought.
        driver.reconcile([("no-such-task", None)])
        events.wait("updated")
        assert "offered" not in events.names()

        driver.revive()
        assert events.wait("offered")[0]
    finally:
        driver.teardown()


def test_reconciling_a_running_task_returns_its_state_without_a_uuid(
    driver: SchedulerDriver, events: RecordedScheduler
) -> None:
    running = launch(driver, events)

    driver.reconcile([(running["task_id"]["value"], running["agent_id"]["value"])])

    (status,) = events.wait("updated", lambda s: s.get("reason") == "REASON_RECONCILIATION")
    assert status["state"] == "TASK_RUNNING"
    assert "uuid" not in status
    driver.acknowledge(status)


def test_reconciling_with_an_agent_reports_a_task_that_is_gone_p17(
    driver: SchedulerDriver, events: RecordedScheduler
) -> None:
    """P17: without the agent's id Mesos can only say that it does not know."""
    agent_id = events.wait("offered")[0][0]["agent_id"]["value"]

    driver.reconcile([("no-such-task", agent_id), ("no-such-task", None)])

    assert events.wait("updated")[0]["state"] == "TASK_GONE"
    assert events.wait("updated")[0]["state"] == "TASK_UNKNOWN"


def test_reconciling_without_tasks_reports_all_tasks_that_mesos_knows(
    driver: SchedulerDriver, events: RecordedScheduler
) -> None:
    running = launch(driver, events)

    driver.reconcile([])

    (status,) = events.wait("updated", lambda s: s.get("reason") == "REASON_RECONCILIATION")
    assert status["task_id"] == running["task_id"]


def test_killing_a_task_that_mesos_does_not_know_reports_it_as_unknown(
    driver: SchedulerDriver, events: RecordedScheduler
) -> None:
    driver.kill("no-such-task", None, grace_seconds=None)
    assert events.wait("updated")[0]["state"] == "TASK_UNKNOWN"


def test_stop_leaves_tasks_running_and_the_same_id_gets_them_back_p2(
    master: str, events: RecordedScheduler
) -> None:
    """P1, P2: neither stop() nor the end of the thread sends TEARDOWN."""
    framework = framework_info()
    first = SchedulerDriver(events, framework, master)
    first.start()
    (framework_id,) = events.wait("subscribed")
    running = launch(first, events)
    first.stop()
    assert not first.connected

    later = RecordedScheduler()
    second = SchedulerDriver(later, {**framework, "id": {"value": framework_id}}, master)
    second.start()
    try:
        assert later.wait("subscribed") == (framework_id,)
        second.reconcile([(running["task_id"]["value"], running["agent_id"]["value"])])
        assert later.wait("updated")[0]["state"] == "TASK_RUNNING"
        assert "aborted" not in events.names()
    finally:
        second.teardown()


def test_a_second_scheduler_with_the_same_id_ends_the_first_for_good_p5(
    driver: SchedulerDriver, events: RecordedScheduler, master: str
) -> None:
    """P5: otherwise both evict each other for ever."""
    (framework_id,) = events.events[0][1]
    framework = {**framework_info(), "id": {"value": framework_id}}
    framework["roles"] = driver._link.framework["roles"]
    later = RecordedScheduler()
    second = SchedulerDriver(later, framework, master)
    second.start()
    try:
        later.wait("subscribed")
        (error,) = events.wait("aborted")
        assert type(error).__name__ == "FailedOver"
        with pytest.raises(NotConnected, match="failed over"):
            driver.revive()
        assert second.connected
    finally:
        second.teardown()


def test_calls_after_a_teardown_are_refused_as_there_is_no_link(
    driver: SchedulerDriver, events: RecordedScheduler
) -> None:
    driver.teardown()
    with pytest.raises(NotConnected):
        driver.revive()
    assert "aborted" not in events.names()
    assert "disconnected" not in events.names()
