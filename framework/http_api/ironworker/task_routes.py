"""/2/projects/{app}/tasks: queue tasks, watch, cancel and retry them, and read their logs."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Body, Request, Response

from framework.access import Scope
from framework.errors import InvalidSettings, Problem
from framework.http_api.admission.audit_middleware import note_target
from framework.http_api.admission.operations import Reach, Routes, operation
from framework.http_api.http import problems
from framework.http_api.http.parameters import App, Caller
from framework.http_api.ironworker import models, task_presenter
from framework.http_api.ironworker.task_filter import ListedTasks
from framework.http_api.ironworker.task_orders import (
    CodeName,
    ProgressOrder,
    RetryOrder,
    TaskOrder,
    TaskOrders,
)
from framework.http_api.ironworker.task_requests import TaskRequests
from framework.http_api.jobs import job_stream
from framework.http_api.jobs.job_parameters import JobId
from framework.http_api.jobs.job_routes import BODY_LIMIT
from framework.http_api.streams.logs import Logs
from framework.service.jobs.job_service import Jobs
from prevs.jobs import ENDED, JobRecord, JobState
from prevs.log_sources import Source
from prevs.log_split import LogSplit
from prevs.work import Progress

MOST_LOG = 16 * 1024 * 1024
"""Characters of a log that are read for one answer."""


class TaskRoutes(Routes):
    """The calls about tasks. Methods that are no coroutines run in a thread, and may block."""

    tag = "ironworker"
    is_described = False

    def __init__(self, jobs: Jobs, requests: TaskRequests, logs: Logs) -> None:
        self._jobs = jobs
        self._requests = requests
        self._logs = logs

    @operation("GET", "/2/projects/{app}/tasks", Scope.READ, Reach.ITS_PATH)
    def list_tasks(self, app: App, listed: ListedTasks) -> models.Tasks:
        """List the jobs of an app as tasks."""
        return models.Tasks(
            tasks=list(map(task_presenter.show, listed.choose(self._jobs.of_app(app))))
        )

    @operation(
        "POST",
        "/2/projects/{app}/tasks",
        Scope.USE,
        Reach.ITS_PATH,
        action="request jobs",
        body_limit=BODY_LIMIT,
    )
    async def queue_tasks(
        self, app: App, order: TaskOrders, caller: Caller, request: Request
    ) -> models.Queued:
        """Request jobs of the main branch's commit, all or none."""
        jobs = await self._requests.request(app, order.tasks, caller)
        more = f" and {len(jobs) - 1} more" if len(jobs) > 1 else ""
        note_target(request, f"{app}/jobs/{jobs[0].id}{more}")
        return models.Queued(tasks=[models.TaskId(id=job.id) for job in jobs])

    @operation(
        "POST", "/2/projects/{app}/tasks/webhook", Scope.USE, Reach.ITS_PATH, action="request jobs"
    )
    async def queue_webhook(
        self, app: App, code_name: CodeName, caller: Caller, request: Request
    ) -> models.QueuedWebhook:
        """Request a job whose payload is the body, whatever its type is: one that a forge sends."""
        task = TaskOrder(code_name=code_name, payload=_read_text(await request.body()))
        [job] = await self._requests.request(app, [task], caller)
        note_target(request, f"{app}/jobs/{job.id}")
        return models.QueuedWebhook(id=job.id)

    @operation("GET", "/2/projects/{app}/tasks/{id}", Scope.READ, Reach.ITS_PATH)
    def show_task(self, app: App, task_id: JobId) -> models.Task:
        """Show a job as a task."""
        return task_presenter.show(self._jobs.find(app, task_id))

    @operation("GET", "/2/projects/{app}/tasks/{id}/log", Scope.READ, Reach.ITS_PATH)
    async def show_log(self, app: App, task_id: JobId) -> Response:
        """Read the whole log of the last attempt: the build, then the command's output."""
        job = await job_stream.find(self._jobs, app, task_id)
        if not _has_log(job):
            return _refuse_log(job)
        return _answer([text async for text, _ in self._read(job)])

    @operation("GET", "/2/projects/{app}/tasks/{id}/outlog", Scope.READ, Reach.ITS_PATH)
    async def show_output(self, app: App, task_id: JobId) -> Response:
        """Read what the command printed in the last attempt."""
        job = await job_stream.find(self._jobs, app, task_id)
        if not _has_log(job):
            return _refuse_log(job)
        if (printed := await self._read_output(job)) is not None:
            return _answer([printed])
        split, runs = LogSplit(), job.began is not None
        parts = [split.feed(text, end, runs=runs) async for text, end in self._read(job)]
        return _answer([part.output for part in (*parts, split.finish())])

    @operation(
        "POST",
        "/2/projects/{app}/tasks/{id}/cancel",
        Scope.USE,
        Reach.ITS_PATH,
        action="cancel job",
    )
    def cancel_task(self, app: App, task_id: JobId, caller: Caller) -> models.Done:
        """Cancel a job."""
        by = caller.name
        self._jobs.command(lambda commands: commands.cancel(app, task_id, by=by))
        return models.Done(msg="Cancelled")

    @operation(
        "POST", "/2/projects/{app}/tasks/{id}/retry", Scope.USE, Reach.ITS_PATH, action="retry job"
    )
    def retry_task(
        self,
        app: App,
        task_id: JobId,
        caller: Caller,
        *,
        request: Request,
        order: Annotated[RetryOrder | None, Body()] = None,
    ) -> models.Queued:
        """Request a new job that does what an ended one did."""
        by, delay = caller.name, order.delay if order else None
        new_id = self._requests.name_retry(app, task_id, caller)
        job = self._jobs.command(
            lambda commands: commands.retry(app, task_id, new_id, by=by, starts_in=delay or 0.0)
        )
        note_target(request, f"{app}/jobs/{task_id} as {job.id}")
        return models.Queued(tasks=[models.TaskId(id=job.id)])

    @operation("POST", "/2/projects/{app}/tasks/{id}/progress", Scope.USE, Reach.ITS_PATH)
    def tell_progress(self, app: App, task_id: JobId, order: ProgressOrder) -> models.Done:
        """Say for a command how far it is."""
        progress = Progress(order.percent, order.msg)
        self._jobs.command(lambda commands: commands.tell_progress(app, task_id, progress))
        return models.Done(msg="Progress set")

    async def _read_output(self, job: JobRecord) -> str | None:
        """Return what the command printed, with a line for each gap; None if that is not known.

        Raises NotAllowed, Unavailable.
        """
        data, offset = b"", 0
        while len(data) < MOST_LOG:
            excerpt = await self._logs.read_parts(job, offset)
            if excerpt is None:
                return None
            if not excerpt.parts:
                break
            data += b"".join(p.data for p in excerpt.parts if p.source is not Source.PREVS)
            offset = excerpt.end
        return data.decode("utf-8", "replace")

    async def _read(self, job: JobRecord) -> AsyncIterator[tuple[str, int]]:
        """Yield the text of a log, and its end in bytes. Raises NotAllowed, Unavailable."""
        offset = length = 0
        while length < MOST_LOG:
            text, end = await self._logs.read_text(job, offset)
            if end == offset:
                return
            yield text, end
            offset, length = end, length + len(text)


def _read_text(body: bytes) -> str:
    """Return a payload. Raises InvalidSettings."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise InvalidSettings([Problem("payload", "must be text in UTF-8")]) from None


def _has_log(job: JobRecord) -> bool:
    """Return whether there is a log to read, or there never will be one."""
    return job.state in ENDED or (job.began is not None and job.state is not JobState.QUEUED)


def _refuse_log(job: JobRecord) -> Response:
    """Return the answer with which clients ask again: 404, and a text about a log."""
    detail = f"The task {job.id} of {job.app!r} has no log yet. Ask again once it runs."
    return problems.answer_problem(problems.NOT_FOUND, detail)


def _answer(parts: list[str]) -> Response:
    return Response("".join(parts), headers={"Cache-Control": "no-store"}, media_type="text/plain")
