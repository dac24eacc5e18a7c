"""What clients of IronWorker send about schedules, and the schedule that it is. Pure."""

import datetime
import math
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from framework.apps.manifest.job_keys import Priority, Timeout
from framework.errors import InvalidSettings, Problem
from framework.http_api.ironworker.task_orders import CLIENTS_TIMEOUT, CodeName, Delay
from framework.jobs.conventions import IRONWORKER
from framework.schedules.written_schedule import read_moment
from prevs.job_settings import JobSettings
from prevs.schedules import Overlap, ScheduleRecord

_DAY = 86_400
_CLIENTS_PRIORITY = 0


class ScheduleOrder(BaseModel):
    """A schedule to make. `label`, `name`, `cluster` and `sync` change nothing here."""

    model_config = ConfigDict(extra="forbid")

    code_name: CodeName
    payload: str | None = Field(default=None, repr=False)
    start_at: AwareDatetime | None = None
    end_at: AwareDatetime | None = None
    run_every: Annotated[int, Field(ge=60, le=366 * _DAY)] | None = None
    run_times: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    delay: Delay | None = None
    priority: Priority | None = None
    timeout: Timeout | None = None
    label: str | None = None
    name: str | None = None
    cluster: str | None = None
    sync: bool | None = None

    @property
    def given(self) -> bytes | None:
        """What each of its jobs is given."""
        return None if self.payload is None else self.payload.encode()

    def check(self, job: JobSettings) -> None:
        """Raise InvalidSettings for what only the commit can say of a job."""
        asked = (
            ("priority", self.priority, _CLIENTS_PRIORITY, job.priority),
            ("timeout", self.timeout, CLIENTS_TIMEOUT, job.timeout),
        )
        wrong = [
            Problem(field, f"is {known:g} in [jobs.{self.code_name}]: change it there")
            for field, value, default, known in asked
            if value not in (None, default, known)
        ]
        if wrong:
            raise InvalidSettings(wrong)

    def write(self, app: str, name: str, label: str, *, by: str, now: float) -> ScheduleRecord:
        """Return the schedule of its job at a label, whose first time is `now` or later."""
        # A time is after the moment at which it was written.
        first = datetime.datetime.fromtimestamp(
            math.floor(now) + 1 + (self.delay or 0.0), datetime.UTC
        )
        return ScheduleRecord(
            app=app,
            name=name,
            label=label,
            job=self.code_name,
            every=self.run_every or _DAY,
            start_at=read_moment(self.start_at or first, ScheduleRecord.zone),
            end_at=read_moment(self.end_at, ScheduleRecord.zone),
            times=self.run_times or (0 if self.run_every else 1),
            overlap=Overlap.ALLOW,
            token=by,
            convention=IRONWORKER,
        )


class ScheduleOrders(BaseModel):
    """A schedule to make; clients send a list of one."""

    schedules: list[ScheduleOrder] = Field(min_length=1, max_length=1)
