"""What the parts of the proxy ask of each other, as small protocols.

Everything here is called on the event loop's thread.
"""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from typing import Protocol

from program.server_events import ServerEvent
from proxy.model.preview import Commit, Preview
from proxy.model.routes import Changes, Routes
from proxy.model.trust import Nodes
from proxy.model.use import Reading, Use


class Placements(Protocol):
    """The placements in ZooKeeper, read only, and this proxy's own record there."""

    async def read(self, *, anew: bool = False) -> Nodes | None:
        """Return the placements node of every app, or None if nothing is kept there at all.

        Where agents have ports is never older than a placement that leads there.

        Reads only what has changed since; but `anew` has everything read once more, a share with
        each call from this one on. Raises PlacementsAway.
        """
        ...

    async def report(self, applied: Mapping[str, int], holding: Collection[str]) -> None:
        """Tell which version of each app's placements is applied, and which tasks are still held.

        Both in one write. Raises PlacementsAway.
        """
        ...


class Router(Protocol):
    """What sends visitors to containers by host name."""

    async def apply(self, wanted: Routes) -> Changes:
        """Route exactly `wanted`; return what that changed.

        When it returns, the next request goes there. Nothing to change costs one question, which
        finds out whether the router still has what it was given, and gives it all anew if not.
        Raises RouterAway: some of it may be done, and the same call again is right.
        """
        ...

    async def counts(self, *, only_open: bool = False) -> Reading:
        """Return what is counted by task now, or only the tasks that have open requests.

        A request is open from before it is sent to its task until its answer has ended, or the
        connection that it became. One that an earlier `apply` has let through is among them.
        Raises RouterAway.
        """
        ...


class Framework(Protocol):
    """The framework's HTTP API. Every call raises ApiAway and ApiRefused.

    Any of them may be made again when it is not known whether it arrived.
    """

    async def resolve(self, app: str, label: str) -> Commit:
        """Return what a label leads to. Starts nothing."""
        ...

    async def shows_all(self, app: str) -> bool:
        """Tell whether an app's waiting room shows everything, and not its status alone."""
        ...

    async def find(self, app: str, sha: str) -> Preview | None:
        """Return a preview; None if it was never asked for."""
        ...

    async def start(self, app: str, label: str) -> Preview:
        """Ask for the preview that a label leads to."""
        ...

    async def retry(self, app: str, sha: str) -> Preview:
        """Queue a failed preview again; one that has not failed (any more) stays as it is."""
        ...

    def follow(self, app: str, sha: str, after: str | None) -> AsyncGenerator[ServerEvent, None]:
        """Return the log's events as they come, `after` the id of one, until the stream ends.

        This log, as that of the calls below, ends where the application's own output begins.
        """
        ...

    async def read_log(self, app: str, sha: str, offset: int) -> tuple[str, int]:
        """Return what follows `offset` (in bytes) of a log, a megabyte at most, and where it ends.

        Nothing where the log ends for now.
        """
        ...

    async def read_log_end(self, app: str, sha: str) -> str:
        """Return the last lines of a log, a few KB."""
        ...

    async def report_uses(self, proxy: str, uses: Sequence[Use]) -> None:
        """Tell what this proxy has seen of the use of tasks, at most 2000 at once."""
        ...

    async def report_refusals(self, proxy: str, tasks: Sequence[str]) -> None:
        """Tell which tasks refuse this proxy's connections now, at most 300 at once."""
        ...
