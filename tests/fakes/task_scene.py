"""One record with a task, in a service that does nothing by itself: each test plays one event."""

import base64
from typing import Any

from prometheus_client import CollectorRegistry

from framework.attempts.attempts import Attempts
from framework.mesos import task_status
from framework.metrics import Metrics
from prevs.messages import TaskReport
from prevs.states import Phase
from tests.fakes.driven import Driven


class TaskScene:
    """The parts of a service that change the record of `task`, over what `stored` has stored."""

    def __init__(self, stored: Driven, task: str) -> None:
        self.driven = Driven(stored.znodes, stored.clock, subscribed=False)
        self.records, self.clock = self.driven.records, self.driven.clock.clock
        self.metrics = Metrics(CollectorRegistry())
        self.attempts = Attempts(
            self.records,
            self.driven.cluster,
            build_seconds=60.0,
            clock=self.clock,
            metrics=self.metrics,
        )
        self._task = task

    def report(self, state: str, phase: Phase | None = None, **more: Any) -> None:
        """Hand in a status of the task, as Mesos has it."""
        task_id, agent_id = {"value": self._task}, {"value": "agent-1"}
        status = {"task_id": task_id, "agent_id": agent_id, "state": state}
        if phase:
            healthy = more.pop("healthy", True)
            sent = TaskReport(phase, **more)
            status |= {"data": base64.b64encode(sent.encode()).decode(), "healthy": healthy}
        self.attempts.apply([task_status.read(status)])

    def wait(self, seconds: float) -> None:
        """Let Mesos say nothing for some time after a subscription."""
        self.attempts.subscribed()
        self.attempts.reconcile()
        self.driven.clock.pass_seconds(seconds)
        self.attempts.replace_missing()

    def lose(self, state: str) -> None:
        """Hand in that the task is missing, and wait for a minute."""
        self.attempts.subscribed()
        self.report(state)
        self.driven.clock.pass_seconds(60)
        self.attempts.replace_missing()

    def forget(self) -> None:
        """Let Mesos not know the task long after a subscription."""
        self.attempts.subscribed()
        self.driven.clock.pass_seconds(60)
        self.report("TASK_UNKNOWN")
