"""/v1/apps/{app}/schedules: write schedules, look when they make jobs, and run one now."""

from collections.abc import Callable

import anyio.to_thread
from fastapi import Request, Response

from framework.access import Scope
from framework.http_api.admission.audit_middleware import note_target
from framework.http_api.admission.operations import Operation, OperationRouter, Reach
from framework.http_api.http.paging import LIMIT, After, Limit, cut
from framework.http_api.http.parameters import App, Caller
from framework.http_api.http.problems import document
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

_ALL = "/v1/apps/{app}/schedules"
_ONE = "/v1/apps/{app}/schedules/{name}"
_READ = Operation(Scope.READ, Reach.ITS_PATH)
_USE = Operation(Scope.USE, Reach.ITS_PATH)


class ScheduleRoutes:
    """The calls about schedules. Methods that are no coroutines run in a thread, and may block.

    `now` returns the time in seconds since the epoch.
    """

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

    def make_router(self) -> OperationRouter:
        """Return the routes of these calls."""
        router = OperationRouter("schedules")
        found = document(404)
        router.add("GET", _ALL, self.list_schedules, _READ, responses=found)
        router.add(
            "POST",
            "/v1/apps/{app}/schedule-times",
            self.try_times,
            _USE._replace(action="try schedule", is_report=True),
            responses=document(400, 404, 413),
        )
        router.add("GET", _ONE, self.show_schedule, _READ, responses=found)
        router.add(
            "PUT",
            _ONE,
            self.write_schedule,
            _USE._replace(action="write schedule"),
            responses={
                201: {"model": models.WrittenSchedule, "description": "It is new"},
                **document(400, 404, 409, 413, 502),
            },
        )
        router.add(
            "DELETE",
            _ONE,
            self.remove_schedule,
            _USE._replace(action="remove schedule"),
            status_code=204,
            responses=document(404, 409),
        )
        self._add_times(router)
        return router

    def _add_times(self, router: OperationRouter) -> None:
        """Add the calls about times, and the one that does not wait for any."""
        found = document(404)
        pause, resume = (_USE._replace(action=f"{what} schedule") for what in ("pause", "resume"))
        router.add("GET", f"{_ONE}/times", self.list_times, _READ, responses=found)
        router.add("PUT", f"{_ONE}/pause", self.pause_schedule, pause, responses=found)
        router.add("DELETE", f"{_ONE}/pause", self.resume_schedule, resume, responses=found)
        router.add(
            "POST",
            f"{_ONE}/run",
            self.run_schedule,
            _USE._replace(action="run schedule", keeps_key=True),
            status_code=202,
            responses=document(400, 404, 409, 413, 502),
        )

    def list_schedules(self, app: App, limit: Limit = LIMIT, after: After = "") -> models.Schedules:
        """List the schedules of an app, by name."""
        snapshot = self._schedules.snapshot
        snapshot.app(app)
        page = cut(snapshot.list_schedules(app), lambda one: (one.name,), limit, after)
        jobs = presenter.find_active(snapshot, app)
        return models.Schedules(
            schedules=[presenter.show(one, snapshot, jobs) for one in page.entries],
            file_trouble=presenter.show_trouble(snapshot, app),
            next=page.next,
        )

    def show_schedule(self, app: App, name: Name) -> models.Schedule:
        """Show a schedule: its next times, its jobs, and why the last times made none."""
        return self._show(self._schedules.snapshot.schedule(app, name))

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
        snapshot, written = self._schedules.snapshot, orders.read(order)
        record, before = snapshot.app(app), snapshot.schedules.get((app, name))
        for touched in (written, before):
            check_caller(caller, app, name, touched)
        written_schedule.check(
            app, name, written, now=self._now(), token=caller.name, before=before
        )
        terms = await check_work(self._resolver, record, written)
        by = caller.name
        made = await anyio.to_thread.run_sync(
            self._schedules.command, lambda commands: commands.put(app, name, written, by=by)
        )
        response.status_code = 200 if before else 201
        shown = await anyio.to_thread.run_sync(self._show, made)
        return models.WrittenSchedule(**shown.model_dump(), cpus=terms.cpus, mem=terms.mem)

    def remove_schedule(self, app: App, name: Name, caller: Caller) -> None:
        """Remove a schedule. The jobs that it has made go on."""
        check_caller(caller, app, name, self._schedules.snapshot.schedule(app, name))
        self._schedules.command(lambda commands: commands.remove(app, name))

    def list_times(self, app: App, name: Name, count: Count = 5) -> models.ScheduledTimes:
        """List the next times of a schedule."""
        return presenter.show_times(self._schedules.snapshot.schedule(app, name), count)

    def try_times(
        self, app: App, order: orders.TimesOrder, count: Count = 5
    ) -> models.ScheduledTimes:
        """List the next times that a schedule would have. Stores nothing."""
        self._schedules.snapshot.app(app)
        written = orders.read_times(order)
        record = written_schedule.check(app, "any", written, now=self._now(), token="")
        return presenter.show_times(record, count)

    def pause_schedule(self, app: App, name: Name) -> models.Schedule:
        """Let a schedule make no jobs until it is resumed."""
        return self._show(self._schedules.command(lambda commands: commands.pause(app, name)))

    def resume_schedule(self, app: App, name: Name) -> models.Schedule:
        """Let a paused schedule go on. The times meanwhile are not made up."""
        return self._show(self._schedules.command(lambda commands: commands.resume(app, name)))

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
