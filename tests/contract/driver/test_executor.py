"""What an executor can do through the driver: the same on the fake agent and on a real Mesos."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from driver.executor import ExecutorDriver
from tests.contract.driver.worlds import FakeWorld, Json, World, start_real
from tests.fakes.driver_events import RecordedExecutor
from tests.fakes.mesos_agent import FakeAgent

pytestmark = pytest.mark.contract


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.daemons)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """An agent with a task for an executor."""
    if request.param == "fake":
        agent = FakeAgent()
        yield FakeWorld(agent)
        agent.close()
        return
    real = start_real(request.getfixturevalue("mesos").master, tmp_path)
    yield real
    real.close()


@pytest.fixture
def start(world: World) -> Iterator[Callable[[RecordedExecutor], ExecutorDriver]]:
    """Start the driver of the world's executor."""
    drivers: list[ExecutorDriver] = []

    def start_one(events: RecordedExecutor) -> ExecutorDriver:
        drivers.append(ExecutorDriver(events, world.environ))
        drivers[-1].start()
        return drivers[-1]

    yield start_one
    for driver in drivers:
        driver.stop()


Start = Callable[[RecordedExecutor], ExecutorDriver]


def status(world: World, state: str) -> Json:
    """Return a status as an executor gives it to the driver."""
    return {"task_id": {"value": world.task_id}, "state": state}


def start_launched(world: World, start: Start) -> tuple[ExecutorDriver, RecordedExecutor]:
    """Start an executor that has its task."""
    events = RecordedExecutor()
    driver = start(events)
    world.launch()
    events.wait("launched")
    return driver, events


def test_an_executor_is_registered_and_gets_its_task(world: World, start: Start) -> None:
    events = RecordedExecutor()
    start(events)
    executor_info, framework_info, agent_info = events.wait("registered")
    world.launch()
    (task,) = events.wait("launched")

    assert executor_info["executor_id"]["value"] == world.environ["MESOS_EXECUTOR_ID"]
    assert framework_info["id"]["value"] == world.environ["MESOS_FRAMEWORK_ID"]
    assert agent_info["hostname"]
    assert task["task_id"]["value"] == world.task_id


def test_updates_reach_the_scheduler_in_order_and_are_acknowledged(
    world: World, start: Start
) -> None:
    driver, _ = start_launched(world, start)

    for state in ("TASK_STARTING", "TASK_RUNNING", "TASK_FAILED"):
        driver.send_update({**status(world, state), "message": f"{state} \u2028 \U0001f680"})

    for state in ("TASK_STARTING", "TASK_RUNNING", "TASK_FAILED"):
        assert world.wait_state(state)["message"] == f"{state} \u2028 \U0001f680"
    assert driver.wait_acknowledged(30)


def test_an_update_of_a_task_that_was_not_launched_is_refused_e1(world: World) -> None:
    """E1: a real agent aborts when such an update comes with SUBSCRIBE."""
    driver = ExecutorDriver(RecordedExecutor(), world.environ)
    with pytest.raises(ValueError, match="was launched"):
        driver.send_update(status(world, "TASK_STARTING"))


def test_a_kill_carries_its_grace_period_e6(world: World, start: Start) -> None:
    """E6: pymesos drops the kill policy."""
    driver, events = start_launched(world, start)
    driver.send_update(status(world, "TASK_RUNNING"))
    world.wait_state("TASK_RUNNING")

    world.kill(2.5)

    assert events.wait("killed") == (world.task_id, 2.5)
    driver.send_update(status(world, "TASK_KILLED"))
    world.wait_state("TASK_KILLED")
    assert driver.wait_acknowledged(30)


def test_a_shutdown_is_reported_and_kills_nothing_by_itself_e7(world: World, start: Start) -> None:
    """E7: pymesos kills the process group, which here is that of the tests."""
    driver, events = start_launched(world, start)

    world.shutdown()

    events.wait("shutdown")
    driver.send_update(status(world, "TASK_KILLED"))
    assert "lost" not in events.names()


def test_an_executor_that_the_agent_does_not_know_is_shut_down_e5(world: World) -> None:
    """E5: pymesos's thread ends without a report."""
    events = RecordedExecutor()
    if isinstance(world, FakeWorld):
        world.refuse()
    environ = {**world.environ, "MESOS_EXECUTOR_ID": "no-such-executor"}
    driver = ExecutorDriver(events, environ)
    driver.start()
    try:
        (error,) = events.wait("lost")
        assert (type(error).__name__, error.status) == ("Refused", 400)
        assert "Executor cannot be found" in str(error)
    finally:
        driver.stop()
