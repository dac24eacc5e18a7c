"""Asks forges whether apps still have their repositories, before what git has read is built."""

from collections.abc import Callable

import structlog

from framework import events
from framework.errors import FrameworkError
from framework.events import RepositorySeen
from framework.ports.forges import Forge
from framework.pulls import repository_ids
from framework.pulls.errors import OtherRepository
from framework.state.snapshot import Snapshot
from prevs.records import AppRecord

log = structlog.get_logger(__name__)


class RepositoryCheck:
    """One call of an app's forge, after git has read something new. Thread safe.

    The looks for pull requests find another repository too, but up to a minute later: by then, its
    code would have run. An app whose forge has never been looked at has no id to compare with.
    `find_forge` returns an app's forge; it may raise FrameworkError.
    """

    def __init__(
        self,
        find_forge: Callable[[AppRecord], Forge | None],
        submit: Callable[[events.Event], None],
        snapshot: Callable[[], Snapshot],
    ) -> None:
        self._find_forge = find_forge
        self._submit = submit
        self._snapshot = snapshot

    def confirm(self, app: AppRecord) -> None:
        """Raise OtherRepository if another repository has an app's address. Blocks on the forge.

        While the forge does not answer, what git reads counts, as for an app without a forge. A
        look that has failed is no reason not to ask: a stranger could switch off pull requests.
        """
        snapshot = self._snapshot()
        known = snapshot.repositories.get(app.name)
        if known is None or known.repository != app.repository:
            return
        if why := repository_ids.find_problem(app, known):
            raise OtherRepository(app.name, why)
        try:
            forge = self._find_forge(app)
            ids = [forge.find_repository()] if forge else []
        except FrameworkError as error:
            log.warning("whose repository it is cannot be asked now", app=app.name, why=str(error))
            return
        seen = RepositorySeen(app.name, app.repository, ids)
        if why := repository_ids.find_problem(app, repository_ids.follow(known, seen)):
            self._submit(seen)
            raise OtherRepository(app.name, why)
