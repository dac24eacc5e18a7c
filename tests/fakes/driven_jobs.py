"""Jobs in a service without threads, and what happens to them."""

import base64
import dataclasses
from typing import Any

from framework import events
from framework.jobs.orders import JobOrder
from framework.mesos import task_status
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState
from prevs.messages import TaskReport
from prevs.states import Cause, Phase
from tests.fakes.driven import A, Driven


class Jobs:
    """A driven framework, and what happens to its jobs."""

    def __init__(self, driven: Driven) -> None:
        self.driven = driven
        self._count = 0

    def request(self, *, payload: bytes | None = None, app: str = "hello", **terms: Any) -> str:
        """Request a job; return its id."""
        self._count += 1
        job_id = f"{self._count:016d}"
        settings = dataclasses.replace(JobSettings(("true",)), **terms)
        order = JobOrder(job_id, app, "main", A, settings, payload=payload)
        self.driven.job_commands.request([order])
        return job_id

    def cancel(self, job_id: str) -> JobRecord:
        return self.driven.job_commands.cancel("hello", job_id, by="ci")

    def offer(self, *name: str, **fields: Any) -> None:
        self.driven.offer(*name, **fields)

    def place(self, **terms: Any) -> str:
        job_id = self.request(**terms)
        self.offer()
        assert self.find(job_id).state is JobState.PLACED
        return job_id

    def run(self, **terms: Any) -> str:
        job_id = self.place(**terms)
        self.report(job_id, "TASK_RUNNING", Phase.RUNNING)
        return job_id

    def find(self, job_id: str, app: str = "hello") -> JobRecord:
        return self.driven.service.snapshot.jobs[app, job_id]

    def report(self, job_id: str, state: str, phase: Phase | None = None, **fields: Any) -> None:
        """Send an update of a job's task; with a phase as our executor does."""
        status = {
            "task_id": {"value": self.find(job_id).task_id},
            "agent_id": {"value": "agent-1"},
            "state": state,
            "uuid": f"uuid of {state}",
        }
        if phase is not None:
            data = TaskReport(phase, **fields).encode()
            status["data"] = base64.b64encode(data).decode()
        self.driven.step(events.TaskStatusReceived(task_status.read(status)))

    def finish(self, job_id: str, result: bytes = b"") -> None:
        encoded = base64.b64encode(result).decode()
        self.report(job_id, "TASK_FINISHED", Phase.ENDED, exit_code=0, result=encoded)

    def fail(self, job_id: str, code: int = 3, result: bytes = b"") -> None:
        ended = {"cause": Cause.APP_EXITED, "exit_code": code}
        encoded = base64.b64encode(result).decode()
        self.report(job_id, "TASK_FAILED", Phase.ENDED, **ended, result=encoded)

    def killed(self) -> list[str]:
        return [task for task, *_ in self.driven.cluster.of("kill")]
