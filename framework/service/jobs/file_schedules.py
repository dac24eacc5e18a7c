"""Has the schedules in the .prevs.toml of each app's default branch hold. Service thread only."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import structlog

from framework.apps import effective_settings
from framework.clock import Clock
from framework.errors import FrameworkError
from framework.events import HeadsFetched, LeadFound
from framework.jobs.errors import CommitSettingsInvalid
from framework.jobs.leads import Lead
from framework.schedules import file_schedules
from framework.schedules.file_schedules import FileTrouble
from framework.state.records import Records
from prevs.records import AppRecord

log = structlog.get_logger(__name__)


class _Head(NamedTuple):
    """The head of a default branch, and for which settings of its app it is read."""

    label: str
    sha: str
    settings_key: str


class FileSchedules:
    """Reads each new head of a default branch, and writes what its schedules change.

    `find_lead` begins to read a commit, and must not block; it always answers with
    events.LeadFound. `troubles` is replaced, never changed.
    """

    def __init__(
        self, records: Records, find_lead: Callable[[AppRecord, str], None], clock: Clock
    ) -> None:
        self._records = records
        self._find_lead = find_lead
        self._clock = clock
        self._requested: dict[str, _Head] = {}
        self._followed: dict[str, _Head] = {}
        self.troubles: Mapping[str, FileTrouble] = MappingProxyType({})

    def fetched(self, event: HeadsFetched) -> None:
        """Have the head of an app's default branch read, if it has moved."""
        app, label = self._find_app(event.app), event.heads.default
        sha = event.heads.commits.get(label)
        if app is None or sha is None:
            return
        head = _Head(label, sha, effective_settings.settings_key(app))
        if head not in (self._followed.get(app.name), self._requested.get(app.name)):
            self._requested[app.name] = head
            self._find_lead(app, sha)

    def note(self, event: LeadFound) -> None:
        """Follow what a head says. Raises Unavailable: the next fetch has it read again."""
        head, app = self._requested.get(event.app), self._find_app(event.app)
        if head is None or (event.label, event.settings_key) != (head.sha, head.settings_key):
            return
        del self._requested[event.app]
        if app is None:
            return
        if isinstance(event.outcome, Lead):
            self._follow(app, head, event.outcome)
        else:
            self._refuse(app, head, event.outcome)

    def forget(self, app: str) -> None:
        """Have the head of an app's default branch read again at the next fetch."""
        self._requested.pop(app, None)
        self._followed.pop(app, None)
        self._show(app, None)

    def _follow(self, app: AppRecord, head: _Head, lead: Lead) -> None:
        jobs = lead.manifest.jobs.items()
        wanted = {name: job.schedule for name, job in jobs if job.schedule is not None}
        schedules = self._records.jobs.schedules
        change = file_schedules.follow(
            app.name, head.label, wanted, schedules.of_app(app.name), now=self._clock.now()
        )
        schedules.change_all(change.saved, change.removed)
        self._followed[app.name] = head
        trouble = FileTrouble(head.label, head.sha, change.why) if change.why else None
        self._show(app.name, trouble)

    def _refuse(self, app: AppRecord, head: _Head, error: FrameworkError) -> None:
        if not isinstance(error, CommitSettingsInvalid):
            log.warning("a default branch was not read", app=app.name, why=str(error))
            return
        self._followed[app.name] = head
        why = f"{error} Until then the schedules of an earlier commit hold."
        self._show(app.name, FileTrouble(head.label, head.sha, why, error.mistakes))

    def _show(self, app: str, trouble: FileTrouble | None) -> None:
        if self.troubles.get(app) == trouble:
            return
        left = {name: one for name, one in self.troubles.items() if name != app}
        self.troubles = {**left, app: trouble} if trouble else left
        if trouble:
            log.warning("schedules of a file do not hold", app=app, why=trouble.why)

    def _find_app(self, name: str) -> AppRecord | None:
        """Return an app whose repository is its own; None if it is being removed."""
        app = self._records.find_app(name)
        if app is None or app.removed or self._records.find_other_repository(name):
            return None
        return app
