"""The settings of commits, from a table, for a service that is driven step by step."""

from collections.abc import Collection

from framework import events
from framework.apps import effective_settings
from framework.errors import FrameworkError, UnknownLabel
from framework.jobs.leads import Lead
from prevs.commit_settings import CommitSettings
from prevs.records import AppRecord, Failure


def no_settings(app: AppRecord, sha: str) -> events.SettingsRead:
    """Return that a commit of an app has no file of settings."""
    return events.SettingsRead(
        app.name, sha, effective_settings.settings_key(app), CommitSettings()
    )


def no_lead(app: AppRecord, label: str) -> events.LeadFound:
    """Return that a label of an app leads nowhere."""
    nowhere = UnknownLabel(app.name, label, "there is no branch or tag of that name.")
    key = effective_settings.settings_key(app)
    return events.LeadFound(app.name, label, key, nowhere)


class FakeManifests:
    """Answers with what `contents` has of a commit; other commits have no settings.

    `leads` has where labels lead; others lead nowhere. While `silent`, requests wait.
    """

    def __init__(self) -> None:
        self.contents: dict[str, CommitSettings | Failure] = {}
        self.leads: dict[str, Lead | FrameworkError] = {}
        self.labels: list[str] = []
        self.subjects: dict[str, str] = {}
        self.silent = False
        self.given: Collection[str] | None = None
        self.requested: list[tuple[AppRecord, str]] = []
        self._waiting: list[tuple[AppRecord, str]] = []
        self._waiting_leads: list[tuple[AppRecord, str]] = []

    def request(self, app: AppRecord, sha: str, given: Collection[str] | None) -> None:
        """Have a commit's settings read; `given` are the names of the app's variables."""
        self.given = given
        self.requested.append((app, sha))
        self._waiting.append((app, sha))

    def request_lead(self, app: AppRecord, label: str) -> None:
        """Have it found where a label leads."""
        self.labels.append(label)
        self._waiting_leads.append((app, label))

    def answer(self) -> list[events.Event]:
        """Return what was read since the last call."""
        if self.silent:
            return []
        waiting, self._waiting = self._waiting, []
        leads, self._waiting_leads = self._waiting_leads, []
        found: list[events.Event] = [self._find(app, label) for app, label in leads]
        return found + [
            events.SettingsRead(
                app.name,
                sha,
                effective_settings.settings_key(app),
                self.contents.get(sha, CommitSettings()),
                self.subjects.get(sha, ""),
            )
            for app, sha in waiting
        ]

    def _find(self, app: AppRecord, label: str) -> events.LeadFound:
        outcome = self.leads.get(label)
        if outcome is None:
            return no_lead(app, label)
        key = effective_settings.settings_key(app)
        return events.LeadFound(app.name, label, key, outcome)
