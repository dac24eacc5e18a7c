"""The framework's HTTP API, one method a call.

Every call blocks, up to two minutes if the framework may have to fetch a repository. Every call
raises ApiUnreachable, ApiConfused or ApiRefused.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, cast
from urllib.parse import quote

from cli.client.app_secrets import AppSecrets
from cli.client.connection import FILE_PIECE, Connection, Hold
from cli.client.credentials import Credentials
from cli.client.forges import AppHooks, Forges, Pulls
from cli.client.gates.gate_calls import Gates, Signatures
from cli.client.generated.records import (
    App,
    Attempt,
    AuditEntry,
    Commit,
    Event,
    Lead,
    MesosAgent,
    NewToken,
    Preview,
    Queued,
    Ref,
    StartedPreview,
    Token,
)
from cli.client.jobs import Calls, Download, Jobs
from cli.client.notifications import Notifications
from cli.client.paging import Listed, gather
from cli.client.roles import Roles
from cli.client.schedules import Schedules
from cli.client.stacks.stack_calls import Stacks
from cli.client.visitor_access import VisitorAccess
from cli.errors import ApiConfused
from program.http.server_events import Parser, ServerEvent


class Timeouts(NamedTuple):
    """Seconds that a call waits: for a connection, an answer, or an answer that needs git."""

    connect: float = 5.0
    answer: float = 30.0  # a stream has a comment line every 10 s; others answer within 10 s
    fetch: float = 120.0


class Api:
    """The API at its known addresses. Not thread safe.

    If the API limits the rate of calls, `hold` waits; without it, such a call raises ApiRefused.
    """

    def __init__(
        self,
        credentials: Credentials,
        timeout: Timeouts = Timeouts(),  # noqa: B008 # a value
        hold: Hold | None = None,
    ) -> None:
        self._connection = Connection(credentials, timeout.connect, hold)
        self._timeouts = timeout
        self.secrets = AppSecrets(self._json, self._call)
        self.hooks = AppHooks(self._json, self._call)
        self.access = VisitorAccess(self._json, self._call)
        self.forges = Forges(self._json, self._call, patience=timeout.fetch)
        self.notifications = Notifications(self._json, self._call)
        self.pulls = Pulls(self._json, self._list)
        self.roles = Roles(self._json, self._call, self._list)
        calls = Calls(self._json, self._call, self._list, self._stream, self._download)
        self.jobs = Jobs(calls, patience=timeout.fetch)
        self.schedules = Schedules(calls, patience=timeout.fetch)
        self.gates = Gates(calls, patience=timeout.fetch)
        self.stacks = Stacks(calls, patience=timeout.fetch)
        self.signatures = Signatures(calls)

    @property
    def address(self) -> str:
        """The address of the last call."""
        return self._connection.address

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def apps(self) -> list[App]:
        """Return every app."""
        return self._list("/v1/apps", "apps").found

    def app(self, name: str) -> App:
        """Return an app."""
        return cast(App, self._json("GET", _path("apps", name)))

    def add_app(self, settings: Mapping[str, object]) -> App:
        """Register an app; the same settings again change nothing."""
        return cast(App, self._json("POST", "/v1/apps", json=settings))

    def change_app(self, name: str, changes: Mapping[str, object]) -> App:
        """Change settings of an app, and return it."""
        return cast(App, self._json("PATCH", _path("apps", name), json=changes))

    def seen_app(self, name: str) -> tuple[App, str | None]:
        """Return an app, and the ETag of its current settings."""
        answer = self._call("GET", _path("apps", name))
        return cast(App, self._read(answer)), answer.headers.get("ETag")

    def remove_app(self, name: str, tag: str | None = None) -> None:
        """Stop an app's previews and remove it; with a `tag`, only if it has not changed since."""
        headers = {} if tag is None else {"If-Match": tag}
        self._call("DELETE", _path("apps", name), headers=headers).close()

    def belongings(self, name: str) -> Mapping[str, Any]:
        """Return what goes with an app: a `sentence`, and the `stacks` that keep it."""
        found: Mapping[str, Any] = self._json("GET", _path("apps", name, "belongings"))
        return found

    def resolve(self, app: str, label: str) -> Lead:
        """Return what a label leads to."""
        path = _path("apps", app, "labels", label)
        return cast(Lead, self._json("GET", path, timeout=self._timeouts.fetch))

    def repository(self, app: str) -> Mapping[str, Any]:
        """Return the app's first ref, and whether its repository could be read."""
        found: Mapping[str, Any] = self._json(
            "GET", _path("apps", app, "refs"), params={"limit": "1"}, timeout=self._timeouts.fetch
        )
        return found

    def refs(self, app: str, *, kind: str | None = None, search: str | None = None) -> Listed[Ref]:
        """Return an app's branches and tags: all, those of a kind, or those with a text in them.

        The newest commit comes first. If the list is an older one, `details` has a `problem` and
        the time `as_of`.
        """
        query = _query(kind=kind, search=search)
        return self._list(_path("apps", app, "refs"), "refs", query)

    def commits(
        self, app: str, ref: str | None, limit: int | None, *, after: str | None = None
    ) -> Listed[Commit]:
        """Return the commits that a branch or tag reaches, the newest first.

        Without `ref` it lists the repository's default branch. With an ancestor `after`, these are
        the ones after it that are the first parent of the next.
        """
        path, query = _path("apps", app, "commits"), _query(ref=ref)
        if after is not None:
            query |= {"from": after, "first_parent": "true"}
        return self._list(path, "commits", query, limit)

    def previews(self, *, app: str | None = None, state: str | None = None) -> list[Preview]:
        """Return every preview, or those of an app or in a state."""
        return self._list("/v1/previews", "previews", _query(app=app, state=state)).found

    def start(self, app: str, label: str) -> tuple[Preview, StartedPreview]:
        """Start the preview that a label leads to; return it, and the age of the label's target."""
        order = {"app": app, "label": label}
        timeout = self._timeouts.fetch
        answer = self._json("POST", "/v1/previews", json=order, timeout=timeout)
        return cast(Preview, answer), cast(StartedPreview, answer)

    def preview(self, app: str, sha: str) -> Preview:
        """Return a preview."""
        return cast(Preview, self._json("GET", _path("previews", app, sha)))

    def stop(self, app: str, sha: str) -> Preview:
        """Stop a preview, and return it."""
        return cast(Preview, self._json("DELETE", _path("previews", app, sha)))

    def retry(self, app: str, sha: str) -> Preview:
        """Start another attempt of a failed preview, and return it."""
        return cast(Preview, self._json("POST", _path("previews", app, sha, "retry")))

    def pin(self, app: str, sha: str, *, pinned: bool) -> Preview:
        """Pin a preview, so that it stops neither when idle nor to make room, or unpin it."""
        method = "PUT" if pinned else "DELETE"
        return cast(Preview, self._json(method, _path("previews", app, sha, "pin")))

    def queue(self) -> list[Queued]:
        """Return the previews that wait for an agent, the next first."""
        return self._list("/v1/queue", "queue").found

    def agents(self) -> list[MesosAgent]:
        """Return the agents of the cluster."""
        return self._list("/v1/agents", "agents").found

    def events(self, app: str | None, limit: int | None) -> Listed[Event]:
        """Return the latest events of one app or of all, the newest first."""
        return self._list("/v1/events", "events", _query(app=app), limit)

    def tokens(self) -> list[Token]:
        """Return every token's name and scope, without the token itself."""
        return self._list("/v1/tokens", "tokens").found

    def add_token(self, name: str, scope: str, app: str | None = None) -> NewToken:
        """Create a token for one app or for all, and return it with the token itself."""
        order = {"name": name, "scope": scope} | ({"app": app} if app else {})
        return cast(NewToken, self._json("POST", "/v1/tokens", json=order))

    def remove_token(self, name: str) -> None:
        """Revoke a token."""
        self._call("DELETE", _path("tokens", name)).close()

    def audit(self, limit: int | None) -> Listed[AuditEntry]:
        """Return the latest entries of the audit log, the newest first."""
        return self._list("/v1/audit", "entries", limit=limit)

    def attempts(self, app: str, sha: str) -> list[Attempt]:
        """Return the last attempts of a preview, the newest first."""
        try:
            answer = self._json("GET", _path("previews", app, sha, "attempts"))
            return cast(list[Attempt], list(answer["attempts"]))
        except (KeyError, TypeError):
            raise ApiConfused(self.address, "the answer is not the JSON of this call") from None

    def log(self, app: str, sha: str, offset: int, attempt: int | None = None) -> tuple[bytes, int]:
        """Return an attempt's output from byte `offset` on, and the next offset.

        Without a number it is the last attempt.
        """
        query = {"offset": str(offset), **_of_attempt(attempt)}
        answer = self._call("GET", _path("previews", app, sha, "log"), params=query)
        try:
            return answer.content, int(answer.headers["X-Next-Offset"])
        except (KeyError, ValueError):
            raise ApiConfused(self.address, "the log has no next offset") from None

    def log_tail(self, app: str, sha: str, attempt: int | None = None) -> str:
        """Return the last lines of an attempt's output, about 4 KB."""
        query = {"tail": "true", **_of_attempt(attempt)}
        answer = self._call("GET", _path("previews", app, sha, "log"), params=query)
        return str(answer.content.decode("utf-8", "replace"))

    def log_stream(
        self, app: str, sha: str, *, after: str | None
    ) -> contextlib.AbstractContextManager[Iterator[ServerEvent]]:
        """Follow the log and the state of a preview, from the event after the id `after`.

        The iterator blocks between events, and raises ApiUnreachable when the connection breaks.
        """
        return self._stream(_path("previews", app, sha, "log"), after, {"apart": "true"})

    def event_stream(
        self, app: str | None, *, after: str | None
    ) -> contextlib.AbstractContextManager[Iterator[ServerEvent]]:
        """Follow events from the one after the id `after`, as log_stream does."""
        return self._stream("/v1/events", after, _query(app=app))

    @contextlib.contextmanager
    def _stream(
        self, path: str, after: str | None, query: Mapping[str, str]
    ) -> Iterator[Iterator[ServerEvent]]:
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if after is not None:
            headers["Last-Event-ID"] = after
        with self._call("GET", path, headers=headers, params=query, stream=True) as answer:
            if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
                raise ApiConfused(self.address, "the answer is not a stream of events")
            yield _read_events(self._connection.pieces(answer))

    @contextlib.contextmanager
    def _download(self, path: str) -> Iterator[Download]:
        with self._call("GET", path, stream=True) as answer:
            size = answer.headers.get("Content-Length", "")
            if not size.isdigit():
                raise ApiConfused(self.address, "the answer is not a file")
            yield Download(int(size), self._connection.pieces(answer, FILE_PIECE))

    def _list(
        self, path: str, part: str, query: Mapping[str, str] | None = None, limit: int | None = None
    ) -> Listed[Any]:
        def fetch_page(more: Mapping[str, str]) -> Mapping[str, Any]:
            found: Mapping[str, Any] = self._json("GET", path, params={**(query or {}), **more})
            return found

        try:
            return gather(fetch_page, part, limit)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ApiConfused(self.address, "the answer is not the JSON of this call") from None

    def _json(self, method: str, path: str, **request: Any) -> Any:
        return self._read(self._call(method, path, **request))

    def _read(self, answer: Any) -> Any:
        try:
            return answer.json()
        except ValueError:
            raise ApiConfused(self.address, "the answer is not the JSON of this call") from None

    def _call(self, method: str, path: str, *, timeout: float | None = None, **more: Any) -> Any:
        silence = self._timeouts.answer if timeout is None else timeout
        return self._connection.call(method, path, timeout=silence, **more)


def _read_events(pieces: Iterable[bytes]) -> Iterator[ServerEvent]:
    parser = Parser()
    for piece in pieces:
        yield from (event for event in parser.feed(piece) if event.name)


def _query(**wanted: str | None) -> dict[str, str]:
    return {key: value for key, value in wanted.items() if value is not None}


def _of_attempt(number: int | None) -> dict[str, str]:
    return {} if number is None else {"attempt": str(number)}


def _path(*parts: str) -> str:
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)
