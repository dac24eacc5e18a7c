"""A client of the HTTP API of several frameworks, over httpx. Belongs to the event loop's thread.

One framework leads; the others forward calls to the leader. A call goes to the framework that
answered last. If that one cannot be reached, does not answer or answers 503, the call goes to the
next. So a call may arrive twice, and each call allows that: a second start returns the same
preview, a retry of a preview that has not failed changes nothing, and usage that is reported twice
is still usage.
"""

import contextlib
import dataclasses
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from program.http import request_ids
from program.http.server_events import Parser, ServerEvent
from proxy.model.errors import ApiAway, ApiRefused
from proxy.model.landing import Landing, LandingQuery, read_landing
from proxy.model.preview import Commit, Preview, read_commit, read_preview
from proxy.model.problems import Problem, read_problem
from proxy.model.sign_in import Begun, Claim
from proxy.model.usage import Source, TaskUsage

_T = TypeVar("_T")
_COUNT = re.compile(r"[0-9]{1,6}", re.ASCII)

_CONNECT_SECONDS = 2.0
_ANSWER_SECONDS = 60.0
"""For all frameworks together: a start resolves a label, and may fetch from a slow repository."""
_KNOWN_SECONDS = 10.0
"""For each framework, if it answers from memory."""
_USES_SECONDS = 3.0
_TAIL_SECONDS = 1.0
"""A page waits no longer for the end of a log, for it can do without."""
_SILENCE_SECONDS = 25.0
"""The framework sends something over a log stream every 10 s."""


