"""/v1/jobs and /v1/apps/{app}/jobs: start, watch and cancel jobs, and read what they leave."""

from collections.abc import Callable, Sequence
from typing import Any

import anyio.to_thread
from fastapi import Request, Response

from framework.access import Scope
from framework.errors import NotAllowed, Unavailable
from framework.http_api.admission.audit_middleware import note_target
from framework.http_api.admission.operations import Reach, Routes, operation
from framework.http_api.http import conditional
from framework.http_api.http.conditional import IfNoneMatch
from framework.http_api.http.paging import Paged
from framework.http_api.http.parameters import App, Caller, ListedApps
from framework.http_api.jobs import job_models as models
from framework.http_api.jobs import job_parameters as parameters
from framework.http_api.jobs import job_presenter, job_results, job_stream
from framework.http_api.jobs.job_orders import JobOrder, Orders
from framework.http_api.jobs.job_presenter import JobPresenter
from framework.http_api.jobs.job_requests import JobRequests
from framework.http_api.jobs.job_stream import JobStream
from framework.http_api.streams import log_answers
from framework.http_api.streams.logs import Logs
from framework.jobs.errors import UnknownJobAttempt
from framework.service.jobs.job_service import Jobs
from framework.units import ended_attempts
from prevs.jobs import ENDED, JobRecord

BODY_LIMIT = 4 * 1024 * 1024
"""In bytes: a thousand jobs with four kilobytes each."""

_RESULT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "What the command left, in bytes.",
        "content": {"application/octet-stream": {"schema": {"type": "string"}}},
    }
}


