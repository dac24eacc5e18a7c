"""The protocols between the parts of the proxy.

All calls are made on the event loop's thread.
"""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from typing import Protocol

from program.http.server_events import ServerEvent
from proxy.model.access import Accesses
from proxy.model.gates import Gates
from proxy.model.landing import Landing, LandingQuery
from proxy.model.preview import Commit, Preview
from proxy.model.routes import Changes, Routes
from proxy.model.sign_in import Begun, Claim
from proxy.model.trust import Nodes
from proxy.model.usage import Count, Reading, Source, TaskUsage


class Placements(Protocol):
    """The placements in ZooKeeper, which the proxy only reads, and the proxy's own record."""

    async def read(self, *, full: bool = False) -> Nodes:
        """Return the nodes of every app and gate, and that of the agents' ports.

        Neither that one nor who may look at an app is older than the app's placements.

        Reads only what has changed since the last call. After a call with `full`, this and the next
        calls also read all other nodes again, a share of them each. Raises PlacementsAway.
        """
        ...

    async def report(
        self, applied: Mapping[str, int], holding: Collection[str], gates: Mapping[str, int]
    ) -> None:
        """Report the applied version of each app's placements, and tasks with open requests.

        `holding` are the tasks that have open requests though no placement leads to them. `gates`
        are the revisions in force. All are one write. Raises PlacementsAway.
        """
        ...


class Router(Protocol):
    """Forwards requests to containers by host name."""

    async def apply(
        self, wanted: Routes, accesses: Accesses | None, gates: Gates | None
    ) -> Changes:
        """Route exactly `wanted`, for those whom `accesses` lets in; return the changed routes.

        A host in `gates` leads to what its rules choose; without `gates`, they stay as they are.

        When it returns, the next request follows the new rules. If nothing has changed, one query
        checks that the router still has its routes; if it lost them, all are sent again. Raises
        RouterAway: then some changes may be made, and the caller may repeat the call.
        """
        ...

    async def counts(self, *, only_open: bool = False) -> Reading:
        """Return the counters by task, or only those of tasks that have open requests.

        A request is open from before it is sent to its task until its response has ended, or the
        connection that it was upgraded to. Requests that an earlier `apply` let through are
        included. Raises RouterAway.
        """
        ...

    async def count(self, task_id: str) -> Count:
        """Return the counters of one task, as `counts` has them. Raises RouterAway."""
        ...


class Framework(Protocol):
    """The framework's HTTP API. Every call raises ApiAway and ApiRefused.

    A caller that does not know whether a call arrived may repeat it.
    """

    async def resolve(self, app: str, label: str) -> Commit:
        """Return the commit that a label leads to. Starts nothing."""
        ...

    async def shows_all(self, app: str) -> bool:
        """Return whether an app's waiting room shows everything, or the status alone."""
        ...

    async def find(self, app: str, sha: str) -> Preview | None:
        """Return a preview; None if nobody requested it yet."""
        ...

    async def read_landing(self, app: str, query: LandingQuery) -> Landing:
        """Return what an app's landing page shows."""
        ...

    async def start(self, app: str, label: str) -> Preview:
        """Request the preview that a label leads to."""
        ...

    async def retry(self, app: str, sha: str) -> Preview:
        """Queue a failed preview again; leave any other preview as it is."""
        ...

    def follow(self, app: str, sha: str, after: str | None) -> AsyncGenerator[ServerEvent, None]:
        """Yield the log's events as they come, from the event id `after` on, until the stream ends.

        This log, like that of the calls below, ends where the application's own output begins.
        """
        ...

    async def read_log(self, app: str, sha: str, offset: int) -> tuple[str, int]:
        """Return at most a megabyte of a log from `offset` (in bytes) on, and the offset behind it.

        The text is empty at the end of the log.
        """
        ...

    async def read_log_end(self, app: str, sha: str) -> str:
        """Return the last lines of a log: a few KB."""
        ...

    async def enter(self, app: str, password: str, client: str) -> None:
        """Return if a password opens an app; `client` is the visitor's address.

        ApiRefused has status 403 for a wrong password, and 429 after too many tries.
        """
        ...

    async def enter_as(self, app: str, claim: Claim, client: str) -> None:
        """Return if somebody is in an app's team; `client` is the visitor's address.

        ApiRefused has the slug sign-in-needed if nobody knows who it is.
        """
        ...

    async def begin_sign_in(self, client: str) -> Begun:
        """Return where a visitor signs in."""
        ...

    async def finish_sign_in(self, attempt: str, state: str, code: str, client: str) -> str:
        """Return the session of who has signed in; `state` and `code` came from the provider."""
        ...

    async def report_usage(self, proxy: str, uses: Sequence[TaskUsage], source: Source) -> None:
        """Report the usage of at most 2000 tasks at this proxy, and from where it connects."""
        ...

    async def report_refused_tasks(self, proxy: str, tasks: Sequence[str]) -> None:
        """Report which tasks refuse this proxy's connections now, at most 300 of them."""
        ...

    async def pass_on_hook(self, app: str, headers: Mapping[str, str], body: bytes) -> None:
        """Pass on a webhook of an app's forge: its raw body, and what proves it."""
        ...
