"""How other threads read and change the service's apps and previews."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from framework.apps.access_errors import NoSignIn
from framework.errors import InvalidSettings, Problem
from framework.events import call
from framework.ports import Resolved
from framework.preview.history import History
from framework.service.commands import Commands
from framework.service.data.data_commands import DataCommands
from framework.service.service import Service
from framework.service.variables.variable_commands import VariableCommands
from framework.state.snapshot import Snapshot
from prevs.access import Access, AccessRecord
from prevs.records import AppRecord, PreviewRecord
from prevs.units import preview_unit

T = TypeVar("T")


class ServiceClient:
    """The service as other threads see it. Thread safe.

    `snapshot` and `history` are what the service's thread has published; they do not block. Writes
    run on that thread, and block until it has stored the change; after 10 s they raise
    Unavailable. A writer finds its change in the next snapshot.
    """

    def __init__(
        self,
        service: Service,
        find_problem: Callable[[str], str | None] = lambda _: None,
        *,
        confirm: Callable[[AppRecord], object] = lambda _: None,
        access: Access = Access.PUBLIC,
        has_sign_in: bool = False,
    ) -> None:
        """`find_problem` returns why an app may not get a repository; None if it may.

        `confirm` is called before a new commit is started, and may block and raise FrameworkError.
        `access` says who may look at new apps. With `has_sign_in`, people can sign in.
        """
        self._service = service
        self._find_problem = find_problem
        self._confirm = confirm
        self._access = access
        self.has_sign_in = has_sign_in

    @property
    def snapshot(self) -> Snapshot:
        """All apps and previews, as last published."""
        return self._service.snapshot

    @property
    def history(self) -> History:
        """The events since this framework leads."""
        return self._service.history

    def command(self, command: Callable[[Commands], T]) -> T:
        """Run a command on the service's thread; return its result, or raise its error."""
        return call(self._service.inbox.put, lambda: command(self._service.commands))

    def change_data(self, command: Callable[[DataCommands], T]) -> T:
        """Run a command about the data of branches; else as command()."""
        return call(self._service.inbox.put, lambda: command(self._service.data_commands))

    def change_variables(self, command: Callable[[VariableCommands], T]) -> T:
        """Run a command about an app's variables; else as command()."""
        return call(self._service.inbox.put, lambda: command(self._service.variable_commands))

    def add_app(self, app: AppRecord) -> AppRecord:
        """Store a new app, as Commands does. Checks its repository first, which may block.

        Raises InvalidSettings for a repository that no app may get.
        """
        self._check(app.name, app.repository)
        return self.command(lambda commands: commands.add_app(app, self._access))

    def change_app(
        self, name: str, changes: Mapping[str, object], *, only_if: AppRecord | None = None
    ) -> AppRecord:
        """Change settings of an app, as Commands does; else as `add_app`."""
        if isinstance(repository := changes.get("repository"), str):
            self._check(name, repository)
        return self.command(lambda commands: commands.change_app(name, changes, only_if=only_if))

    def start_resolved(self, app: str, label: str, resolved: Resolved) -> PreviewRecord:
        """Start the preview of the commit that a label leads to, as Commands does.

        Before a new commit, the app's forge is asked whose repository that was read from; so it may
        block. Raises as Commands.start.
        """
        if preview_unit(app, resolved.id) not in self.snapshot.previews:
            self._confirm(self.snapshot.app(app))
        return self.command(
            lambda commands: commands.start(
                app,
                resolved.sha,
                label,
                refs=resolved.refs,
                instance=resolved.instance,
                same=resolved.same,
            )
        )

    def limit_to_team(self, app: str, *, preflight: bool | None = None) -> AccessRecord:
        """Let only an app's team look, as Commands does. Raises NoSignIn."""
        if not self.has_sign_in:
            raise NoSignIn(app)
        return self.command(lambda commands: commands.require_team(app, preflight=preflight))

    def _check(self, name: str, repository: str) -> None:
        """Raise InvalidSettings for a repository that the app may not get; it may keep its own."""
        known = self.snapshot.apps.get(name)
        if known is not None and known.repository == repository:
            return
        if problem := self._find_problem(repository):
            raise InvalidSettings([Problem("repository", problem)])
