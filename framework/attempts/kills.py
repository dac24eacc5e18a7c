"""Kills tasks, and repeats that until they have ended. Owned by the service's thread."""

import structlog

from framework.clock import Clock
from framework.errors import OutcomeUnknown, Unavailable
from framework.ports import Cluster
from prevs.messages import BuildOrder
from program.logs.log_lines import name_attempt

log = structlog.get_logger(__name__)

REPEAT_SECONDS = 10.0
"""How often a kill is repeated: it may be lost, for example with an agent that is away."""


class Kills:
    """Remembers when each task was last killed, so that callers may call as often as they like."""

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock
        self._sent: dict[str, float] = {}
        self._orphans: dict[str, str | None] = {}

    def kill_orphan(self, task_id: str, agent_id: str | None) -> None:
        """Kill a task that has no preview; `repeat` kills it again until it has ended."""
        self._orphans[task_id] = agent_id
        self.send(task_id, agent_id)

    def repeat(self) -> None:
        """Kill each orphan again if the last time was some seconds ago."""
        for task_id, agent_id in self._orphans.items():
            self.send(task_id, agent_id)

    def send(self, task_id: str, agent_id: str | None) -> None:
        """Kill a task, unless it was killed within the last seconds. Never raises."""
        now = self._clock.monotonic()
        if now - self._sent.get(task_id, float("-inf")) < REPEAT_SECONDS:
            return
        self._sent[task_id] = now
        try:
            self._cluster.kill(task_id, agent_id, BuildOrder.stop_grace)
        except (Unavailable, OutcomeUnknown) as error:
            log.warning("a kill will be repeated", why=str(error), **name_attempt(task_id))

    def drop(self, task_id: str) -> None:
        """Drop a task that has ended or that no kill can reach; if it comes back, it is killed."""
        self._sent.pop(task_id, None)
        self._orphans.pop(task_id, None)
