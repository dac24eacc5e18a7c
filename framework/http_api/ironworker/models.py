"""Tasks, code packages and schedules as IronWorker shows them; times are texts of RFC 3339."""

from pydantic import BaseModel


class Task(BaseModel):
    """A job, as a task. Payloads are stored sealed, and never shown."""

    id: str
    project_id: str
    code_id: str
    code_name: str
    code_history_id: str
    code_rev: str
    status: str
    msg: str
    percent: int
    label: str | None
    priority: int
    timeout: int
    run_times: int
    duration: int
    created_at: str
    updated_at: str
    start_time: str | None
    end_time: str | None


class Tasks(BaseModel):
    """A page of a project's tasks, the newest first."""

    tasks: list[Task]


class TaskId(BaseModel):
    """The id of a new task."""

    id: str


class Queued(BaseModel):
    """The tasks of a request, in its order."""

    msg: str = "Queued up"
    tasks: list[TaskId]


class QueuedWebhook(BaseModel):
    """The task of a webhook."""

    msg: str = "Queued up."
    id: str


class Done(BaseModel):
    """What was done."""

    msg: str


class Code(BaseModel):
    """A [jobs.NAME] of the main branch's commit, as a code package."""

    id: str
    project_id: str
    name: str
    latest_history_id: str
    latest_change: str


class Codes(BaseModel):
    """A page of a project's code packages."""

    codes: list[Code]


class Schedule(BaseModel):
    """A schedule of a job."""

    id: str
    project_id: str
    code_name: str
    status: str
    msg: str
    start_at: str | None
    end_at: str | None
    next_start: str | None
    last_run_time: str | None
    run_every: int | None
    run_times: int | None
    run_count: int
    created_at: str


class Schedules(BaseModel):
    """A page of a project's schedules."""

    schedules: list[Schedule]


class Scheduled(BaseModel):
    """The schedule that was made."""

    msg: str = "Scheduled"
    schedules: list[TaskId]
