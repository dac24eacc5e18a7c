"""Jobs as the API shows them."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from framework.http_api.http.examples import SHA, example
from framework.http_api.http.paging import Next
from framework.http_api.models.event_models import ShownTry
from framework.http_api.models.preview_models import Agent, Failure
from prevs.artifacts import MOST
from prevs.jobs import CallbackState, JobState
from prevs.states import Cause

_ID = "k4z7q2n5v3w6x2y7"
_AGENT = {"id": "f592d1ba-314b-43c2-b185-f8272c4b4746-S0", "host": "127.0.0.1"}
_TASK = f"hello.{SHA}.0a1b2c3d4e"
_FAILURE = {
    "cause": "app-exited",
    "message": "The command exited with 3.",
    "exit_code": 3,
    "mistakes": [],
}
_ATTEMPT: dict[str, Any] = {
    "number": 1,
    "task_id": _TASK,
    "began": 1764031201.0,
    "ended": 1764031207.5,
    "agent": _AGENT,
    "cause": "app-exited",
    "exit_code": 3,
    "why": "The command exited with 3.",
    "log_kept": True,
}
_JOB: dict[str, Any] = {
    "id": _ID,
    "app": "hello",
    "commit": SHA,
    "label": "main",
    "name": "report",
    "command": ["python", "report.py"],
    "state": "failed",
    "reason": "",
    "failure": _FAILURE,
    "exit_code": 3,
    "group": "november",
    "schedule": None,
    "nominal": None,
    "by": "ci",
    "priority": 1,
    "timeout": 900.0,
    "cpus": 0.5,
    "mem": 256,
    "created": 1764031200.0,
    "changed": 1764031207.5,
    "began": 1764031201.0,
    "ended": 1764031207.5,
    "tries": 1,
    "failures": 0,
    "retries": 0,
    "place": None,
    "phase": "",
    "detail": "",
    "progress": {"percent": 40, "message": "half way"},
    "payload_size": 13,
    "result_size": 0,
    "agent": _AGENT,
    "task_id": _TASK,
    "url": f"/v1/apps/hello/jobs/{_ID}",
    "callback": {
        "receiver": "ci",
        "state": "told",
        "last": {"at": 1764031207.6, "status": 204, "problem": ""},
        "next": None,
    },
}


_ARTIFACT = {"path": "reports/november.csv", "size": 48213}


class JobProgress(BaseModel):
    """What the command itself says about its progress."""

    model_config = example(_JOB["progress"])

    percent: int
    message: str


class JobCallback(BaseModel):
    """Who is told of the end of a job, and what has become of that."""

    model_config = example(_JOB["callback"])

    receiver: str = Field(description="Its name: a receiver of the app's notifications.")
    state: CallbackState = Field(
        description="waiting: the job has not ended, or the receiver has not taken it yet. "
        "given-up: it refused, or was tried for an hour."
    )
    last: ShownTry | None = Field(
        description="The last try; null if there was none since this framework leads."
    )
    next: float | None = Field(
        description="When it is tried again at the earliest, in seconds since the epoch; null: no "
        "try has failed since this framework leads, or there is no other."
    )


class Job(BaseModel):
    """A command that runs, or ran, in an app's image. Times are in seconds since the epoch."""

    model_config = example(_JOB)

    id: str
    app: str
    commit: str = Field(description="All 40 digits of the id.")
    label: str = Field(description="What led to the commit when the job was requested.")
    name: str | None = Field(description="The NAME of its [jobs.NAME]; null: a command in full.")
    command: list[str]
    state: JobState
    reason: str = Field(description="Why it waits or ends; what is wrong while it runs.")
    failure: Failure | None = Field(description="Why it failed, or the last attempt did.")
    exit_code: int | None = Field(description="That of the command, when it last ended.")
    group: str | None
    schedule: str | None = Field(description="What has made it; null: somebody requested it.")
    nominal: float | None = Field(
        description="The time for which its schedule has made it; null: it was for none."
    )
    by: str = Field(description="The token or the person that requested it.")
    priority: int = Field(description="0 is low, 1 usual, 2 high.")
    timeout: float = Field(description="How many seconds the command may run, each time.")
    cpus: float | None = Field(description="The share of CPUs that it takes.")
    mem: int | None = Field(description="Its memory limit in MB.")
    created: float
    changed: float = Field(description="When its state last changed.")
    began: float | None = Field(description="When the command began, in the last attempt.")
    ended: float | None = Field(description="null: it has not ended.")
    tries: int = Field(description="How many attempts began.")
    failures: int = Field(description="How many of them the command failed and were tried again.")
    retries: int = Field(description="How many times it runs again if the command fails.")
    place: int | None = Field(description="In the queue, 1 is the next; null: it is not in it.")
    phase: str = Field(description="What the attempt is doing, as its executor last reported.")
    detail: str = Field(description="How far it is.")
    progress: JobProgress | None = Field(description="null: the command has not said anything.")
    payload_size: int = Field(description="In bytes.")
    result_size: int = Field(description="In bytes; 0: it has left none.")
    agent: Agent | None
    task_id: str | None
    url: str = Field(description="The path of this job.")
    callback: JobCallback | None = Field(description="null: nobody is told of its end.")


class JobAttempt(BaseModel):
    """A try to run a job that has ended. Times are in seconds since the epoch."""

    model_config = example(_ATTEMPT)

    number: int = Field(description="The first is 1.")
    task_id: str
    began: float
    ended: float
    agent: Agent | None
    cause: Cause | None = Field(description="null: it has not failed by itself.")
    exit_code: int | None
    why: str = Field(description="Why it ended, cut short if that is long.")
    log_kept: bool = Field(description="As for previews: the framework keeps the end of its log.")


class JobDetail(Job):
    """A job with its last attempts."""

    model_config = example({**_JOB, "attempts": [_ATTEMPT]})

    attempts: list[JobAttempt] = Field(description="The ended attempts, the newest first.")


class Jobs(BaseModel):
    """Jobs, the newest first."""

    model_config = example({"jobs": [_JOB], "next": None})

    jobs: list[Job]
    next: Next


class RequestedJobs(BaseModel):
    """The jobs of a request for many, in its order."""

    model_config = example({"jobs": [_JOB], "group": "november"})

    jobs: list[Job]
    group: str | None = Field(description="null: they have not all the same one.")


class CancelledJobs(BaseModel):
    """How many jobs of a group were cancelled."""

    model_config = example({"jobs": 12})

    jobs: Annotated[int, Field(description="Those that had not ended.")]


class Artifact(BaseModel):
    """A file that a job's command left in /run/prevs/artifacts."""

    model_config = example(_ARTIFACT)

    path: str = Field(description="Within that folder, with slashes.")
    size: int = Field(description="In bytes.")


class Artifacts(BaseModel):
    """The files that the last attempt of an ended job left."""

    model_config = example({"artifacts": [_ARTIFACT], "attempt": 1, "until": 1764636007.5})

    artifacts: list[Artifact] = Field(description=f"By their paths; {MOST:,} at most.")
    attempt: int | None = Field(description="null: the job never had one.")
    until: float | None = Field(
        description="About when the agent removes them, in seconds since the epoch: sooner if its "
        "disk fills up. null: it does not say."
    )
