"""A client of the framework's HTTP API, over httpx. Belongs to the event loop's thread."""

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from proxy.errors import ApiAway, ApiRefused
from proxy.preview import Commit, LogEvent, Preview, read_commit, read_preview
from proxy.problems import Problem, read_problem
from proxy.server_events import Parser

_T = TypeVar("_T")

_CONNECT_SECONDS = 2.0
_ANSWER_SECONDS = 60.0
"""A start resolves a label, which may fetch from a slow repository."""
_SILENCE_SECONDS = 25.0
"""The log stream says something every 10 s."""


class FrameworkApi:
    """proxy.ports.Framework. The connections are kept."""

    def __init__(self, base: str, token: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=base,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=50),
            trust_env=False,  # a proxy for the outside has no business between the two
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def resolve(self, app: str, label: str) -> Commit:
        """Return what a label leads to. Raises ApiAway, ApiRefused."""
        path = f"/v1/apps/{quote(app, safe='')}/labels/{quote(label, safe='')}"
        return await self._ask("GET", path, read_commit)

    async def find(self, app: str, sha: str) -> Preview | None:
        """Return a preview; None if it was never asked for. Raises ApiAway, ApiRefused."""
        try:
            return await self._ask("GET", _path(app, sha), read_preview)
        except ApiRefused as refusal:
            if refusal.problem.slug == "unknown-preview":
                return None
            raise

    async def start(self, app: str, label: str) -> Preview:
        """Ask for a preview. Raises ApiAway, ApiRefused."""
        asked = {"app": app, "label": label}
        return await self._ask("POST", "/v1/previews", read_preview, json=asked)

    async def retry(self, app: str, sha: str) -> Preview:
        """Queue a failed preview again. Raises ApiAway, ApiRefused."""
        return await self._ask("POST", f"{_path(app, sha)}/retry", read_preview)

    async def follow(self, app: str, sha: str, after: str | None) -> AsyncGenerator[LogEvent, None]:
        """Yield the log's events until the stream ends. Raises ApiAway, ApiRefused."""
        headers = {"Accept": "text/event-stream"}
        if after is not None:
            headers["Last-Event-ID"] = after
        timeout = httpx.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS)
        parser = Parser()
        try:
            async with self._client.stream(
                "GET", f"{_path(app, sha)}/log", headers=headers, timeout=timeout
            ) as answer:
                if answer.status_code != 200:
                    await answer.aread()
                    raise _refusal(answer)
                async for piece in answer.aiter_raw():
                    for event in parser.feed(piece):
                        yield event
        except httpx.HTTPError as error:
            raise ApiAway(f"the framework does not answer: {error!r}") from error

    async def _ask(
        self,
        method: str,
        path: str,
        read: Callable[[Any], _T],
        *,
        json: Mapping[str, str] | None = None,
    ) -> _T:
        try:
            answer = await self._client.request(method, path, json=json)
        except httpx.HTTPError as error:
            raise ApiAway(f"the framework does not answer: {error!r}") from error
        if not answer.is_success:
            raise _refusal(answer)
        try:
            return read(answer.json())
        except ValueError as error:
            raise ApiAway(
                f"the framework answers what this proxy does not know: {error}"
            ) from error


def _path(app: str, sha: str) -> str:
    return f"/v1/previews/{quote(app, safe='')}/{quote(sha, safe='')}"


def _refusal(answer: httpx.Response) -> ApiAway | ApiRefused:
    problem = _problem(answer)
    if answer.status_code == 401:
        return ApiAway("the framework does not accept this proxy's token")
    if answer.status_code == 503 or problem is None:
        said = problem.detail if problem else f"status {answer.status_code}"
        return ApiAway(said)
    return ApiRefused(problem)


def _problem(answer: httpx.Response) -> Problem | None:
    """Return the problem that the framework answers with, or None if it is another's answer."""
    if "problem+json" not in answer.headers.get("Content-Type", ""):
        return None
    try:
        return read_problem(answer.json(), answer.status_code)
    except ValueError:
        return None
