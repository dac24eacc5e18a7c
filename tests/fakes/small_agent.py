"""An agent of a small Mesos, and a task on it with its executor, which a test controls."""

import base64
from collections import deque
from typing import Any

from framework.ports.tasks import Task
from prevs.messages import TaskReport
from prevs.states import Cause, Phase

Status = dict[str, Any]

TERMINAL = frozenset(
    {
        "TASK_FINISHED",
        "TASK_FAILED",
        "TASK_KILLED",
        "TASK_ERROR",
        "TASK_DROPPED",
        "TASK_GONE",
        "TASK_GONE_BY_OPERATOR",
        "TASK_LOST",
    }
)
_PROGRESS = (
    ("TASK_STARTING", Phase.BUILDING),
    ("TASK_STARTING", Phase.CHECKING),
    ("TASK_RUNNING", Phase.RUNNING),
)


class SmallTask:
    """A task. `state` is the last one at the master, `alive` whether its executor lives."""

    def __init__(self, task: Task) -> None:
        self.id = task.id
        self.agent_id = task.agent_id
        self.resources = [*task.resources, *task.executor_resources]
        self.state, self.healthy = "TASK_STAGING", True
        self.alive = self.arrived = self.is_well = True
        self.killed = self.forgotten = False
        self.updates: deque[Status] = deque()
        self.past: list[Status] = []
        self.sent: list[Status] = []
        self._progress = 0
        self._is_ending = False

    @property
    def runs(self) -> bool:
        return self.alive and self._progress == len(_PROGRESS) and not self._is_ending

    def go_on(self, steps: int = 1) -> None:
        """Move the executor forward, and send the last of its updates."""
        if not self.alive or not self.arrived:
            return
        if self.killed:
            if self._is_ending:
                self.end("TASK_KILLED")
            else:
                self._is_ending = True
                self.send("TASK_KILLING")
        elif self._progress < len(_PROGRESS):
            self._progress = min(self._progress + steps, len(_PROGRESS))
            state, phase = _PROGRESS[self._progress - 1]
            self.send(state, phase)

    def feel(self, *, healthy: bool) -> None:
        """Make the application healthy, or unhealthy."""
        self.is_well = healthy
        self.send("TASK_RUNNING", Phase.RUNNING, healthy=healthy)

    def end(self, state: str, **more: Any) -> None:
        """Have the executor end."""
        self.alive = False
        self.send(state, **more)

    def send(
        self, state: str, phase: Phase | None = None, cause: Cause | None = None, **more: Any
    ) -> None:
        status = {**self.status(state), "uuid": f"{self.id}/{len(self.past)}", **more}
        if phase:
            status["data"] = base64.b64encode(TaskReport(phase, cause).encode()).decode()
        self.updates.append(status)
        self.past.append(status)

    def status(self, state: str, **more: Any) -> Status:
        """Return a status as the master makes one."""
        names = {"task_id": {"value": self.id}, "agent_id": {"value": self.agent_id}}
        return {**names, "state": state, **more}


class SmallAgent:
    """An agent; `seen` is its state at the master: registered, unheard, unreachable, gone."""

    def __init__(self, name: str, mem: float, port_range: range) -> None:
        self.id = name
        self.host = f"host-of-{name}"
        self.mem = mem
        self.ports = port_range
        self.seen = "registered"
        self.linked = self.lives = True
        self.refused_until = 0.0
