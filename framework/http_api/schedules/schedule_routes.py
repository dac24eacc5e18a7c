"""/v1/apps/{app}/schedules: write schedules, look when they make jobs, and run one now."""

from collections.abc import Callable

import anyio.to_thread
from fastapi import Request, Response

from framework.access import Scope
from framework.http_api.admission.audit_middleware import note_target
from framework.http_api.admission.operations import Reach, Routes, operation
from framework.http_api.http.paging import Paged
from framework.http_api.http.parameters import App, Caller
from framework.http_api.jobs import job_models, job_presenter
from framework.http_api.jobs.job_parameters import Key
from framework.http_api.jobs.job_presenter import JobPresenter
from framework.http_api.jobs.job_resolver import JobResolver
from framework.http_api.schedules import schedule_models as models
from framework.http_api.schedules import schedule_orders as orders
from framework.http_api.schedules import schedule_presenter as presenter
from framework.http_api.schedules.schedule_parameters import Count, Name
from framework.http_api.schedules.schedule_runs import ScheduleRuns
from framework.http_api.schedules.schedule_writing import check_caller, check_work
from framework.schedules import written_schedule
from framework.service.jobs.schedule_service import Schedules
from prevs.schedules import ScheduleRecord

_ANY = "any"
"""What stands for the work of a schedule of which only the times are asked for."""


class ScheduleRoutes(Routes):
    """The calls about schedules. Methods that are no coroutines run in a thread, and may block.

    `now` returns the time in seconds since the epoch.
    """

    tag = "schedules"

    def __init__(
        self,
        schedules: Schedules,
        resolver: JobResolver,
        jobs: JobPresenter,
        *,
        runs: ScheduleRuns,
        now: Callable[[], float],
    ) -> None:
        self._schedules = schedules
        self._resolver = resolver
        self._show_job = jobs.show
        self._runs = runs
        self._now = now

    @operation("GET", "/v1/apps/{app}/schedules", Scope.READ, Reach.ITS_PATH, refuses=(404,))
    def list_schedules(self, app: App, paged: Paged) -> models.Schedules:
        """List the schedules of an app, by name."""
        snapshot = self._schedules.snapshot
        snapshot.app(app)
        page = paged.cut(snapshot.list_schedules(app), lambda one: (one.name,))
        jobs = presenter.find_active(snapshot, app)
        return models.Schedules(
            schedules=[presenter.show(one, snapshot, jobs) for one in page.entries],
            file_trouble=presenter.show_trouble(snapshot, app),
            next=page.next,
        )

    @operation(
        "POST",
        "/v1/apps/{app}/schedule-times",
        Scope.USE,
        Reach.ITS_PATH,
        action="try schedule",
        is_report=True,
        refuses=(404,),
    )
    def try_times(
        self, app: App, order: orders.TimesOrder, count: Count = 5
    ) -> models.ScheduledTimes:
        """List the next times that a schedule would have. Stores nothing."""
        self._schedules.snapshot.app(app)
        written = orders.read(order, app=app, name=_ANY, label=_ANY, job=_ANY)
        record = written_schedule.check(written, now=self._now())
        return presenter.show_times(record, count)

    @operation("GET", "/v1/apps/{app}/schedules/{name}", Scope.READ, Reach.ITS_PATH, refuses=(404,))
    def show_schedule(self, app: App, name: Name) -> models.Schedule:
        """Show a schedule: its next times, its jobs, and why the last times made none."""
        return self._show(self._schedules.snapshot.schedule(app, name))

    @operation(
        "PUT",
        "/v1/apps/{app}/schedules/{name}",
        Scope.USE,
        Reach.ITS_PATH,
        refuses=(404, 409, 502),
        answers={201: {"model": models.WrittenSchedule, "description": "It is new"}},
    )
    async def write_schedule(
        self,
        app: App,
        name: Name,
        order: orders.ScheduleOrder,
        caller: Caller,
        *,
        response: Response,
    ) -> models.WrittenSchedule:
        """Make a schedule, or replace the one of that name: it counts from now on.

        If its times are the same, it goes on where it was. The label must lead to a commit, and the
        commit must have the job. One with a command is written, removed and run by admins alone.
        """
        snapshot = self._schedules.snapshot
        written = orders.read_whole(order, app=app, name=name, token=caller.name)
        record, before = snapshot.app(app), snapshot.schedules.get((app, name))
        for touched in filter(None, (written, before)):
            check_caller(caller, touched)
        written_schedule.check(written, now=self._now(), before=before)
        terms = await check_work(self._resolver, record, written)
        made = await anyio.to_thread.run_sync(
            self._schedules.command, lambda commands: commands.put(written)
        )
        response.status_code = 200 if before else 201
        shown = await anyio.to_thread.run_sync(self._show, made)
        return models.WrittenSchedule(**shown.model_dump(), cpus=terms.cpus, mem=terms.mem)

    @operation(
        "DELETE", "/v1/apps/{app}/schedules/{name}", Scope.USE, Reach.ITS_PATH, refuses=(404, 409)
    )
    def remove_schedule(self, app: App, name: Name, caller: Caller) -> None:
        """Remove a schedule. The jobs that it has made go on."""
        check_caller(caller, self._schedules.snapshot.schedule(app, name))
        self._schedules.command(lambda commands: commands.remove(app, name))

    @operation(
        "GET", "/v1/apps/{app}/schedules/{name}/times", Scope.READ, Reach.ITS_PATH, refuses=(404,)
    )
    def list_times(self, app: App, name: Name, count: Count = 5) -> models.ScheduledTimes:
        """List the next times of a schedule."""
        return presenter.show_times(self._schedules.snapshot.schedule(app, name), count)

    @operation(
        "PUT", "/v1/apps/{app}/schedules/{name}/pause", Scope.USE, Reach.ITS_PATH, refuses=(404,)
    )
    def pause_schedule(self, app: App, name: Name) -> models.Schedule:
        """Let a schedule make no jobs until it is resumed."""
        return self._show(self._schedules.command(lambda commands: commands.pause(app, name)))

    @operation(
        "DELETE", "/v1/apps/{app}/schedules/{name}/pause", Scope.USE, Reach.ITS_PATH, refuses=(404,)
    )
    def resume_schedule(self, app: App, name: Name) -> models.Schedule:
        """Let a paused schedule go on. The times meanwhile are not made up."""
        return self._show(self._schedules.command(lambda commands: commands.resume(app, name)))

    @operation(
        "POST",
        "/v1/apps/{app}/schedules/{name}/run",
        Scope.USE,
        Reach.ITS_PATH,
        keeps_key=True,
        refuses=(404, 502),
        status_code=202,
    )
    async def run_schedule(
        self,
        app: App,
        name: Name,
        caller: Caller,
        *,
        request: Request,
        response: Response,
        key: Key,
    ) -> job_models.Job:
        """Request the job of a schedule now, beside its times.

        The same Idempotency-Key again answers the same job, whichever framework answers.
        """
        job = await self._runs.run(app, name, caller, key)
        response.headers["Location"] = job_presenter.path(job)
        note_target(request, f"{app}/schedules/{name} as {job.id}")
        return self._show_job(job)

    def _show(self, schedule: ScheduleRecord) -> models.Schedule:
        snapshot = self._schedules.snapshot
        return presenter.show(schedule, snapshot, presenter.find_active(snapshot, schedule.app))
