"""What an executor can do through the driver: the same on the fake agent and on a real Mesos.

On the real one Mesos starts a stand-in that leaves its environment in a file and sleeps; the test
is the executor, with that environment.
"""

import dataclasses
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from driver.executor import ExecutorDriver
from driver.scheduler import SchedulerDriver
from tests.contract.test_driver_scheduler import framework_info, scalar
from tests.fakes.driver_events import RecordedExecutor, RecordedScheduler
from tests.fakes.mesos_agent import EXECUTOR_ID, FakeAgent
from tests.fakes.mesos_stream import Answer

pytestmark = pytest.mark.contract

Json = dict[str, Any]
STAND_IN = 'env > "$0.new" && mv "$0.new" "$0" && exec sleep 120'


class World(Protocol):
    """An agent with an executor that has a task to launch, and the scheduler behind it."""

    environ: dict[str, str]
    task_id: str

    def launch(self) -> None:
        """Let the task reach the executor (as soon as it subscribes, on a real Mesos)."""

    def kill(self, grace_seconds: float) -> None:
        """Ask for the end of the task."""

    def shutdown(self) -> None:
        """Ask for the end of the executor."""

    def wait_state(self, state: str) -> Json:
        """Return the status of that state, once the scheduler has it (and has acknowledged)."""


class FakeWorld:
    """A fake agent, which acknowledges by itself."""

    def __init__(self, agent: FakeAgent) -> None:
        self._agent = agent
        self.task_id = EXECUTOR_ID
        self.environ = agent.environ()

    def refuse(self) -> None:
        """Know no executor."""
        self._agent.subscribe_answer = Answer(400, body=b"Executor cannot be found")

    def launch(self) -> None:
        """Wait for the executor, then send LAUNCH."""
        self._agent.wait_stream()
        self._agent.launch({"task_id": {"value": self.task_id}, "name": "contract"})

    def kill(self, grace_seconds: float) -> None:
        """Send KILL."""
        self._agent.kill(self.task_id, int(grace_seconds * 1e9))

    def shutdown(self) -> None:
        """Send SHUTDOWN."""
        self._agent.shutdown()

    def wait_state(self, state: str) -> Json:
        """Return what reached the agent."""

        def look() -> list[Json]:
            return [status for status in self._agent.statuses if status["state"] == state]

        return self._agent.wait(look)[0]


@dataclasses.dataclass
class RealWorld:
    """A scheduler of a real Mesos, with one task whose executor is the stand-in."""

    scheduler: SchedulerDriver
    events: RecordedScheduler
    agent_id: str
    task_id: str
    environ: dict[str, str]

    def launch(self) -> None:
        """Do nothing: the agent has the task, and waits for the executor."""

    def kill(self, grace_seconds: float) -> None:
        """Ask the master."""
        self.scheduler.kill(self.task_id, self.agent_id, grace_seconds=grace_seconds)

    def shutdown(self) -> None:
        """Remove the framework: there is no call to end an executor alone."""
        self.scheduler.teardown()

    def wait_state(self, state: str) -> Json:
        """Return what reached the scheduler."""
        (status,) = self.events.wait("updated", lambda one: one["state"] == state)
        self.scheduler.acknowledge(status)
        return dict(status)


def start_real(master: str, folder: Path) -> RealWorld:
    """Launch a task whose executor is the stand-in, and read its environment."""
    events = RecordedScheduler()
    scheduler = SchedulerDriver(events, framework_info(), master)
    scheduler.start()
    offer = events.wait("offered")[0][0]
    role = offer["allocation_info"]["role"]
    task_id = f"task-{uuid.uuid4().hex}"
    file = folder / "environ"
    task = {
        "name": "contract",
        "task_id": {"value": task_id},
        "agent_id": offer["agent_id"],
        "resources": [scalar("cpus", 0.1, role), scalar("mem", 32, role)],
        "executor": {
            "type": "CUSTOM",
            "executor_id": {"value": task_id},
            "framework_id": offer["framework_id"],
            "resources": [scalar("cpus", 0.01, role), scalar("mem", 32, role)],
            "command": {
                "shell": False,
                "value": "/bin/sh",
                "arguments": ["sh", "-c", STAND_IN, str(file)],
            },
        },
    }
    operation = {"type": "LAUNCH", "launch": {"task_infos": [task]}}
    scheduler.accept([offer["id"]["value"]], [operation], refuse_seconds=3600.0)
    until = time.monotonic() + 20
    while not file.exists():
        assert time.monotonic() < until, "the stand-in was not started"
        time.sleep(0.02)
    lines = [line.partition("=") for line in file.read_text().splitlines()]
    environ = {name: value for name, _, value in lines if name.startswith("MESOS_")}
    return RealWorld(scheduler, events, offer["agent_id"]["value"], task_id, environ)


@pytest.fixture(params=["fake", "real"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """An agent with a task for an executor."""
    if request.param == "fake":
        agent = FakeAgent()
        yield FakeWorld(agent)
        agent.close()
        return
    real = start_real(request.getfixturevalue("mesos").master, tmp_path)
    yield real
    if real.scheduler.connected:
        real.scheduler.teardown()
    real.scheduler.stop()


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
    events = RecordedExecutor()
    driver = start(events)
    world.launch()
    events.wait("launched")

    for state in ("TASK_STARTING", "TASK_RUNNING", "TASK_FAILED"):
        driver.send_update({**status(world, state), "message": f"{state} \u2028 \U0001f680"})

    for state in ("TASK_STARTING", "TASK_RUNNING", "TASK_FAILED"):
        assert world.wait_state(state)["message"] == f"{state} \u2028 \U0001f680"
    assert driver.wait_acknowledged(10)


def test_an_update_of_a_task_that_was_not_launched_is_refused_e1(
    world: World, start: Start
) -> None:
    """E1: a real agent aborts when such an update comes with SUBSCRIBE."""
    events = RecordedExecutor()
    driver = ExecutorDriver(events, world.environ)
    with pytest.raises(ValueError, match="was launched"):
        driver.send_update(status(world, "TASK_STARTING"))


def test_a_kill_tells_its_grace_e6(world: World, start: Start) -> None:
    """E6: pymesos does not hand on the kill policy."""
    events = RecordedExecutor()
    driver = start(events)
    world.launch()
    events.wait("launched")
    driver.send_update(status(world, "TASK_RUNNING"))
    world.wait_state("TASK_RUNNING")

    world.kill(2.5)

    assert events.wait("killed") == (world.task_id, 2.5)
    driver.send_update(status(world, "TASK_KILLED"))
    world.wait_state("TASK_KILLED")
    assert driver.wait_acknowledged(10)


def test_a_shutdown_is_told_and_kills_nothing_by_itself_e7(world: World, start: Start) -> None:
    """E7: pymesos kills the process group, which here is that of the tests."""
    events = RecordedExecutor()
    driver = start(events)
    world.launch()
    events.wait("launched")

    world.shutdown()

    events.wait("shutdown")
    driver.send_update(status(world, "TASK_KILLED"))
    assert "lost" not in events.names()


def test_an_executor_that_the_agent_does_not_know_is_told_to_end_e5(world: World) -> None:
    """E5: pymesos's thread ends and nobody hears of it."""
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