class FrameworkApi:
    """proxy.ports.Framework. `addresses` are those of all frameworks. Connections are kept."""

    def __init__(self, addresses: Sequence[str], token: str) -> None:
        self._addresses = [address.rstrip("/") for address in addresses]
        self._first = 0
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=50),
            trust_env=False,  # no forward proxy between this proxy and the framework
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def resolve(self, app: str, label: str) -> Commit:
        """Return the commit that a label leads to. Raises ApiAway, ApiRefused."""
        path = f"/v1/apps/{quote(app, safe='')}/labels/{quote(label, safe='')}"
        return await self._call("GET", path, _commit)

    async def shows_all(self, app: str) -> bool:
        """Return whether an app's room shows everything. Raises ApiAway, ApiRefused."""
        path = f"/v1/apps/{quote(app, safe='')}"
        return await self._call("GET", path, _shows_all, seconds=_KNOWN_SECONDS)

    async def find(self, app: str, sha: str) -> Preview | None:
        """Return a preview; None if nobody requested it yet. Raises ApiAway, ApiRefused."""
        try:
            return await self._call("GET", _path(app, sha), _preview, seconds=_KNOWN_SECONDS)
        except ApiRefused as refusal:
            if refusal.problem.slug == "unknown-preview":
                return None
            raise

    async def read_landing(self, app: str, query: LandingQuery) -> Landing:
        """Return what an app's landing page shows. Raises ApiAway, ApiRefused."""
        path = f"/v1/apps/{quote(app, safe='')}/landing"
        asked = {**query._asdict(), "limit": query.limit}
        return await self._call("GET", path, _landing, params=asked, seconds=_KNOWN_SECONDS)

    async def start(self, app: str, label: str) -> Preview:
        """Request a preview. Raises ApiAway, ApiRefused."""
        request = {"app": app, "label": label}
        return await self._call("POST", "/v1/previews", _preview, json=request)

    async def retry(self, app: str, sha: str) -> Preview:
        """Queue a failed preview again, if it has failed. Raises ApiAway, ApiRefused."""
        try:
            return await self._call("POST", f"{_path(app, sha)}/retry", _preview)
        except ApiRefused as refusal:
            if refusal.problem.slug == "not-retryable":  # this or another call did it already
                return await self._call("GET", _path(app, sha), _preview)
            raise

    async def read_log(self, app: str, sha: str, offset: int) -> tuple[str, int]:
        """Return a log from `offset` on, and the next offset. Raises ApiAway, ApiRefused."""
        path = f"{_path(app, sha)}/log?public=true&offset={offset}"
        return await self._call("GET", path, _log)

    async def read_log_end(self, app: str, sha: str) -> str:
        """Return the last lines of a log. Raises ApiAway, ApiRefused."""
        path = f"{_path(app, sha)}/log?public=true&tail=true"
        return await self._call("GET", path, _text, seconds=_TAIL_SECONDS)

    async def enter(self, app: str, password: str, client: str) -> None:
        """Return if a password opens an app. Raises ApiAway, ApiRefused."""
        path = f"/v1/apps/{quote(app, safe='')}/entries"
        given = {"password": password, "client": client}
        await self._call("POST", path, _nothing, json=given, seconds=_KNOWN_SECONDS)

    async def enter_as(self, app: str, claim: Claim, client: str) -> None:
        """Return if somebody is in an app's team. Raises ApiAway, ApiRefused."""
        path = f"/v1/apps/{quote(app, safe='')}/entries"
        given = {**claim._asdict(), "client": client}
        await self._call("POST", path, _nothing, json=given, seconds=_KNOWN_SECONDS)

    async def begin_sign_in(self, client: str) -> Begun:
        """Return where a visitor signs in. Raises ApiAway, ApiRefused."""
        return await self._call("POST", "/v1/sign-ins", _begun, json={"client": client})

    async def finish_sign_in(self, attempt: str, state: str, code: str, client: str) -> str:
        """Return the session of who has signed in. Raises ApiAway, ApiRefused."""
        given = {"attempt": attempt, "state": state, "code": code, "client": client}
        return await self._call("POST", "/v1/sign-ins/finish", _session, json=given)

    async def report_usage(self, proxy: str, uses: Sequence[TaskUsage], source: Source) -> None:
        """Report the usage of tasks at this proxy. Raises ApiAway, ApiRefused."""
        report = {"proxy": proxy, "uses": [use._asdict() for use in uses], **source._asdict()}
        await self._call("POST", "/v1/uses", _nothing, json=report, seconds=_USES_SECONDS)

    async def report_refused_tasks(self, proxy: str, tasks: Sequence[str]) -> None:
        """Report which tasks refuse this proxy's connections. Raises ApiAway, ApiRefused."""
        report = {"proxy": proxy, "tasks": list(tasks)}
        await self._call("POST", "/v1/refusals", _nothing, json=report, seconds=_USES_SECONDS)

    async def pass_on_hook(self, app: str, headers: Mapping[str, str], body: bytes) -> None:
        """Pass on a webhook of an app's forge. Raises ApiAway, ApiRefused."""
        path = f"/v1/apps/{quote(app, safe='')}/hooks"
        # A stranger's header may have other characters than ASCII, which httpx refuses in a str.
        raw = {name: value.encode("latin-1") for name, value in headers.items()}
        await self._call("POST", path, _nothing, content=body, headers=raw, seconds=_USES_SECONDS)

    async def follow(
        self, app: str, sha: str, after: str | None
    ) -> AsyncGenerator[ServerEvent, None]:
        """Yield the log's events until the stream ends. Raises ApiAway, ApiRefused."""
        headers = {"Accept": "text/event-stream"}
        if after is not None:
            headers["Last-Event-ID"] = after
        headers |= _request()
        parser = Parser()
        async with self._open_stream(f"{_path(app, sha)}/log?public=true", headers) as answer:
            async for piece in answer.aiter_raw():
                for event in parser.feed(piece):
                    yield event

    @contextlib.asynccontextmanager
    async def _open_stream(
        self, path: str, headers: dict[str, str]
    ) -> AsyncIterator[httpx.Response]:
        """Yield the streaming response of one framework. Raises ApiAway, ApiRefused."""
        timeout = httpx.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS)
        missed: list[str] = []
        for at, address in self._in_turn():
            began = False
            try:
                async with self._client.stream(
                    "GET", address + path, headers=headers, timeout=timeout
                ) as answer:
                    if not answer.is_success:
                        await answer.aread()
                        raise _refusal(answer)
                    self._first = at
                    began = True
                    yield answer
                    return
            except httpx.HTTPError as error:
                missed.append(f"{address}: {error!r}")
                if began:  # the reader calls again with its place, and then gets the next one
                    self._first = (at + 1) % len(self._addresses)
                    break
            except ApiAway as error:
                missed.append(f"{address}: {error}")
        raise _none_answers(missed)

    async def _call(
        self,
        method: str,
        path: str,
        read: Callable[[httpx.Response], _T],
        *,
        seconds: float | None = None,
        **request: Any,
    ) -> _T:
        """Return the answer of the first framework that has one; `seconds` is for each of them.

        `request` is what httpx takes.
        """
        each = seconds or _ANSWER_SECONDS / len(self._addresses)
        timeout = httpx.Timeout(each, connect=_CONNECT_SECONDS)
        missed: list[str] = []
        for at, address in self._in_turn():
            try:
                value = read(await self._send(method, address + path, timeout, **request))
            except httpx.HTTPError as error:
                missed.append(f"{address}: {error!r}")
            except ValueError as error:
                missed.append(f"{address}: this proxy does not understand its answer ({error})")
            except ApiAway as error:
                missed.append(f"{address}: {error}")
            else:
                self._first = at
                return value
        raise _none_answers(missed)

    async def _send(
        self, method: str, url: str, timeout: httpx.Timeout, **request: Any
    ) -> httpx.Response:
        """Return a successful answer. Raises httpx.HTTPError, ApiAway, ApiRefused."""
        headers = {**request.pop("headers", {}), **_request()}
        answer = await self._client.request(
            method, url, timeout=timeout, headers=headers, **request
        )
        if not answer.is_success:
            raise _refusal(answer)
        return answer

    def _in_turn(self) -> Iterator[tuple[int, str]]:
        """Yield the frameworks with their numbers, the one that answered last before the others."""
        first, count = self._first, len(self._addresses)
        for at in range(first, first + count):
            yield at % count, self._addresses[at % count]


