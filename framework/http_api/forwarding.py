"""A stand-by forwards requests to the framework that leads."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import anyio
import httpx
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope, Send

from framework.http_api.admission.client_signature import ClientSignature
from framework.http_api.admission.clients import FORWARDED, find_neighbour
from framework.http_api.http import problems

CONNECT_S = 3.0
SILENCE_S = 180.0
"""How long the leader may send nothing: longer than any of our clients waits."""
LOOK_S = 0.5
PROBE_S = 0.8
"""How long a leader may take to answer a probe."""
LAST_WORDS_S = 2.0
"""How long a former leader may still answer. One that shuts down in order needs a second."""

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Headers between two neighbours only (RFC 9110, 7.6.1)."""

_WITH_BODY = frozenset({b"content-length", b"transfer-encoding"})

log = structlog.get_logger(__name__)

Headers = Iterable[tuple[bytes, bytes]]


class Forwarding:
    """An ASGI application that has the leader answer every request. It sends no request twice.

    `leader` returns the URL of the leader's API, None if nobody else leads; it must not block.
    `signature` signs the client's address for the leader.
    """

    def __init__(
        self,
        leader: Callable[[], str | None],
        signature: ClientSignature,
        transport: httpx.AsyncBaseTransport | None = None,
        pause: Callable[[float], Awaitable[object]] = anyio.sleep,
    ) -> None:
        self._leader = leader
        self._signature = signature
        self._pause = pause
        # No connection is reused: a dead one would lose the request, which is not sent twice.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self._client = httpx.AsyncClient(
            transport=transport or httpx.AsyncHTTPTransport(limits=limits, trust_env=False),
            timeout=httpx.Timeout(SILENCE_S, connect=CONNECT_S),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request."""
        api = self._leader()
        if api is None or any(name == FORWARDED for name, _ in scope["headers"]):
            await _refuse("No framework leads now; one will within seconds.", scope, receive, send)
            return
        taken = anyio.Event()
        try:
            request = self._copy(scope, receive, api, taken)
        except (httpx.InvalidURL, UnicodeDecodeError):  # `OPTIONS *`, or a path that is no ASCII
            refusal = problems.answer_problem(problems.INVALID_REQUEST, "No such path can exist.")
            await refusal(scope, receive, send)
            return
        why: str | None = f"The framework that led ({api}) hangs; it may have done this."
        tracked = _TrackedSend(send)
        async with anyio.create_task_group() as group:
            group.start_soon(_watch_client, receive, taken, group.cancel_scope)
            with anyio.CancelScope() as while_it_leads:
                group.start_soon(self._watch_leader, api, while_it_leads)
                why = await self._forward(request, api, taken, tracked)
            if why is not None and not tracked.has_begun:
                await _refuse(why, scope, receive, send)
            group.cancel_scope.cancel()

    async def find_trouble(self, api: str) -> str | None:
        """Return what is wrong with the framework at `api` ("does not answer"), None if nothing."""
        timeout = {"timeout": httpx.Timeout(PROBE_S).as_dict()}
        try:
            probe = httpx.Request("GET", f"{api}/healthz", extensions=timeout)
            answer = await self._client.send(probe)
        except (httpx.HTTPError, httpx.InvalidURL):
            return "does not answer"
        return None if answer.is_success else "does not do its work"

    def _copy(self, scope: Scope, receive: Receive, api: str, taken: anyio.Event) -> httpx.Request:
        """Return the request for the leader. Its body is read while it is sent.

        `taken` is set at the end of the body.
        """
        path, query = scope["raw_path"], scope["query_string"]
        headers = _keep_end_to_end(scope["headers"])
        names = {name for name, _ in scope["headers"]}

        async def read() -> AsyncIterator[bytes]:
            async for piece in Request(scope, receive).stream():
                yield piece
            taken.set()

        has_body = bool(names & _WITH_BODY)
        if not has_body:
            taken.set()
        url = httpx.URL(api).copy_with(raw_path=path + (b"?" + query if query else b""))
        # Sign the path that httpx sends: it may quote more than the client did.
        sent = url.raw_path.partition(b"?")[0]
        who = self._signature.sign(find_neighbour(scope) or "unknown", scope["method"], sent)
        return httpx.Request(
            scope["method"],
            url,
            headers=[*headers, (FORWARDED, who)],
            content=read() if has_body else None,
        )

    async def _watch_leader(self, api: str, scope: anyio.CancelScope) -> None:
        """Cancel a scope once another one leads: a former leader that hangs may never answer."""
        while self._leader() == api:
            await self._pause(LOOK_S)
        await self._pause(LAST_WORDS_S)
        scope.cancel()

    async def _forward(
        self, request: httpx.Request, api: str, taken: anyio.Event, send: Send
    ) -> str | None:
        """Have the leader answer; return why it did not, None if it did or the client is gone."""
        try:
            answer = await self._client.send(request, stream=True)
        except ClientDisconnect:
            return None
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return f"The framework that leads ({api}) cannot be reached; nothing was done."
        except httpx.HTTPError as error:
            log.warning("the leader has not answered", api=api, why=repr(error))
            return f"The framework that leads ({api}) has not answered; it may have done this."
        taken.set()  # also if the leader did not read all of the body
        await _pass(answer, send)
        return None


class _TrackedSend:
    """A Send that notes whether an answer has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        """Note and send it."""
        self.has_begun = True
        await self._send(message)


async def _watch_client(receive: Receive, taken: anyio.Event, scope: anyio.CancelScope) -> None:
    """Cancel a scope when the client goes away; starts at the end of the request's body."""
    await taken.wait()
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


async def _pass(answer: httpx.Response, send: Send) -> None:
    """Pass the leader's answer on as it comes, until either side ends it."""
    try:
        await _send(answer, send)
    except httpx.HTTPError as error:
        # The answer has begun, so only its missing end can show the failure.
        log.warning("the leader has stopped in an answer", why=repr(error))
    finally:
        with anyio.CancelScope(shield=True):
            await answer.aclose()


async def _send(answer: httpx.Response, send: Send) -> None:
    start: MutableMapping[str, Any] = {
        "type": "http.response.start",
        "status": answer.status_code,
        "headers": _keep_end_to_end(answer.headers.raw),
    }
    await send(start)
    async for chunk in answer.aiter_raw():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _keep_end_to_end(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Return the headers, names in lower case, without those of one connection."""
    small = [(name.lower(), value) for name, value in headers]
    named = b",".join(value for name, value in small if name == b"connection")
    dropped = _HOP_BY_HOP | {name.strip().lower() for name in named.split(b",")}
    return [(name, value) for name, value in small if name not in dropped]


async def _refuse(why: str, scope: Scope, receive: Receive, send: Send) -> None:
    await problems.answer_unavailable(why)(scope, receive, send)
