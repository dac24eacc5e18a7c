"""/2/projects/{app}/schedules: jobs of the main branch at times."""

from collections.abc import Callable
from typing import Annotated

import anyio.to_thread
from fastapi import Path, Request

from framework.access import Scope
from framework.http_api.admission.audit_middleware import note_target
from framework.http_api.admission.operations import Reach, Routes, operation
from framework.http_api.http.parameters import App, Caller
from framework.http_api.ironworker import models, schedule_presenter
from framework.http_api.ironworker.code_packages import CodePackages
from framework.http_api.ironworker.schedule_orders import ScheduleOrders
from framework.http_api.ironworker.task_filter import Listed
from framework.http_api.schedules.schedule_writing import check_caller
from framework.jobs.errors import UnknownJobName
from framework.service.jobs.schedule_service import Schedules

ScheduleId = Annotated[str, Path(alias="id")]


class ScheduleRoutes(Routes):
    """The calls about schedules. Those that are no coroutines run in a thread, and may block.

    `new_key` returns a text that was never used, `now` the seconds since the epoch.
    """

    tag = "ironworker"
    is_described = False

    def __init__(
        self,
        schedules: Schedules,
        packages: CodePackages,
        new_key: Callable[[], str],
        now: Callable[[], float],
    ) -> None:
        self._schedules = schedules
        self._packages = packages
        self._new_key = new_key
        self._now = now

    @operation("GET", "/2/projects/{app}/schedules", Scope.READ, Reach.ITS_PATH)
    def list_schedules(self, app: App, listed: Listed) -> models.Schedules:
        """List the schedules of an app by name."""
        found = listed.cut(self._schedules.snapshot.list_schedules(app))
        return models.Schedules(schedules=list(map(schedule_presenter.show, found)))

    @operation(
        "POST", "/2/projects/{app}/schedules", Scope.USE, Reach.ITS_PATH, action="write schedule"
    )
    async def make_schedule(
        self, app: App, order: ScheduleOrders, caller: Caller, request: Request
    ) -> models.Scheduled:
        """Make a schedule of a job that the main branch's commit names."""
        (wanted,) = order.schedules
        found, label = await self._packages.find(app), await self._packages.find_label(app)
        job = found.jobs.get(wanted.code_name)
        if job is None:
            raise UnknownJobName(app, label, wanted.code_name, sorted(found.jobs))
        wanted.check(job)
        name = f"{wanted.code_name}-{self._new_key()[:8]}"
        written = wanted.write(app, name, label, by=caller.name, now=self._now())
        await anyio.to_thread.run_sync(
            self._schedules.command, lambda commands: commands.put(written, wanted.given)
        )
        note_target(request, f"{app}/schedules/{name}")
        return models.Scheduled(schedules=[models.TaskId(id=name)])

    @operation("GET", "/2/projects/{app}/schedules/{id}", Scope.READ, Reach.ITS_PATH)
    def show_schedule(self, app: App, schedule_id: ScheduleId) -> models.Schedule:
        """Show a schedule with its next time."""
        return schedule_presenter.show(self._schedules.snapshot.schedule(app, schedule_id))

    @operation(
        "POST",
        "/2/projects/{app}/schedules/{id}/cancel",
        Scope.USE,
        Reach.ITS_PATH,
        action="remove schedule",
    )
    def cancel_schedule(self, app: App, schedule_id: ScheduleId, caller: Caller) -> models.Done:
        """Remove a schedule; its jobs go on. One with a command is removed by admins alone."""
        schedule = self._schedules.snapshot.schedule(app, schedule_id)
        check_caller(caller, schedule)
        self._schedules.command(lambda commands: commands.remove(app, schedule_id))
        return models.Done(msg="Cancelled")
