"""The pages of one job: its steps, its actions, its attempts, its log and its result."""

import secrets
from collections.abc import Sequence
from typing import NamedTuple

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from framework.access import Scope
from framework.dashboard.jobs import schedule_lines
from framework.dashboard.jobs.job_steps import find_steps
from framework.dashboard.pages.attempt_logs import LOG_S, AttemptLogs
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.pages.timeouts import within
from framework.dashboard.session.page_access import Action, Form, send_back
from framework.dashboard.session.sessions import Viewer
from framework.errors import FrameworkError
from framework.http_api.jobs import job_results, job_stream
from framework.http_api.jobs.job_models import JobDetail
from framework.http_api.jobs.job_stream import JobStream
from framework.http_api.streams.attempt_stream import parse_event_id
from framework.jobs.errors import UnknownJobAttempt
from framework.state.snapshot import Snapshot
from framework.units import ended_attempts
from prevs.artifacts import Artifact
from prevs.jobs import ENDED, JobRecord
from prevs.units import preview_unit
from program.text.foreign_text import drop_commands

_ONE = "/apps/{app}/jobs/{id}"
_MOST_FILES = 200
"""How many files a page lists."""
_ATTEMPT = f"{_ONE}/attempts/{{number:int}}"


class ShownArtifacts(NamedTuple):
    """What an attempt left as files, and until when they are there (epoch seconds), if known.

    `problem` is why they cannot be shown.
    """

    files: Sequence[Artifact] = ()
    attempt: int | None = None
    until: float | None = None
    problem: str = ""


