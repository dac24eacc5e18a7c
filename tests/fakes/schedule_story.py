"""A driven framework with a schedule, whose clock a test moves from time to time."""

import base64
import datetime
from collections.abc import Sequence
from typing import Any

from framework import events
from framework.apps.manifest import Manifest
from framework.errors import RepositoryUnreachable
from framework.jobs.leads import Lead
from framework.mesos import task_status
from framework.service.jobs.schedule_commands import ScheduleCommands
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState
from prevs.messages import TaskReport
from prevs.schedules import ScheduleRecord
from prevs.states import Phase
from tests.fakes.clock import FakeClock
from tests.fakes.driven import A, Driven
from tests.fakes.mishaps import Fate
from tests.fakes.store import FakeZnodes

HOUR = 3600.0
NINE = datetime.datetime(2026, 11, 29, 9, tzinfo=datetime.UTC).timestamp()
REPORT = JobSettings(("python", "report.py"), retries=2)
HEAD = Lead("main", A, ("heads/main",), Manifest(jobs={"report": REPORT}))
AWAY = RepositoryUnreachable("hello", "/srv/hello", "no such file")


class Story:
    """A driven framework at five to nine with an app, whose main branch names a job."""

    def __init__(
        self,
        znodes: FakeZnodes | None = None,
        clock: FakeClock | None = None,
        *,
        fates: Sequence[Fate] = (),
    ) -> None:
        self.clock = clock or FakeClock(NINE - 300)
        self.driven = Driven(znodes, self.clock, subscribed=False)
        self.lead(HEAD)
        self.driven.mishaps.plan(fates)
        self.driven.step(events.Subscribed("framework-1"))
        if znodes is None:
            self.driven.add_app()

    def lead(self, outcome: Any, label: str = "main") -> None:
        """Say where a label leads."""
        self.driven.manifests.leads[label] = outcome

    @property
    def commands(self) -> ScheduleCommands:
        return self.driven.schedule_commands

    def put(self, payload: bytes | None = None, **fields: Any) -> ScheduleRecord:
        """Write the schedule report: a job each hour."""
        given = {"label": "main", "job": "report", "cron": "0 * * * *"} | fields
        return self.commands.put(ScheduleRecord("hello", "report", token="ci", **given), payload)

    def until(self, moment: float) -> None:
        self.driven.tick(moment - self.clock.read())

    @property
    def schedule(self) -> ScheduleRecord:
        return self.driven.service.snapshot.schedule("hello", "report")

    @property
    def skipped(self) -> list[str]:
        return [one.why for one in self.schedule.skipped]

    @property
    def hindrance(self) -> str:
        return self.driven.service.snapshot.hindrances.get(("hello", "report"), "")

    def jobs(self, *states: JobState) -> list[JobRecord]:
        """Return the jobs by their times; those in some states, if any are given."""
        found = [
            job
            for job in self.driven.service.snapshot.jobs.values()
            if not states or job.state in states
        ]
        return sorted(found, key=lambda job: (job.nominal or 0.0, job.id))

    def times(self) -> list[float | None]:
        return [job.nominal for job in self.jobs()]

    def begin(self, job: JobRecord) -> None:
        """Let a job's command begin."""
        status = {
            "task_id": {"value": job.task_id},
            "agent_id": {"value": "agent-1"},
            "state": "TASK_RUNNING",
            "uuid": "running",
            "data": base64.b64encode(TaskReport(Phase.RUNNING).encode()).decode(),
        }
        self.driven.step(events.TaskStatusReceived(task_status.read(status)))

    def end(self, job: JobRecord) -> None:
        """Let a job end before it has begun."""
        self.driven.job_commands.cancel("hello", job.id, by="ci")

    def take_over(self, clock: FakeClock | None = None, *, fates: Sequence[Fate] = ()) -> "Story":
        """Return another framework that leads now; `fates` are those of its first writes."""
        return Story(self.driven.znodes, clock or self.clock, fates=fates)