def _request() -> dict[str, str]:
    """Return the header with the id of the visitor's request, for the framework's log."""
    request = request_ids.current()
    return {request_ids.HEADER: request} if request else {}


def _none_answers(missed: Sequence[str]) -> ApiAway:
    return ApiAway(f"no framework answers ({'; '.join(missed)})")


def _preview(answer: httpx.Response) -> Preview:
    return read_preview(answer.json())


def _shows_all(answer: httpx.Response) -> bool:
    value = answer.json()
    return isinstance(value, dict) and value.get("room_shows") == "full"


def _commit(answer: httpx.Response) -> Commit:
    return read_commit(answer.json())


def _landing(answer: httpx.Response) -> Landing:
    return read_landing(answer.json())


def _log(answer: httpx.Response) -> tuple[str, int]:
    return answer.text, int(answer.headers.get("X-Next-Offset", ""))


def _text(answer: httpx.Response) -> str:
    return answer.text


def _begun(answer: httpx.Response) -> Begun:
    address, state, attempt = (_read(answer, name) for name in Begun._fields)
    if not address.startswith(("https://", "http://")):
        raise ValueError("the address of the provider is no URL")
    return Begun(address, state, attempt)


def _session(answer: httpx.Response) -> str:
    return _read(answer, "session")


def _read(answer: httpx.Response, name: str) -> str:
    """Return a text in an answer. Raises ValueError."""
    fields = answer.json()
    value = fields.get(name) if isinstance(fields, dict) else None
    if isinstance(value, str):
        return value
    raise ValueError(f"it has no {name}")


def _nothing(_: httpx.Response) -> None:
    return None


def _path(app: str, sha: str) -> str:
    return f"/v1/previews/{quote(app, safe='')}/{quote(sha, safe='')}"


def _refusal(answer: httpx.Response) -> ApiAway | ApiRefused:
    problem = _problem(answer)
    if problem and problem.slug == "unauthorized":
        return ApiAway("the framework does not accept this proxy's token")
    if problem is None or problem.slug == "unavailable":
        detail = problem.detail if problem else f"status {answer.status_code}"
        return ApiAway(detail)
    return ApiRefused(problem)


def _problem(answer: httpx.Response) -> Problem | None:
    """Return the problem in an answer, or None if the answer is not the framework's."""
    if "problem+json" not in answer.headers.get("Content-Type", ""):
        return None
    try:
        problem = read_problem(answer.json(), answer.status_code)
    except ValueError:
        return None
    seconds = answer.headers.get("Retry-After", "")
    return (
        dataclasses.replace(problem, retry_after=int(seconds))
        if _COUNT.fullmatch(seconds)
        else problem
    )
