"""The commands of people about schedules, as changes of the records.

Owned by the service's thread.
"""

import dataclasses

import structlog

from framework.clock import Clock
from framework.jobs import schedule_orders
from framework.jobs.leads import Lead
from framework.schedules import fires, written_schedule
from framework.schedules.errors import ScheduleOfFile, TooManySchedules
from framework.service.jobs.file_schedules import FileSchedules
from framework.service.jobs.job_commands import JobCommands
from framework.state.jobs import sealed_payloads
from framework.state.records import Records
from prevs.jobs import JobRecord
from prevs.schedules import ScheduleRecord

log = structlog.get_logger(__name__)

MOST = 100
"""How many schedules an app may have that were made by hand."""


class ScheduleCommands:
    """Each method raises what its docstring names, and Unavailable if nothing was stored."""

    def __init__(
        self,
        records: Records,
        job_commands: JobCommands,
        file_schedules: FileSchedules,
        clock: Clock,
    ) -> None:
        self._records = records
        self._schedules = records.jobs.schedules
        self._job_commands = job_commands
        self._file_schedules = file_schedules
        self._clock = clock

    def put(self, written: ScheduleRecord, payload: bytes | None = None) -> ScheduleRecord:
        """Make a schedule, or change the one of that name: it makes up no time before now.

        `payload` is what each of its jobs is given.

        Raises UnknownApp, ScheduleOfFile, TooManySchedules, NoKey for a payload, and
        InvalidSettings with all problems.
        """
        app, name = written.app, written.name
        self._records.app(app)
        before = self._schedules.find(app, name)
        if before is not None:
            self._refuse_of_file(before)
        elif sum(not one.from_file for one in self._schedules.of_app(app)) >= MOST:
            raise TooManySchedules(app, MOST)
        now = self._clock.now()
        schedule = written_schedule.check(written, now=now, before=before)
        if payload is not None:
            sealed = sealed_payloads.seal_payload(self._records.vault, payload)
            schedule = dataclasses.replace(schedule, sealed=sealed)
        self._schedules.change_all([schedule])
        log.info("a schedule is written", app=app, schedule=name, by=written.token)
        return schedule

    def remove(self, app: str, name: str) -> None:
        """Remove a schedule; its jobs go on. Raises UnknownApp, UnknownSchedule, ScheduleOfFile."""
        schedule = self._find(app, name)
        self._refuse_of_file(schedule)
        self._schedules.change_all([], [schedule])
        self._file_schedules.forget(app)
        log.info("a schedule is removed", app=app, schedule=name)

    def pause(self, app: str, name: str) -> ScheduleRecord:
        """Have a schedule make no jobs until it is resumed. Raises UnknownApp, UnknownSchedule."""
        paused = fires.pause(self._find(app, name))
        self._schedules.change_all([paused])
        return paused

    def resume(self, app: str, name: str) -> ScheduleRecord:
        """Have a paused schedule go on; the times of its pause are skipped.

        Raises UnknownApp, UnknownSchedule, and InvalidSettings as times.iterate.
        """
        resumed = fires.resume(self._find(app, name), self._clock.now())
        self._schedules.change_all([resumed])
        return resumed

    def run(self, seen: ScheduleRecord, lead: Lead, *, by: str, id: str) -> JobRecord:
        """Run a schedule once, now, outside its times.
        It does what the caller has `seen`, if the schedule is still there; `lead` is where its
        label leads. With overlap queue or replace the job waits until those before it have ended.
        An `id` that is known already returns that job. Raises UnknownApp, UnknownSchedule,
        UnknownJobName, SecretsUnreadable, and as JobCommands.request.
        """
        self._find(seen.app, seen.name)
        app = self._records.app(seen.app)
        payload = sealed_payloads.open_schedule(self._records.vault, seen)
        order = schedule_orders.order_run(app, seen, lead, id=id, by=by)._replace(payload=payload)
        return self._job_commands.request([order])[0]

    def _find(self, app: str, name: str) -> ScheduleRecord:
        self._records.app(app)
        return self._schedules.schedule(app, name)

    def _refuse_of_file(self, schedule: ScheduleRecord) -> None:
        if schedule.from_file:
            raise ScheduleOfFile(schedule.app, schedule.name, schedule.label)
