"""Makes the jobs of due times. Owned by the service's thread.

    a time is due        its schedule is decided; if it makes no job, that is written
    it makes a job       its label's commit is asked for, which takes a while
    the answer is there  the schedule is decided again, and written together with the jobs

So nothing is remembered but the record: a leader that dies in between has changed nothing, and the
next one decides the same.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import structlog

from framework.apps import effective_settings
from framework.clock import Clock
from framework.errors import (
    FrameworkError,
    InvalidSettings,
    NoKey,
    RepositoryUnreachable,
    SecretsUnreadable,
    Unavailable,
)
from framework.events import LeadFound
from framework.jobs import schedule_orders
from framework.jobs.errors import TooManyJobs, UnknownJobName
from framework.jobs.leads import Lead
from framework.metrics import ScheduleMetrics
from framework.pulls.errors import NOT_LET_THROUGH
from framework.schedules import fires, times
from framework.schedules.fires import ActiveJob, Decision
from framework.service.jobs.job_commands import JobCommands
from framework.state.jobs import sealed_payloads
from framework.state.jobs.schedule_records import ScheduleKey, key_of
from framework.state.records import Records
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Stopped
from prevs.jobs import ENDED, JobRecord, PayloadRecord
from prevs.records import AppRecord
from prevs.schedules import ScheduleRecord

log = structlog.get_logger(__name__)

AWAY_SECONDS = 30.0
"""How long after it could not be read a repository is asked again."""
_AGAIN = f" It is tried again every {AWAY_SECONDS:g} s."
_AWAY = (RepositoryUnreachable, Unavailable)
_REFUSED = (
    *NOT_LET_THROUGH,
    UnknownJobName,
    InvalidSettings,
    TooManyJobs,
    NoKey,
    SecretsUnreadable,
)
_REPLACED = Reason(
    ReasonKind.STOPPED, "A later time of its schedule takes its place (overlap is replace)."
)

Place = tuple[str, str]
"""A label of an app: (app, label)."""


class ScheduleFires:
    """Decides each schedule whose time has come; of the others it knows the next time alone.

    `find_lead` begins to find where a label leads, and must not block; it always answers with
    events.LeadFound. `hindrances` has why due times wait, and is replaced, never changed.
    """

    def __init__(
        self,
        records: Records,
        job_commands: JobCommands,
        find_lead: Callable[[AppRecord, str], None],
        clock: Clock,
        *,
        metrics: ScheduleMetrics,
    ) -> None:
        self._records = records
        self._jobs = records.jobs
        self._job_commands = job_commands
        self._find_lead = find_lead
        self._clock = clock
        self._metrics = metrics
        self._looked: Mapping[ScheduleKey, ScheduleRecord] = MappingProxyType({})
        self._due: dict[ScheduleKey, float] = {}
        self._requested: set[Place] = set()
        self._found: dict[Place, LeadFound] = {}
        self._again: dict[Place, float] = {}
        self.hindrances: Mapping[ScheduleKey, str] = MappingProxyType({})

    def note(self, event: LeadFound) -> None:
        """Take where a label leads, for the next `reconcile`."""
        place = (event.app, event.label)
        if place in self._requested:
            self._requested.discard(place)
            self._found[place] = event

    def reconcile(self) -> None:
        """Decide the schedules whose time has come. Raises Unavailable."""
        self._look()
        now = self._clock.now()
        try:
            for key in [key for key, due in self._due.items() if due <= now]:
                self._decide(self._looked[key], now)
        finally:
            # What was found leads there now, and perhaps elsewhere when the next time comes.
            self._found.clear()
        self._look()

    def count_late(self) -> int:
        """Return how many schedules have a time that is late, and not decided."""
        before = self._clock.now() - fires.LATE_SECONDS
        late = [app for (app, _), due in self._due.items() if due <= before]
        return sum(self._find_app(app) is not None for app in late)

    def _look(self) -> None:
        """Compute when the next times of changed schedules are due."""
        known = self._jobs.schedules.all
        if known is self._looked:
            return
        for key in self._looked.keys() - known.keys():
            self._due.pop(key, None)
            self._hinder(key, "")
        for key, schedule in known.items():
            if self._looked.get(key) is not schedule:
                self._due.pop(key, None)
                self._note_due(key, schedule)
        self._looked = known

    def _note_due(self, key: ScheduleKey, schedule: ScheduleRecord) -> None:
        try:
            due = times.find_due(schedule)
        except InvalidSettings as error:
            log.warning("a schedule cannot be read", app=key[0], schedule=key[1], why=str(error))
            self._hinder(key, f"Its times cannot be read ({error}). Write it again.")
            return
        self._hinder(key, "")
        if due is not None:
            self._due[key] = due

    def _decide(self, schedule: ScheduleRecord, now: float) -> None:
        app = self._find_app(schedule.app)
        if app is None:
            return
        key, place = key_of(schedule), (schedule.app, schedule.label)
        hindrance = self.hindrances.get(key, "").removesuffix(_AGAIN)
        decision = fires.decide(schedule, now, self._list_active(schedule), hindrance=hindrance)
        if not decision.fires:
            if decision.schedule is not schedule:
                self._write(decision)
            return
        found = self._found.get(place)
        if found is None or found.settings_key != effective_settings.settings_key(app):
            self._request(app, schedule.label)
        elif isinstance(found.outcome, Lead):
            self._fire(app, schedule, decision, found.outcome)
        elif isinstance(found.outcome, _AWAY):
            self._again[place] = self._clock.monotonic() + AWAY_SECONDS
            self._hinder(key, f"{str(found.outcome).rstrip('.')}.{_AGAIN}")
        else:
            self._refuse(schedule, decision, found.outcome)

    def _request(self, app: AppRecord, label: str) -> None:
        place = (app.name, label)
        if place in self._requested or self._clock.monotonic() < self._again.get(place, 0.0):
            return
        self._again.pop(place, None)
        self._requested.add(place)
        self._find_lead(app, label)

    def _fire(
        self, app: AppRecord, schedule: ScheduleRecord, decision: Decision, lead: Lead
    ) -> None:
        try:
            payload = sealed_payloads.open_schedule(self._records.vault, schedule)
            wanted = [
                schedule_orders.order_time(app, schedule, lead, nominal)._replace(payload=payload)
                for nominal in decision.fires
            ]
            made, payloads = self._job_commands.begin(wanted), self._job_commands.seal_all(wanted)
        except _REFUSED as error:
            self._refuse(schedule, decision, error)
        else:
            self._write(decision, made, payloads)

    def _refuse(self, schedule: ScheduleRecord, decision: Decision, error: FrameworkError) -> None:
        self._write(fires.refuse(schedule, decision, str(error)))

    def _write(
        self,
        decision: Decision,
        made: Sequence[JobRecord] = (),
        payloads: Mapping[str, PayloadRecord] = MappingProxyType({}),
    ) -> None:
        schedule = decision.schedule
        cancelled = [
            (job, Stopped(_REPLACED))
            for job in self._jobs.of_schedule(schedule.app, schedule.name)
            if job.id in decision.replaced
        ]
        self._jobs.fire(schedule, made, cancelled, payloads)
        self._metrics.count(decision.outcomes.values())
        for job in made:
            log.info(
                "a schedule has made a job",
                app=job.app,
                schedule=job.schedule,
                job=job.id,
                nominal=job.nominal,
            )
        for time in decision.skipped:
            log.info(
                "a time of a schedule is skipped",
                app=schedule.app,
                schedule=schedule.name,
                nominal=time.nominal,
                why=time.why,
            )

    def _find_app(self, name: str) -> AppRecord | None:
        """Return an app; None if it is being removed."""
        app = self._records.find_app(name)
        return None if app is None or app.removed else app

    def _list_active(self, schedule: ScheduleRecord) -> list[ActiveJob]:
        of_schedule = self._jobs.of_schedule(schedule.app, schedule.name)
        active = [job for job in of_schedule if job.state not in ENDED]
        active.sort(key=lambda job: (job.created, job.id))
        return [ActiveJob(job.id, job.nominal) for job in active]

    def _hinder(self, key: ScheduleKey, why: str) -> None:
        if self.hindrances.get(key, "") == why:
            return
        left = {other: one for other, one in self.hindrances.items() if other != key}
        self.hindrances = {**left, key: why} if why else left