class JobPages:
    """The page of a job, and what it leads to."""

    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._logs = AttemptLogs(context)

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        page, action = self._context.access.protected_page, self._context.access.protected_action
        cancel = action(Action("cancel job", Scope.USE), self._cancel)
        retry = action(Action("retry job", Scope.USE), self._retry)
        return [
            Route(_ONE, page(self._show), methods=["GET"]),
            Route(f"{_ONE}/log", page(self._follow), methods=["GET"]),
            Route(f"{_ONE}/log.txt", page(self._download), methods=["GET"]),
            Route(f"{_ONE}/result", page(self._send_result), methods=["GET"]),
            Route(f"{_ONE}/artifacts/{{path:path}}", page(self._send_artifact), methods=["GET"]),
            Route(_ATTEMPT, page(self._show_attempt), methods=["GET"]),
            Route(f"{_ATTEMPT}/log.txt", page(self._download), methods=["GET"]),
            Route(f"{_ONE}/cancel", cancel, methods=["POST"]),
            Route(f"{_ONE}/retry", retry, methods=["POST"]),
        ]

    async def _show(self, request: Request, viewer: Viewer) -> Response:
        found = await self._find(request)
        log_end = await self._logs.read_end(request, found)
        job, snapshot = await self._find(request), self._context.schedules.snapshot
        return self._context.pages.show(
            request,
            viewer,
            "jobs/job",
            job=await self._detail(job),
            steps=find_steps(job),
            log_end=log_end,
            result=await self._read_result(job),
            artifacts=await self._find_artifacts(job),
            most_files=_MOST_FILES,
            is_ended=job.state in ENDED,
            is_kept=(job.app, job.id) in snapshot.jobs,
            has_preview=preview_unit(job.app, job.sha) in snapshot.previews,
            key=secrets.token_hex(8),
            nominal=_spell_nominal(job, snapshot),
        )

    async def _show_attempt(self, request: Request, viewer: Viewer) -> Response:
        """Show an attempt that has ended, and its log."""
        job, then = await self._find_attempt(request)
        detail = await self._detail(job)
        number = request.path_params["number"]
        attempt = next((one for one in detail.attempts if one.number == number), None)
        if attempt is None:  # it goes on: the job's own page has its log
            raise UnknownJobAttempt(job.app, job.id, number)
        log_end = await self._logs.read_end(request, then)
        return self._context.pages.show(
            request, viewer, "jobs/attempt", job=detail, attempt=attempt, log_end=log_end
        )

    async def _detail(self, job: JobRecord) -> JobDetail:
        show = self._context.job_presenter.show_detail
        return await anyio.to_thread.run_sync(show, job, self._context.is_log_kept)

    async def _follow(self, request: Request, viewer: Viewer) -> Response:
        """Send the log and the state as the events of the API's own stream."""
        job, context = await self._find(request), self._context
        stream = JobStream(context.jobs, context.logs, context.job_presenter.show)
        begin = parse_event_id(request.headers.get("last-event-id", ""), 0)
        return self._logs.follow(request, viewer, stream.follow(job, begin))

    async def _download(self, request: Request, _: Viewer) -> Response:
        """Send the whole log as a file. Raises Unavailable if it cannot be read at all."""
        number = request.path_params.get("number")
        job = (await self._find_attempt(request))[1] if number else await self._find(request)
        name = f"{job.app}-{job.id}{f'-{number}' if number else ''}"
        return await self._logs.download(job, name)

    async def _send_result(self, request: Request, _: Viewer) -> Response:
        app, job_id = request.path_params["app"], request.path_params["id"]
        data = await anyio.to_thread.run_sync(
            self._context.jobs.command, lambda commands: commands.read_result(app, job_id)
        )
        return job_results.answer(job_id, data)

    async def _send_artifact(self, request: Request, _: Viewer) -> Response:
        """Send a file that the command left."""
        job = await self._find(request)
        return await self._context.artifacts.send(job, request.path_params["path"])

    async def _find_artifacts(self, job: JobRecord) -> ShownArtifacts:
        """Return what a job left as files, or why that cannot be shown now."""
        if job.state not in ENDED:
            return ShownArtifacts()
        try:
            left = await within(self._context.artifacts.list(job), "Its agent", LOG_S)
        except FrameworkError as exc:
            return ShownArtifacts(problem=str(exc))
        return ShownArtifacts(left.artifacts, left.attempt, left.until)

    async def _read_result(self, job: JobRecord) -> str | None:
        """Return a job's result if it is text; None if it is not, or cannot be read now."""
        if job.state not in ENDED or not job.result_size:
            return None
        try:
            data = await anyio.to_thread.run_sync(
                self._context.jobs.command,
                lambda commands: commands.read_result(job.app, job.id),
            )
            return _read_text(data)
        except FrameworkError:
            return None

    async def _cancel(self, request: Request, viewer: Viewer, form: Form) -> Response:
        app, job_id, by = *_path(request), viewer.identity.name
        await anyio.to_thread.run_sync(
            self._context.jobs.command, lambda commands: commands.cancel(app, job_id, by=by)
        )
        return send_back(form, "cancel-job", f"/apps/{app}/jobs/{job_id}")

    async def _retry(self, request: Request, viewer: Viewer, form: Form) -> Response:
        """Request a job that does the same, and lead to it."""
        (app, job_id), by = _path(request), viewer.identity.name
        # The form's own key: sent twice, it makes one job.
        key = form.get("key", "")
        new_id = self._context.job_requests.name_retry(app, job_id, viewer.identity, key)
        job = await anyio.to_thread.run_sync(
            self._context.jobs.command,
            lambda commands: commands.retry(app, job_id, new_id, by=by),
        )
        request.state.target = f"{app}/jobs/{job_id} as {job.id}"
        return send_back({}, "retry-job", f"/apps/{app}/jobs/{job.id}")

    async def _find(self, request: Request) -> JobRecord:
        return await job_stream.find(self._context.jobs, *_path(request))

    async def _find_attempt(self, request: Request) -> tuple[JobRecord, JobRecord]:
        """Return a job now, and at the end of an attempt."""
        job, number = await self._find(request), request.path_params["number"]
        found = ended_attempts.look_back(job, number)
        if found is None:
            raise UnknownJobAttempt(job.app, job.id, number)
        return job, found


def _spell_nominal(job: JobRecord, snapshot: Snapshot) -> str:
    """Return the time for which a schedule has made a job, in its zone; "" if it was for none."""
    schedule = snapshot.schedules.get((job.app, job.schedule))
    if job.nominal is None:
        return ""
    return schedule_lines.spell_local(job.nominal, schedule.zone if schedule else "UTC")


def _path(request: Request) -> tuple[str, str]:
    return request.path_params["app"], request.path_params["id"]


def _read_text(data: bytes) -> str | None:
    """Return the text in some bytes; None if they are something else."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return text if drop_commands(text) == text else None
