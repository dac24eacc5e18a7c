"""What the parts of the proxy ask of each other, as small protocols.

Everything here is called on the event loop's thread.
"""

from collections.abc import AsyncGenerator, Mapping
from typing import Protocol

from proxy.preview import Commit, LogEvent, Preview
from proxy.routes import Changes, Node, Routes


class Placements(Protocol):
    """The placements in ZooKeeper, read only, and this proxy's own record there."""

    async def read(self, *, anew: bool = False) -> Mapping[str, Node] | None:
        """Return the placements node of every app, or None if nothing is kept there at all.

        Reads only what has changed since, unless `anew`. Raises PlacementsAway.
        """
        ...

    async def report(self, applied: Mapping[str, int]) -> None:
        """Tell which version of each app's placements is applied. Raises PlacementsAway."""
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


class Framework(Protocol):
    """The framework's HTTP API. Every call raises ApiAway and ApiRefused."""

    async def resolve(self, app: str, label: str) -> Commit:
        """Return what a label leads to. Starts nothing."""
        ...

    async def find(self, app: str, sha: str) -> Preview | None:
        """Return a preview, with the log's last lines if it failed; None if it was never asked."""
        ...

    async def start(self, app: str, label: str) -> Preview:
        """Ask for the preview that a label leads to."""
        ...

    async def retry(self, app: str, sha: str) -> Preview:
        """Queue a failed preview again."""
        ...

    def follow(self, app: str, sha: str, after: str | None) -> AsyncGenerator[LogEvent, None]:
        """Return the log's events as they come, `after` the id of one, until the stream ends."""
        ...
