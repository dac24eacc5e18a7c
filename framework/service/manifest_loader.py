"""Gets the settings of commits read before their previews are placed. Service thread only."""

from collections.abc import Callable, Collection

import structlog

from framework.apps import effective_settings
from framework.attempts import retry
from framework.clock import Clock
from framework.errors import SecretsUnreadable
from framework.events import SettingsRead
from framework.metrics import Metrics
from framework.preview import transitions
from framework.pulls.skip import is_skipped
from framework.state.records import Records
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Stopped
from prevs.commit_settings import CommitSettings
from prevs.records import AppRecord, Failure, PreviewRecord
from prevs.states import State

log = structlog.get_logger(__name__)

SKIPPED = Reason(
    ReasonKind.SKIPPED,
    "Its commit asks not to be built ahead ([skip preview]); its address starts it.",
)


class ManifestLoader:
    """Requests the unknown settings of waiting commits.

    `read` begins to read the settings of a commit, and must not block; it is told the names of the
    app's variables, None if they are not known. It always answers with events.SettingsRead.
    """

    def __init__(
        self,
        records: Records,
        read: Callable[[AppRecord, str, Collection[str] | None], None],
        *,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._records = records
        self._read = read
        self._clock = clock
        self._metrics = metrics
        self._requested: dict[tuple[str, str], str] = {}

    def reconcile(self) -> None:
        """Request the settings of every queued preview whose settings are not current."""
        now = self._clock.now()
        for preview in self._records.in_state(State.QUEUED):
            app = self._records.find_app(preview.app)
            if app is None or app.removed or preview.retry_at > now:
                continue
            if effective_settings.is_current(app, preview):
                continue
            settings_key = effective_settings.settings_key(app)
            if self._requested.get((app.name, preview.commit)) != settings_key:
                self._requested[app.name, preview.commit] = settings_key
                self._read(app, preview.commit, self._find_names(app))

    def _find_names(self, app: AppRecord) -> Collection[str] | None:
        try:
            return frozenset(self._records.secrets.of(app.name).variables)
        except SecretsUnreadable:
            return None

    def note(self, event: SettingsRead) -> None:
        """Take the settings, unless the app has changed since the request. Raises Unavailable."""
        key = (event.app, event.sha)
        if self._requested.get(key) == event.settings_key:
            del self._requested[key]
        app = self._records.find_app(event.app)
        if app is None or effective_settings.settings_key(app) != event.settings_key:
            return  # the next `reconcile` requests them again
        for preview in self._records.of_commit(*key):
            if preview.state is State.QUEUED:
                self._take(preview, event)

    def _take(self, preview: PreviewRecord, event: SettingsRead) -> None:
        if preview.ahead and is_skipped(event.subject):
            self._records.change(preview, Stopped(SKIPPED))
            return
        if isinstance(event.outcome, CommitSettings):
            read = transitions.SettingsRead(event.outcome, event.settings_key)
            self._records.change(preview, read)
        else:
            self._fail(preview, event.outcome)

    def _fail(self, preview: PreviewRecord, failure: Failure) -> None:
        """Fail a preview, or try it again if it is not the commit's fault."""
        log.warning(
            "the settings of a commit cannot be used",
            app=preview.app,
            commit=preview.commit[:12],
            why=failure.message,
        )
        self._metrics.attempts.failures.labels(failure.cause.value).inc()
        outcome = retry.decide(preview, failure, self._clock.now())
        self._records.change(preview, transitions.SettingsNotRead(outcome))