class JobRoutes(Routes):
    """The calls about jobs. Methods that are no coroutines run in a thread, and may block."""

    tag = "jobs"

    def __init__(
        self,
        jobs: Jobs,
        requests: JobRequests,
        logs: Logs,
        presenter: JobPresenter,
        *,
        is_log_kept: Callable[[str], bool],
    ) -> None:
        self._jobs = jobs
        self._requests = requests
        self._logs = logs
        self._presenter = presenter
        self._is_log_kept = is_log_kept

    @operation("GET", "/v1/jobs", Scope.READ, Reach.ITS_SHARE, refuses=(404,))
    def list_jobs(
        self,
        paged: Paged,
        listed: ListedApps,
        *,
        state: parameters.OfState = None,
        group: parameters.OfGroup = "",
        schedule: parameters.OfSchedule = "",
    ) -> models.Jobs:
        """List jobs, the newest first.

        Of one app, these are all that are kept; of all apps, those that have not ended, and the
        last hundred or more of each app that have.
        """
        found = (
            job
            for job in self._list(listed.app, has_ended=state != "active")
            if listed.has(job.app)
            and parameters.is_in(job.state, state)
            and group in ("", job.group)
            and schedule in ("", job.schedule)
        )
        page = paged.cut(found, lambda job: (-job.created, job.app, job.id))
        shown = [self._presenter.show(job) for job in page.entries]
        return models.Jobs(jobs=shown, next=page.next)

    @operation(
        "POST",
        "/v1/apps/{app}/jobs",
        Scope.USE,
        Reach.ITS_PATH,
        keeps_key=True,
        body_limit=BODY_LIMIT,
        refuses=(404, 502),
        status_code=202,
        answers={
            200: {"model": models.Job, "description": "It has ended while the client waited."}
        },
    )
    async def request_jobs(
        self,
        app: App,
        order: Orders,
        caller: Caller,
        *,
        request: Request,
        response: Response,
        key: parameters.Key,
        prefer: parameters.Prefer = "",
    ) -> models.Job | models.RequestedJobs:
        """Request a job, or up to 1,000 together, which are all requested or none.

        The same order again with the same Idempotency-Key answers the same jobs, whichever
        framework answers. The scope `use` is enough for jobs of the commit's .prevs.toml.
        """
        jobs = await self._requests.request(app, order, caller, key)
        response.headers["Location"] = job_presenter.path(jobs[0])
        more = f" and {len(jobs) - 1} more" if len(jobs) > 1 else ""
        note_target(request, f"{app}/jobs/{jobs[0].id}{more}")
        if not isinstance(order, JobOrder):
            groups = {job.group for job in jobs}
            return models.RequestedJobs(
                jobs=list(map(self._presenter.show, jobs)),
                group=(groups.pop() or None) if len(groups) == 1 else None,
            )
        seconds = parameters.read_wait(prefer)
        _note_wait(response, seconds)
        job = await job_stream.wait(self._jobs, jobs[0], seconds)
        if seconds and job.state in ENDED:
            response.status_code = 200
        return self._presenter.show(job)

    @operation(
        "GET",
        "/v1/apps/{app}/jobs/{id}",
        Scope.READ,
        Reach.ITS_PATH,
        refuses=(404,),
        with_etag=models.JobDetail,
    )
    async def show_job(
        self,
        app: App,
        job_id: parameters.JobId,
        if_none_match: IfNoneMatch = None,
        prefer: parameters.Prefer = "",
    ) -> Response:
        """Show a job with its attempts, at once or when it has ended."""
        seconds = parameters.read_wait(prefer)
        found = await job_stream.find(self._jobs, app, job_id)
        job = await job_stream.wait(self._jobs, found, seconds)
        shown = await anyio.to_thread.run_sync(self._presenter.show_detail, job, self._is_log_kept)
        answer = conditional.answer(shown, if_none_match)
        _note_wait(answer, seconds)
        if job.state not in ENDED:
            answer.headers["Retry-After"] = "1"
        return answer

    @operation(
        "DELETE",
        "/v1/apps/{app}/jobs/{id}",
        Scope.USE,
        Reach.ITS_PATH,
        refuses=(404, 409),
        status_code=202,
    )
    def cancel_job(self, app: App, job_id: parameters.JobId, caller: Caller) -> models.Job:
        """Cancel a job: it ends, and never starts again."""
        by = caller.name
        return self._presenter.show(
            self._jobs.command(lambda commands: commands.cancel(app, job_id, by=by))
        )

    @operation(
        "DELETE",
        "/v1/apps/{app}/jobs",
        Scope.USE,
        Reach.ITS_PATH,
        action="cancel jobs",
        refuses=(404,),
        status_code=202,
    )
    def cancel_group(
        self, app: App, group: parameters.Group, caller: Caller, request: Request
    ) -> models.CancelledJobs:
        """Cancel all jobs of a group that have not ended."""
        note_target(request, f"{app}/jobs of the group {group}")
        by = caller.name
        done = self._jobs.command(lambda commands: commands.cancel_group(app, group, by=by))
        return models.CancelledJobs(jobs=len(done))

    @operation(
        "POST",
        "/v1/apps/{app}/jobs/{id}/retry",
        Scope.USE,
        Reach.ITS_PATH,
        keeps_key=True,
        refuses=(404,),
        status_code=202,
    )
    def retry_job(
        self,
        app: App,
        job_id: parameters.JobId,
        caller: Caller,
        *,
        request: Request,
        response: Response,
        key: parameters.Key,
    ) -> models.Job:
        """Request a new job that does what an ended one did, at the same commit."""
        by = caller.name
        new_id = self._requests.name_retry(app, job_id, caller, key)
        job = self._jobs.command(lambda commands: commands.retry(app, job_id, new_id, by=by))
        response.headers["Location"] = job_presenter.path(job)
        note_target(request, f"{app}/jobs/{job_id} as {job.id}")
        return self._presenter.show(job)

    @operation(
        "GET",
        "/v1/apps/{app}/jobs/{id}/result",
        Scope.READ,
        Reach.ITS_PATH,
        refuses=(404, 409),
        response_class=Response,
        answers=_RESULT,
    )
    def read_job_result(self, app: App, job_id: parameters.JobId) -> Response:
        """Read what a job's command left in /run/prevs/result: any bytes."""
        data = self._jobs.command(lambda commands: commands.read_result(app, job_id))
        return job_results.answer(job_id, data)

    @operation(
        "GET",
        "/v1/apps/{app}/jobs/{id}/log",
        Scope.READ,
        Reach.ITS_PATH,
        refuses=(404,),
        response_class=Response,
        answers=log_answers.DOCUMENTED,
    )
    async def show_job_log(
        self,
        app: App,
        job_id: parameters.JobId,
        *,
        offset: log_answers.Offset = 0,
        tail: log_answers.Tail = False,
        attempt: log_answers.OfAttempt = None,
        follow: log_answers.Follow,
    ) -> Response:
        """Read the log of an attempt (without a number, the last), or follow the last as events."""
        job = await job_stream.find(self._jobs, app, job_id)
        if attempt is None and follow is not None:
            show = self._presenter.show
            stream = JobStream(self._jobs, self._logs, show, apart=follow.apart)
            return log_answers.answer_events(stream.follow(job, follow.offset))
        found = job if attempt is None else ended_attempts.look_back(job, attempt)
        if found is None:
            raise UnknownJobAttempt(app, job_id, attempt or 0)
        if tail:
            return log_answers.answer_text(await self._read_tail(found))
        return log_answers.answer_text(*await self._logs.read_bytes(found, offset))

    def _list(self, app: str, *, has_ended: bool) -> Sequence[JobRecord]:
        """Return the jobs for a list; archived jobs only for a single app."""
        snapshot = self._jobs.snapshot
        if not app:
            return [job for job in snapshot.jobs.values() if job.app in snapshot.apps]
        if has_ended:
            return self._jobs.of_app(app)
        snapshot.app(app)
        return [job for job in snapshot.jobs.values() if job.app == app]

    async def _read_tail(self, job: JobRecord) -> str:
        try:
            return await self._logs.read_tail(job)
        except NotAllowed as exc:
            return f"== {exc} ==\n"
        except Unavailable:
            return ""


def _note_wait(response: Response, seconds: int) -> None:
    """Let the answer say that it has waited, as RFC 7240 wants."""
    if seconds:
        response.headers["Preference-Applied"] = f"wait={seconds}"
