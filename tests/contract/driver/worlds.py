"""An agent with a task for an executor, fake and real; what a framework needs for one.

In the real one Mesos starts a stand-in that leaves its environment in a file and sleeps; a test is
the executor, with that environment.
"""

import contextlib
import dataclasses
import os
import signal
import uuid
from pathlib import Path
from typing import Any, Protocol

from driver.scheduler import SchedulerDriver
from tests.fakes.driver_events import RecordedScheduler
from tests.fakes.mesos_agent import EXECUTOR_ID, FakeAgent
from tests.fakes.mesos_stream import Answer
from tests.waits import wait_until

Json = dict[str, Any]
Shares = tuple[tuple[float, float], tuple[float, float]]
"""CPUs and MB, of a task and of its executor."""
SMALL = ((0.1, 32.0), (0.01, 32.0))
STAND_IN = 'PID=$$ env > "$0.new" && mv "$0.new" "$0" && exec sleep 120'


def framework_info() -> Json:
    """Return a FrameworkInfo with a role of its own."""
    return {
        "user": "root",
        "name": "driver contract",
        "roles": [f"contract-{uuid.uuid4().hex[:8]}"],
        "failover_timeout": 60.0,
        "checkpoint": True,
        "capabilities": [
            {"type": "MULTI_ROLE"},
            {"type": "PARTITION_AWARE"},
            {"type": "TASK_KILLING_STATE"},
        ],
    }


def scalar(name: str, value: float, role: str) -> Json:
    """Return a resource that was offered to a role."""
    resource = {"name": name, "type": "SCALAR", "scalar": {"value": value}}
    return {**resource, "allocation_info": {"role": role}}


def launch_operation(
    offer: Json, task_id: str, command: Json, *, shares: Shares = SMALL, data: str = ""
) -> Json:
    """Return the LAUNCH of a task with an executor of its own; `shares` are those of the two."""
    role = offer.get("allocation_info", {}).get("role", "*")
    task_share, executor_share = (
        [scalar("cpus", cpus, role), scalar("mem", mem, role)] for cpus, mem in shares
    )
    task = {
        "name": "contract",
        "task_id": {"value": task_id},
        "agent_id": offer["agent_id"],
        "resources": task_share,
        "data": data,
        "executor": {
            "type": "CUSTOM",
            "executor_id": {"value": task_id},
            "framework_id": offer["framework_id"],
            "resources": executor_share,
            "command": command,
        },
    }
    return {"type": "LAUNCH", "launch": {"task_infos": [task]}}


_ENDS = ("TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_LOST", "TASK_GONE", "TASK_ERROR")


def wait_state(driver: SchedulerDriver, events: RecordedScheduler, *states: str) -> Json:
    """Return the next update with one of these states; it and those before are acknowledged.

    Fails as soon as the task has ended otherwise.
    """
    while True:
        # Longer than Mesos waits for an executor, so that its reason is shown.
        (status,) = events.wait("updated", limit=80)
        # Each, as the agent holds back the next until then.
        driver.acknowledge(status)
        if status["state"] in states:
            return dict(status)
        assert status["state"] not in _ENDS, status


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
        self._agent.kill(self.task_id, int(grace_seconds * 1e9))

    def shutdown(self) -> None:
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
    pid: int

    def launch(self) -> None:
        """Do nothing: the agent has the task, and waits for the executor."""

    def kill(self, grace_seconds: float) -> None:
        self.scheduler.kill(self.task_id, self.agent_id, grace_seconds=grace_seconds)

    def shutdown(self) -> None:
        """Remove the framework: there is no call to end an executor alone."""
        self.scheduler.teardown()

    def wait_state(self, state: str) -> Json:
        return wait_state(self.scheduler, self.events, state)

    def close(self) -> None:
        """Remove the framework, and end the stand-in, which does not listen to Mesos."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        if self.scheduler.connected:
            self.scheduler.teardown()
        self.scheduler.stop()


def start_real(master: str, folder: Path) -> RealWorld:
    """Launch a task whose executor is the stand-in, and read its environment."""
    events = RecordedScheduler()
    scheduler = SchedulerDriver(events, framework_info(), master)
    scheduler.start()
    offer = events.wait("offered")[0][0]
    task_id = f"task-{uuid.uuid4().hex}"
    file = folder / "environ"
    command = {
        "shell": False,
        "value": "/bin/sh",
        "arguments": ["sh", "-c", STAND_IN, str(file)],
    }
    operation = launch_operation(offer, task_id, command)
    scheduler.accept([offer["id"]["value"]], [operation], refuse_seconds=3600.0)
    wait_until(file.exists, "the stand-in is started")
    found = dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)
    environ = {name: value for name, value in found.items() if name.startswith("MESOS_")}
    agent_id = offer["agent_id"]["value"]
    return RealWorld(scheduler, events, agent_id, task_id, environ, int(found["PID"]))
