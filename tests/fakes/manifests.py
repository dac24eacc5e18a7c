"""The settings of commits, from a table, for a service that is driven step by step."""

from framework import events
from framework.apps import effective_settings
from prevs.commit_settings import CommitSettings
from prevs.records import AppRecord, Failure


def no_settings(app: AppRecord, sha: str) -> events.SettingsRead:
    """Return that a commit of an app has no file of settings."""
    return events.SettingsRead(
        app.name, sha, effective_settings.settings_key(app), CommitSettings()
    )


class FakeManifests:
    """Answers with what `contents` has of a commit; other commits have no settings.

    While `silent`, requests wait.
    """

    def __init__(self) -> None:
        self.contents: dict[str, CommitSettings | Failure] = {}
        self.subjects: dict[str, str] = {}
        self.silent = False
        self.requested: list[tuple[AppRecord, str]] = []
        self._waiting: list[tuple[AppRecord, str]] = []

    def request(self, app: AppRecord, sha: str) -> None:
        """Have a commit's settings read."""
        self.requested.append((app, sha))
        self._waiting.append((app, sha))

    def answer(self) -> list[events.Event]:
        """Return what was read since the last call."""
        if self.silent:
            return []
        waiting, self._waiting = self._waiting, []
        return [
            events.SettingsRead(
                app.name,
                sha,
                effective_settings.settings_key(app),
                self.contents.get(sha, CommitSettings()),
                self.subjects.get(sha, ""),
            )
            for app, sha in waiting
        ]
