"""The event stream of a page: its preview's events, and `ready` when the proxy routes its host.

Events: `token`, for the page's next requests for its log, sent first and before it expires; `log`
(id: where in the log it ends) and `reset` (another attempt begins another log), as the framework
sends them; `state` and `end`, with the view of the preview; `ready`; `problem`; `away`, if no
framework answers; `later`, if too many pages follow: this page got the state, and reconnects later.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, NamedTuple

from program.http.server_events import STILL_HERE, ServerEvent, retry
from proxy.framework.preview_streams import AWAY, PreviewStreams
from proxy.held.refused_tasks import RefusedTasks
from proxy.model import problems
from proxy.model.errors import ApiAway, ApiRefused
from proxy.model.preview import Preview, read_preview
from proxy.model.problems import Problem
from proxy.model.routes import Route
from proxy.pages import view
from proxy.pages.brief import brief_preview, hide_details
from proxy.room.tokens import LOG_LIFE_SECONDS

_RECONNECT = retry(1)
LATER_SECONDS = 10
"""After how many seconds a page that cannot follow reconnects."""
_COME_LATER = retry(LATER_SECONDS)
_LATER = ServerEvent("later", "{}")
_READY = ServerEvent("ready", "{}")
_STATE = ServerEvent("state", "{}")
_OF_LOG = frozenset({"log", "reset"})
_RENEW_SECONDS = LOG_LIFE_SECONDS / 3


class Page(NamedTuple):
    """A page that follows a preview. It has the log up to the event `after`.

    `refused` is the task that refused its connection. `renew` returns its next token at a time
    (epoch seconds). Without `shows_all` it gets no log, and little of the preview.
    """

    renew: Callable[[float], str]
    after: str | None = None
    refused: str = ""
    shows_all: bool = True


class _LogToken:
    """A page's token for its log, which is renewed long before it expires."""

    def __init__(self, sign: Callable[[float], str]) -> None:
        self._sign = sign
        self._signed_at = 0.0

    def is_old(self, now: float) -> bool:
        """Return whether it is time to renew the token."""
        return now - self._signed_at > _RENEW_SECONDS

    def renew(self, now: float) -> bytes:
        """Return the event with a new token."""
        self._signed_at = now
        return ServerEvent("token", json.dumps(self._sign(now))).encode()


async def follow(
    preview_streams: PreviewStreams,
    refused_tasks: RefusedTasks,
    host: str,
    *,
    preview: tuple[str, str],
    page: Page,
    clock: Callable[[], float] = time.time,
) -> AsyncGenerator[bytes, None]:
    """Yield the stream until the host is routed or the preview's events end.

    `preview` is (app, sha), `clock` in seconds since the epoch. A route to the task that refused
    counts only once that accepts connections. While the framework is away, the stream stays open.
    """
    yield _RECONNECT
    token = _LogToken(page.renew)
    yield token.renew(clock())
    with refused_tasks.wait_for(host, page.refused) as routed:
        stream = preview_streams.follow(*preview, page.after)
        try:
            async with contextlib.aclosing(_until(stream, routed)) as events:
                async for event in events:
                    now = clock()
                    if token.is_old(now):
                        yield token.renew(now)
                    yield _encode(event, now, page)
        except ApiRefused as refusal:
            yield _problem(refusal.problem, page)
        except ApiAway:
            yield AWAY.encode()


async def show_once(
    look: Callable[[], Awaitable[Preview | None]],
    refused_tasks: RefusedTasks,
    host: str,
    *,
    page: Page,
    clock: Callable[[], float] = time.time,
) -> AsyncGenerator[bytes, None]:
    """Yield the preview's state once, and the time to reconnect, for a page that cannot follow.

    `look` returns the preview, None if the framework does not know it any more.
    """
    yield _COME_LATER
    yield _LogToken(page.renew).renew(clock())
    with refused_tasks.wait_for(host, page.refused) as routed:
        if routed.done() or await refused_tasks.has_recovered(host, page.refused):
            yield _READY.encode()
            return
    try:
        found = await look()
    except ApiRefused as refusal:
        yield _problem(refusal.problem, page)
    except ApiAway:
        yield AWAY.encode()
    else:
        if found is None:
            yield _problem(problems.not_known_any_more(), page)
            return
        yield _state(_STATE, found, clock(), page)
        yield _LATER.encode()


async def _until(
    stream: AsyncGenerator[ServerEvent, None], routed: asyncio.Future[Route]
) -> AsyncGenerator[ServerEvent, None]:
    """Yield the events of `stream`; once `routed` is done, yield `ready` and end."""
    next_event: asyncio.Future[ServerEvent | None] | None = None
    try:
        while True:
            next_event = asyncio.ensure_future(anext(stream, None))
            either: list[asyncio.Future[Any]] = [next_event, routed]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if routed.done():
                yield _READY
                return
            event = next_event.result()
            if event is None:
                return
            yield event
    finally:
        if next_event is not None and not next_event.done():
            next_event.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await next_event
        elif next_event is not None and not next_event.cancelled():
            next_event.exception()  # retrieved, or asyncio logs that it never was
        await stream.aclose()


def _problem(problem: Problem, page: Page) -> bytes:
    shown = hide_details(problem, shows_all=page.shows_all)
    return ServerEvent("problem", shown.body().decode()).encode()


def _encode(event: ServerEvent, now: float, page: Page) -> bytes:
    if event.name in {_READY.name, AWAY.name} or (page.shows_all and event.name in _OF_LOG):
        return event.encode()
    if event.name in {"state", "end"}:
        with contextlib.suppress(ValueError):
            preview = read_preview(json.loads(event.data))
            return _state(event, preview, now, page)
    return STILL_HERE


def _state(event: ServerEvent, preview: Preview, now: float, page: Page) -> bytes:
    """Return an event with the view of a preview that a page may get."""
    shown = view.show(
        preview if page.shows_all else brief_preview(preview), now, refused=page.refused
    )
    return event._replace(data=json.dumps(shown.message())).encode()
