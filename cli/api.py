"""The framework's HTTP API, one method a call.

Every call blocks, for up to two minutes where the framework may fetch a repository meanwhile. Every
call raises ApiUnreachable, ApiConfused or ApiRefused.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import quote

from cli.answers import App, Label, Preview, Queued
from cli.connection import Connection
from cli.credentials import Credentials
from cli.errors import ApiConfused
from cli.server_events import ServerEvent, parse

_PATIENCE = 30.0  # a stream has a comment line every 10 s at least; others answer within 10 s
_FETCH_PATIENCE = 120.0
_PAGE = "500"  # as many entries of a list as the API gives at a time
_OTHER_JSON = "an answer that is not the JSON of this call"


class Api:
    """The API at the addresses that are known. Not thread safe."""

    def __init__(self, credentials: Credentials) -> None:
        self._connection = Connection(credentials)

    @property
    def address(self) -> str:
        """Where the last call went."""
        return self._connection.address

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def apps(self) -> list[App]:
        """Return every app."""
        return cast(list[App], self._list("/v1/apps", "apps", {}))

    def app(self, name: str) -> App:
        """Return an app."""
        return cast(App, self._json("GET", _path("apps", name)))

    def add_app(self, settings: Mapping[str, object]) -> App:
        """Register an app; the same settings again change nothing."""
        return cast(App, self._json("POST", "/v1/apps", json=settings))

    def change_app(self, name: str, changes: Mapping[str, object]) -> App:
        """Change settings of an app, and return it."""
        return cast(App, self._json("PATCH", _path("apps", name), json=changes))

    def remove_app(self, name: str) -> None:
        """Stop an app's previews and forget it."""
        self._connection.call("DELETE", _path("apps", name), patience=_PATIENCE).close()

    def resolve(self, app: str, label: str) -> Label:
        """Return what a label leads to."""
        path = _path("apps", app, "labels", label)
        return cast(Label, self._json("GET", path, patience=_FETCH_PATIENCE))

    def previews(self, *, app: str | None = None, state: str | None = None) -> list[Preview]:
        """Return every preview, or those of an app or in a state."""
        wanted = {"app": app, "state": state}
        query = {key: value for key, value in wanted.items() if value is not None}
        return cast(list[Preview], self._list("/v1/previews", "previews", query))

    def start(self, app: str, label: str) -> Preview:
        """Ask for the preview that a label leads to."""
        order = {"app": app, "label": label}
        answer = self._json("POST", "/v1/previews", json=order, patience=_FETCH_PATIENCE)
        return cast(Preview, answer)

    def preview(self, app: str, sha: str) -> Preview:
        """Return a preview."""
        return cast(Preview, self._json("GET", _path("previews", app, sha)))

    def stop(self, app: str, sha: str) -> Preview:
        """Ask for the end of a preview."""
        return cast(Preview, self._json("DELETE", _path("previews", app, sha)))

    def retry(self, app: str, sha: str) -> Preview:
        """Ask for another attempt at a failed preview."""
        return cast(Preview, self._json("POST", _path("previews", app, sha, "retry")))

    def pin(self, app: str, sha: str, *, pinned: bool) -> Preview:
        """Keep a preview from being stopped for idleness or for others, or no longer."""
        method = "PUT" if pinned else "DELETE"
        return cast(Preview, self._json(method, _path("previews", app, sha, "pin")))

    def queue(self) -> list[Queued]:
        """Return what waits for an agent, the next first."""
        return cast(list[Queued], self._list("/v1/queue", "queue", {}))

    def log(self, app: str, sha: str, offset: int) -> tuple[bytes, int]:
        """Return what the last attempt printed from byte `offset` on, and the next offset."""
        query = {"offset": str(offset)}
        path = _path("previews", app, sha, "log")
        answer = self._connection.call("GET", path, params=query, patience=_PATIENCE)
        try:
            return answer.content, int(answer.headers["X-Next-Offset"])
        except (KeyError, ValueError):
            raise ApiConfused(self.address, "a log without a next offset") from None

    @contextlib.contextmanager
    def log_stream(
        self, app: str, sha: str, *, after: str | None
    ) -> Iterator[Iterator[ServerEvent]]:
        """Follow the log and the state of a preview, from the event after the id `after`.

        The iterator blocks between events, and raises ApiUnreachable when the connection breaks.
        """
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if after is not None:
            headers["Last-Event-ID"] = after
        path = _path("previews", app, sha, "log")
        connection = self._connection
        with connection.call(
            "GET", path, headers=headers, stream=True, patience=_PATIENCE
        ) as answer:
            if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
                raise ApiConfused(self.address, "a log that does not follow")
            yield parse(connection.lines(answer))

    def _list(self, path: str, part: str, query: Mapping[str, str]) -> list[Any]:
        """Return a whole list, which the API answers in pages."""
        entries: list[Any] = []
        after: dict[str, str] = {}
        while True:
            answer = self._json("GET", path, params={**query, "limit": _PAGE, **after})
            try:
                entries += answer[part]
                following = answer.get("next")
            except (KeyError, TypeError, AttributeError):
                raise ApiConfused(self.address, _OTHER_JSON) from None
            if following is None:
                return entries
            after = {"after": str(following)}

    def _json(self, method: str, path: str, *, patience: float = _PATIENCE, **request: Any) -> Any:
        answer = self._connection.call(method, path, patience=patience, **request)
        try:
            return answer.json()
        except ValueError:
            raise ApiConfused(self.address, _OTHER_JSON) from None


def _path(*parts: str) -> str:
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)
