"""The event stream of a page: the preview's, and `ready` as soon as the proxy routes its host.

Events: token, with which the page asks for its log from then on, at once and again in time; log
(id: where in the log it ends) and reset (another attempt begins, and another log), as the framework
sends them; state and end, with the view of the preview; ready; problem; away, where no framework
answers; later, where too many pages follow: this one is told the state, and comes again.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, NamedTuple

from program.server_events import STILL_HERE, ServerEvent, retry
from proxy.framework.sources import AWAY, Sources
from proxy.held.refused_tasks import Refusals
from proxy.model import problems
from proxy.model.errors import ApiAway, ApiRefused
from proxy.model.preview import Preview, read_preview
from proxy.model.problems import Problem
from proxy.model.routes import Route
from proxy.pages import view
from proxy.pages.brief import brief_preview, tell_visitor
from proxy.room.tokens import LOG_LIFE_SECONDS

_RECONNECT = retry(1)
LATER_SECONDS = 10
"""How often a page looks that cannot follow."""
_COME_LATER = retry(LATER_SECONDS)
_LATER = ServerEvent("later", "{}")
_READY = ServerEvent("ready", "{}")
_STATE = ServerEvent("state", "{}")
_OF_LOG = frozenset({"log", "reset"})
_RENEW_SECONDS = LOG_LIFE_SECONDS / 3


class Page(NamedTuple):
    """The page that follows: it has seen the log up to the event `after`.

    The task `refused` took no connection from it. `renew` gives its next token at a time (epoch
    seconds). Without `shows_all` it gets no log, and little of the preview.
    """

    renew: Callable[[float], str]
    after: str | None = None
    refused: str = ""
    shows_all: bool = True


async def follow(
    sources: Sources,
    refusals: Refusals,
    host: str,
    *,
    preview: tuple[str, str],
    page: Page,
    clock: Callable[[], float] = time.time,
) -> AsyncGenerator[bytes, None]:
    """Yield the stream until the host is routed or there is nothing more to tell.

    `preview` is (app, sha), `clock` in seconds since the epoch. To be routed to the task that
    refused counts only once it takes connections. A framework that is away is waited for.
    """
    yield _RECONNECT
    renewed = clock()
    yield _token(page.renew(renewed))
    with refusals.wait_for(host, page.refused) as routed:
        stream = sources.follow(*preview, page.after)
        try:
            async with contextlib.aclosing(_until(stream, routed)) as events:
                async for event in events:
                    now = clock()
                    if now - renewed > _RENEW_SECONDS:
                        renewed = now
                        yield _token(page.renew(now))
                    yield _passed_on(event, now, page)
        except ApiRefused as refusal:
            yield _problem(refusal.problem, page)
        except ApiAway:
            yield AWAY.encode()


async def glance(
    look: Callable[[], Awaitable[Preview | None]],
    refusals: Refusals,
    host: str,
    *,
    page: Page,
    clock: Callable[[], float] = time.time,
) -> AsyncGenerator[bytes, None]:
    """Yield what a page is told that cannot follow: the preview as it is, and to come later.

    `look` returns the preview, None if it is not known any more.
    """
    yield _COME_LATER
    yield _token(page.renew(clock()))
    with refusals.wait_for(host, page.refused) as routed:
        if routed.done() or await refusals.has_ended(host, page.refused):
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
    """Yield what comes of `stream`, and `ready` instead of the rest once `routed` is done."""
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
            next_event.exception()  # looked at, or asyncio complains
        await stream.aclose()


def _token(token: str) -> bytes:
    return ServerEvent("token", json.dumps(token)).encode()


def _problem(problem: Problem, page: Page) -> bytes:
    shown = tell_visitor(problem, shows_all=page.shows_all)
    return ServerEvent("problem", shown.body().decode()).encode()


def _passed_on(event: ServerEvent, now: float, page: Page) -> bytes:
    if event.name in {_READY.name, AWAY.name} or (page.shows_all and event.name in _OF_LOG):
        return event.encode()
    if event.name in {"state", "end"}:
        with contextlib.suppress(ValueError):
            preview = read_preview(json.loads(event.data))
            return _state(event, preview, now, page)
    return STILL_HERE


def _state(event: ServerEvent, preview: Preview, now: float, page: Page) -> bytes:
    """Return an event with what a page is to know of a preview."""
    shown = view.show(
        preview if page.shows_all else brief_preview(preview), now, refused=page.refused
    )
    return event._replace(data=json.dumps(shown.message())).encode()
