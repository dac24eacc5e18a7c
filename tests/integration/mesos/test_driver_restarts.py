"""What the drivers do when a real master or agent is killed and comes back."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from driver.errors import CallFailed, NotConnected
from driver.executor import ExecutorDriver
from driver.pace import Pace
from driver.scheduler import SchedulerDriver
from local.mesos.installation import Installation
from local.parts.part import bring_up
from tests import pauses
from tests.contract.driver.worlds import RealWorld, framework_info, start_real
from tests.fakes.driver_events import RecordedExecutor, RecordedScheduler
from tests.integration.mesos.own_mesos import Parts, kill, own_mesos
from tests.running_parts import running
from tests.waits import wait_for, wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def parts(mesos_installation: Installation, tmp_path: Path) -> Iterator[Parts]:
    """A master and an agent that run."""
    parts = own_mesos(mesos_installation, tmp_path)
    with running(parts):
        yield parts


@pytest.fixture
def world(parts: Parts, tmp_path: Path) -> Iterator[RealWorld]:
    """A framework with one task, for which the test is the executor."""
    world = start_real(parts.master.address, tmp_path)
    yield world
    world.close()


@pytest.fixture
def received() -> RecordedExecutor:
    """The callbacks of the executor's driver, recorded."""
    return RecordedExecutor()


@pytest.fixture
def executor(world: RealWorld, received: RecordedExecutor) -> Iterator[ExecutorDriver]:
    """The executor's driver, its task running."""
    driver = ExecutorDriver(received, world.environ)
    driver.start()
    received.wait("launched")
    driver.send_update({"task_id": {"value": world.task_id}, "state": "TASK_RUNNING"})
    world.wait_state("TASK_RUNNING")
    assert driver.wait_acknowledged(30)
    yield driver
    driver.stop()


def test_an_agent_that_restarts_gets_the_updates_it_missed_e1_e2(
    parts: Parts, world: RealWorld, executor: ExecutorDriver, received: RecordedExecutor
) -> None:
    """E1, E2: with pymesos the update is lost, and the container destroyed."""
    kill(parts.agent)
    report = {"task_id": {"value": world.task_id}, "state": "TASK_FAILED", "message": "meanwhile"}
    executor.send_update(report)
    assert not executor.wait_acknowledged(1.0)

    bring_up(parts.agent)

    assert world.wait_state("TASK_FAILED")["message"] == "meanwhile"
    assert executor.wait_acknowledged(30)
    assert received.names() == ["registered", "launched"]
    states = [arguments[0]["state"] for name, arguments in world.events.events if name == "updated"]
    assert states[-1] == "TASK_FAILED"
    assert "TASK_LOST" not in states


def test_a_master_that_is_stopped_is_left_at_once_and_taken_again_p6_p12(parts: Parts) -> None:
    """P6, P12: it accepts connections, and answers neither a call nor SUBSCRIBE.

    When it continues, it finds SUBSCRIBE calls of abandoned links: none may end the last link.
    """
    assert parts.master.pid is not None
    events = RecordedScheduler()
    quick = Pace(first_delay=0.05, longest_delay=0.2, answer_limit=1.0)
    driver = SchedulerDriver(
        events, framework_info(), parts.master.address, http_timeout=3.0, pace=quick
    )
    driver.start()
    try:
        (framework_id,) = events.wait("subscribed")
        pauses.pause(parts.master.pid)
        try:
            with pytest.raises(CallFailed) as caught:
                driver.revive()
            assert caught.value.outcome_unknown
            with pytest.raises(NotConnected):
                driver.revive()
            events.wait("disconnected")
            wait_until(lambda: "has been silent for 1 s" in driver.problem)
            time.sleep(4.0)
        finally:
            pauses.resume(parts.master.pid)
        assert events.wait("subscribed", limit=60) == (framework_id,)
        # An answer to this comes after whatever the links before have left.
        driver.reconcile([("no-such-task", None)])
        events.wait("updated")
        assert "aborted" not in events.names()
    finally:
        driver.teardown()


def test_a_master_that_restarts_has_the_framework_back_with_its_task_p4_p19(
    parts: Parts, world: RealWorld, executor: ExecutorDriver, received: RecordedExecutor
) -> None:
    """P4, P19: subscribed again under the same id, the task untouched."""
    (framework_id,) = world.events.events[0][1]
    kill(parts.master)
    world.events.wait("disconnected")
    time.sleep(1.0)
    bring_up(parts.master)

    assert world.events.wait("subscribed", limit=60) == (framework_id,)

    def reconciled() -> str:
        world.scheduler.reconcile([(world.task_id, world.agent_id)])
        return str(world.events.wait("updated")[0]["state"])

    wait_for(reconciled, lambda state: state == "TASK_RUNNING", "the master reports that it runs")
    assert world.scheduler.connected
    assert received.names() == ["registered", "launched"]
