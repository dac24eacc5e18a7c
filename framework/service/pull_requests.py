"""Follows the pull requests of apps, as looks at their forges find them. Service thread only."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

import structlog

from framework.clock import Clock
from framework.errors import FrameworkError, Unavailable
from framework.events import (
    Approval,
    LookFailed,
    PullDelivery,
    PullEvent,
    PullsSeen,
    RepositorySeen,
    TellingFailed,
)
from framework.pulls import looks, repository_ids
from framework.service.commands import Commands
from framework.state.records import Records
from framework.state.snapshot import Look

log = structlog.get_logger(__name__)


class PullRequests:
    """Writes what was seen. Branches stops the previews of those that are closed.

    `looks` has the last look at each app's forge; it is replaced, never changed.
    """

    def __init__(self, records: Records, commands: Commands, clock: Clock) -> None:
        self._records = records
        self._commands = commands
        self._clock = clock
        self.looks: Mapping[str, Look] = MappingProxyType({})

    def take(self, event: PullEvent) -> None:
        """Take what the edges to forges have found or done. Raises Unavailable."""
        match event:
            case RepositorySeen():
                self._repository_seen(event)
            case PullsSeen():
                self._seen(event)
            case LookFailed():
                self._failed(event)
            case PullDelivery():
                self._note_delivered(event)
            case TellingFailed():
                self._telling_failed(event)

    def _repository_seen(self, event: RepositorySeen) -> None:
        """Note which repository an app's forge has, if that is about its address of now."""
        app, known = self._records.find_app(event.app), self._records.repositories.all
        if app is None or app.removed or app.repository != event.repository:
            return
        before = self._records.find_other_repository(event.app)
        if record := repository_ids.follow(known.get(event.app), event):
            self._records.repositories.save(record)
        if (why := self._records.find_other_repository(event.app)) and not before:
            log.warning("another repository has the address", app=event.app, why=why)

    def _seen(self, event: PullsSeen) -> None:
        """Take the outcome of a look at an app's forge, unless it was at another repository."""
        app = self._records.find_app(event.app)
        if app is None or app.removed or self._records.find_other_repository(event.app):
            return
        now = self._clock.now()
        known = self._records.pulls.of(event.app)
        self._records.pulls.save_all(looks.follow(known, event, now))
        for expired in looks.list_expired(self._records.pulls.of(event.app), now):
            self._records.pulls.remove(expired)
        for approval in event.approvals:
            self._approve(event.app, approval)
        before = self.looks.get(event.app, Look())
        self.looks = {**self.looks, event.app: before._replace(at=now, problem="")}

    def _failed(self, event: LookFailed) -> None:
        """Note that an app's forge could not be read."""
        before = self.looks.get(event.app, Look())
        self.looks = {**self.looks, event.app: before._replace(problem=event.why)}

    def _note_delivered(self, event: PullDelivery) -> None:
        """Store what was said of a pull request, unless that is gone."""
        pull = self._records.pulls.of(event.app).get(event.number)
        if pull is not None:
            self._records.pulls.save_all([dataclasses.replace(pull, delivered=event.delivered)])

    def _telling_failed(self, event: TellingFailed) -> None:
        """Note that something cannot be said at an app's forge, or that it can again."""
        if self._records.find_app(event.app) is None:
            return
        before = self.looks.get(event.app, Look())
        others = {part: why for part, why in before.delivery_problems.items() if part != event.part}
        delivery_problems = {**others, event.part: event.why} if event.why else others
        self.looks = {**self.looks, event.app: before._replace(delivery_problems=delivery_problems)}

    def forget(self, app: str) -> None:
        """Forget an app that is gone."""
        self.looks = {name: look for name, look in self.looks.items() if name != app}

    def _approve(self, app: str, approval: Approval) -> None:
        try:
            self._commands.approve(app, approval.number, approval.commit, by=approval.by)
        except Unavailable:
            raise
        except FrameworkError as error:
            log.info("a comment approves nothing", app=app, pull=approval.number, why=str(error))
