"""Schedules as the API shows them."""

from typing import Any

from pydantic import BaseModel, Field

from framework.apps.manifest import declared
from framework.http_api.http.examples import SHA, example
from framework.http_api.http.paging import Next
from framework.http_api.models.preview_models import Mistake
from prevs.jobs import JobState
from prevs.schedules import ScheduleRecord

_TIME: dict[str, Any] = {
    "at": 1764565200,
    "utc": "2025-12-01T05:00:00Z",
    "local": "2025-12-01T06:00:00+01:00",
}
_SKIPPED: dict[str, Any] = {
    "at": 1764306000,
    "why": "When it was due, its job k4z7q2n5v3w6x2y7 had not ended (overlap is skip).",
}
_JOB: dict[str, Any] = {
    "id": "k4z7q2n5v3w6x2y7",
    "state": "running",
    "nominal": 1764219600.0,
    "url": "/v1/apps/hello/jobs/k4z7q2n5v3w6x2y7",
}
_TROUBLE: dict[str, Any] = {
    "label": "main",
    "commit": SHA,
    "why": "The file has a mistake.",
    "mistakes": [{"line": 3, "message": "schedule must have 5 fields"}],
}
_SCHEDULE: dict[str, Any] = {
    "app": "hello",
    "name": "nightly",
    "label": "main",
    "job": "report",
    "command": None,
    **declared.examples(ScheduleRecord),
    "delay": 0.0,
    "paused": False,
    "reason": "",
    "hindrance": "",
    "next": [_TIME],
    "last": 1764306000.0,
    "count": 12,
    "skipped": [_SKIPPED],
    "active": [_JOB],
    "created": 1763100000.0,
    "by": "ci",
    "from_file": False,
}


_SHOWN = declared.answer_of(ScheduleRecord, {})


class ScheduledTime(BaseModel):
    """A time of a schedule, in three forms."""

    model_config = example(_TIME)

    at: int = Field(description="In seconds since the epoch.")
    utc: str
    local: str = Field(description="What a clock in the schedule's zone shows, with its offset.")


class ScheduledTimes(BaseModel):
    """The next times of a schedule."""

    model_config = example({"zone": "Europe/Berlin", "times": [_TIME], "reason": ""})

    zone: str
    times: list[ScheduledTime]
    reason: str = Field(description="Why none comes; empty if one does.")


class SkippedTime(BaseModel):
    """A time at which a schedule made no job."""

    model_config = example(_SKIPPED)

    at: int = Field(description="In seconds since the epoch.")
    why: str


class ActiveJob(BaseModel):
    """A job of a schedule that has not ended."""

    model_config = example(_JOB)

    id: str
    state: JobState
    nominal: float | None = Field(description="Its time; null: somebody started it.")
    url: str = Field(description="The path of the job.")


class _Work(BaseModel):
    app: str
    name: str
    label: str = Field(description="What leads to the commit, each time anew.")
    job: str | None = Field(description="The NAME of its [jobs.NAME]; null: it has a command.")
    command: list[str] | None = Field(description="null: it has a job.")


# Its settings follow from ScheduleRecord.
class Schedule(_SHOWN, _Work):  # type: ignore[misc, valid-type]
    """What makes jobs at times. All moments are in seconds since the epoch."""

    model_config = example(_SCHEDULE)

    delay: float = Field(description="How many seconds after each time its job begins, by spread.")
    paused: bool
    reason: str = Field(description="Why no time comes; empty if one does.")
    hindrance: str = Field(
        description="Why a time that has come makes no job yet; empty if nothing is in its way."
    )
    next: list[ScheduledTime] = Field(description="Its next times, three at most.")
    last: float = Field(
        description="The last time that was decided, or when it was written or resumed, if later."
    )
    count: int = Field(description="How many times have made a job.")
    skipped: list[SkippedTime] = Field(description="The last that have not, the newest first.")
    active: list[ActiveJob] = Field(description="Its jobs that have not ended, the newest first.")
    created: float
    by: str | None = Field(description="The token or the person that wrote it; null: a file.")
    from_file: bool = Field(description="Whether the default branch's .prevs.toml has it.")


class WrittenSchedule(Schedule):
    """A schedule that was just written, and what its jobs take by the commit of now."""

    model_config = example({**_SCHEDULE, "cpus": 0.5, "mem": 256})

    cpus: float | None = Field(description="The share of CPUs that a job takes.")
    mem: int | None = Field(description="A job's memory limit in MB.")


class FileTrouble(BaseModel):
    """Why schedules in the .prevs.toml of the default branch do not hold; earlier ones stay."""

    model_config = example(_TROUBLE)

    label: str
    commit: str
    why: str
    mistakes: list[Mistake] = Field(description="Those in the file, if it cannot be used.")


class Schedules(BaseModel):
    """The schedules of an app, by name."""

    model_config = example({"schedules": [_SCHEDULE], "file_trouble": None, "next": None})

    schedules: list[Schedule]
    file_trouble: FileTrouble | None = Field(description="null: all of its file hold.")
    next: Next
