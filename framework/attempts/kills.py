"""Kills of tasks, repeated until the task has ended. Owned by the service's thread."""

import structlog

from framework.clock import Clock
from framework.errors import OutcomeUnknown, Unavailable
from framework.ports import Cluster
from prevs.messages import BuildOrder
from program.log_lines import name_attempt

log = structlog.get_logger(__name__)

REPEAT_SECONDS = 10.0
"""A kill may be lost, on its way or with an agent that is away."""


class Kills:
    """Remembers when a task was last asked to end, so that asking too often is no harm."""

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock
        self._sent: dict[str, float] = {}
        self._strays: dict[str, str | None] = {}

    def kill_orphan(self, task_id: str, agent_id: str | None) -> None:
        """Ask for the end of a task that has no preview, with every `repeat` until it has ended."""
        self._strays[task_id] = agent_id
        self.send(task_id, agent_id)

    def repeat(self) -> None:
        """Ask again for the end of each stray, where the last time is some seconds ago."""
        for task_id, agent_id in self._strays.items():
            self.send(task_id, agent_id)

    def send(self, task_id: str, agent_id: str | None) -> None:
        """Ask for the end of a task, unless that was done some seconds ago. Never raises."""
        now = self._clock.monotonic()
        if now - self._sent.get(task_id, float("-inf")) < REPEAT_SECONDS:
            return
        self._sent[task_id] = now
        try:
            self._cluster.kill(task_id, agent_id, BuildOrder.stop_grace)
        except (Unavailable, OutcomeUnknown) as error:
            log.warning("a kill will be repeated", why=str(error), **name_attempt(task_id))

    def drop(self, task_id: str) -> None:
        """Drop a task that has ended, or that no kill can reach; it is killed when it is back."""
        self._sent.pop(task_id, None)
        self._strays.pop(task_id, None)
