"""The framework's HTTP API, one method a call. The only module that knows `requests`.

Every call blocks, for up to two minutes: the framework may fetch a repository meanwhile. Every
call raises ApiUnreachable, ApiConfused or ApiRefused.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import quote, urlsplit

import requests
from requests.auth import AuthBase

from cli.answers import App, Label, Preview
from cli.credentials import Credentials
from cli.errors import ApiConfused, ApiRefused, ApiUnreachable, CliError, Problem
from cli.server_events import ServerEvent, parse

_CONNECT_LIMIT = 5.0
_ANSWER_LIMIT = 120.0
_SILENCE_LIMIT = 30.0  # a stream has a comment line every 10 s at least
_PROBLEM = "application/problem+json"
_TYPE_PREFIX = "urn:prevs:problem:"


class _Bearer(AuthBase):
    """Puts the token into the header; an AuthBase, or ~/.netrc would override it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Api:
    """The API at one address. Not thread safe."""

    def __init__(self, credentials: Credentials) -> None:
        self.address = credentials.api
        self._session = requests.Session()
        self._session.auth = _Bearer(credentials.token)
        # A proxy of the environment is of no use for this machine's own addresses.
        host = urlsplit(credentials.api).hostname or ""
        self._session.trust_env = not (host == "localhost" or host.startswith(("127.", "::1")))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def apps(self) -> list[App]:
        """Return every app."""
        return cast(list[App], self._json("GET", "/v1/apps", part="apps"))

    def app(self, name: str) -> App:
        """Return an app."""
        return cast(App, self._json("GET", _path("apps", name)))

    def add_app(self, settings: Mapping[str, object]) -> App:
        """Register an app; the same settings again change nothing."""
        return cast(App, self._json("POST", "/v1/apps", body=settings))

    def change_app(self, name: str, changes: Mapping[str, object]) -> App:
        """Change settings of an app, and return it."""
        return cast(App, self._json("PATCH", _path("apps", name), body=changes))

    def remove_app(self, name: str) -> None:
        """Stop an app's previews and forget it."""
        self._call("DELETE", _path("apps", name)).close()

    def resolve(self, app: str, label: str) -> Label:
        """Return what a label leads to."""
        return cast(Label, self._json("GET", _path("apps", app, "labels", label)))

    def previews(self, *, app: str | None = None, state: str | None = None) -> list[Preview]:
        """Return every preview, or those of an app or in a state."""
        wanted = {"app": app, "state": state}
        query = {key: value for key, value in wanted.items() if value is not None}
        return cast(list[Preview], self._json("GET", "/v1/previews", query=query, part="previews"))

    def start(self, app: str, label: str) -> Preview:
        """Ask for the preview that a label leads to."""
        return cast(Preview, self._json("POST", "/v1/previews", body={"app": app, "label": label}))

    def preview(self, app: str, sha: str) -> Preview:
        """Return a preview."""
        return cast(Preview, self._json("GET", _path("previews", app, sha)))

    def stop(self, app: str, sha: str) -> Preview:
        """Ask for the end of a preview."""
        return cast(Preview, self._json("DELETE", _path("previews", app, sha)))

    def retry(self, app: str, sha: str) -> Preview:
        """Ask for another attempt at a failed preview."""
        return cast(Preview, self._json("POST", _path("previews", app, sha, "retry")))

    def log(self, app: str, sha: str, offset: int) -> tuple[bytes, int]:
        """Return what the last attempt printed from byte `offset` on, and the next offset."""
        query = {"offset": str(offset)}
        answer = self._call("GET", _path("previews", app, sha, "log"), query=query)
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
        with self._call("GET", path, headers=headers, stream=True) as answer:
            if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
                raise ApiConfused(self.address, "a log that does not follow")
            yield parse(self._lines(answer))

    def _lines(self, answer: requests.Response) -> Iterator[bytes]:
        try:
            yield from answer.iter_lines()
        except requests.RequestException as exc:
            raise _mapped(exc, self.address) from exc

    def _json(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
        part: str | None = None,
    ) -> Any:
        answer = self._call(method, path, body=body, query=query)
        try:
            content = answer.json()
            return content if part is None else content[part]
        except (ValueError, KeyError, TypeError):
            raise ApiConfused(self.address, "an answer that is not the JSON of this call") from None

    def _call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
    ) -> requests.Response:
        try:
            answer = self._session.request(
                method,
                self.address + path,
                json=body,
                params=query,
                headers=headers,
                stream=stream,
                timeout=(_CONNECT_LIMIT, _SILENCE_LIMIT if stream else _ANSWER_LIMIT),
                allow_redirects=False,
            )
            if not 200 <= answer.status_code < 300:
                raise _refusal(answer, self.address)
        except requests.RequestException as exc:
            raise _mapped(exc, self.address) from exc
        return answer


def _path(*parts: str) -> str:
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def _refusal(answer: requests.Response, address: str) -> CliError:
    if answer.headers.get("Content-Type", "").split(";")[0].strip() != _PROBLEM:
        return ApiConfused(address, f"{answer.status_code} {answer.reason}")
    try:
        fields = json.loads(answer.content)
        return ApiRefused(
            Problem(
                slug=str(fields["type"]).removeprefix(_TYPE_PREFIX),
                http_status=answer.status_code,
                title=str(fields.get("title", answer.reason)),
                detail=str(fields.get("detail") or fields["title"]),
                fields=fields,
            )
        )
    except (ValueError, KeyError, TypeError):
        return ApiConfused(address, f"{answer.status_code} with a problem that says nothing")


def _mapped(exc: requests.RequestException, address: str) -> CliError:
    """Return our error for any that the library raises."""
    if isinstance(exc, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return ApiConfused(address, str(exc))
    if isinstance(exc, requests.Timeout):
        return ApiUnreachable(address, "no answer in time")
    return ApiUnreachable(address, _innermost(exc))


def _innermost(exc: BaseException) -> str:
    """Return the operating system's words for what went wrong, without the layers around them."""
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
        cause = cause.__cause__ or cause.__context__
    return "the connection broke"
