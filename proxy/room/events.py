"""The event stream of a page: the framework's, and `ready` as soon as the proxy routes its host.

Events: token, with which the page asks for its log from then on, at once and again in time; log
(id: where in the log it ends) and reset (another attempt begins, and another log), as the framework
sends them; state and end, with the view of the preview; ready; problem; away, where no framework
answers; later, where too many pages follow: this one is told the state, and comes again.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, NamedTuple

from proxy.errors import ApiAway, ApiRefused
from proxy.ports import Framework
from proxy.preview import LogEvent, read_preview
from proxy.refusals import Refusals
from proxy.room import view
from proxy.room.brief import brief_preview, brief_problem
from proxy.room.tokens import LOG_LIFE_SECONDS
from proxy.routes import Route
from proxy.server_events import HEARTBEAT, write

_RECONNECT = b"retry: 1000\n\n"
LATER_SECONDS = 10
"""How often a page looks that cannot follow."""
_COME_LATER = f"retry: {LATER_SECONDS * 1000}\n\n".encode()
_LATER = LogEvent("later", None, "{}")
_READY = LogEvent("ready", None, "{}")
_OF_LOG = frozenset({"log", "reset"})
_RENEW_SECONDS = LOG_LIFE_SECONDS / 3


class Page(NamedTuple):
    """The page that follows: it has seen the log up to the event `after`.

    The task `refused` took no connection from it. `renew` gives its next token at a time (epoch
    seconds). Without `shows_all` it gets no log, and little of the preview. Unless it `lasts` it
    ends with the first state.
    """

    renew: Callable[[float], str]
    after: str | None = None
    refused: str = ""
    shows_all: bool = True
    lasts: bool = True


async def follow(
    framework: Framework,
    refusals: Refusals,
    host: str,
    *,
    preview: tuple[str, str],
    page: Page,
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[bytes]:
    """Yield the stream until the host is routed or there is nothing more to tell.

    `preview` is (app, sha), `clock` in seconds since the epoch. To be routed to the task that
    refused counts only once it takes connections. A framework that is away ends the stream: the
    browser comes again.
    """
    yield _RECONNECT if page.lasts else _COME_LATER
    renewed = clock()
    yield _token(page.renew(renewed))
    with refusals.awaited(host, page.refused) as routed:
        stream = framework.follow(*preview, page.after)
        try:
            async with contextlib.aclosing(_until(stream, routed)) as events:
                async for event in events:
                    now = clock()
                    if now - renewed > _RENEW_SECONDS:
                        renewed = now
                        yield _token(page.renew(now))
                    yield _passed_on(event, now, page)
                    if event.name == "state" and not page.lasts:
                        yield write(_LATER)
                        return
        except ApiRefused as refusal:
            problem = refusal.problem if page.shows_all else brief_problem(refusal.problem)
            yield write(LogEvent("problem", None, problem.body().decode()))
        except ApiAway:
            yield write(LogEvent("away", None, "{}"))


async def _until(
    stream: AsyncGenerator[LogEvent, None], routed: asyncio.Future[Route]
) -> AsyncGenerator[LogEvent, None]:
    """Yield what comes of `stream`, and `ready` instead of the rest once `routed` is done."""
    next_event: asyncio.Future[LogEvent | None] | None = None
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
    return write(LogEvent("token", None, json.dumps(token)))


def _passed_on(event: LogEvent, now: float, page: Page) -> bytes:
    if event.name == _READY.name or (page.shows_all and event.name in _OF_LOG):
        return write(event)
    if event.name in {"state", "end"}:
        with contextlib.suppress(ValueError):
            preview = read_preview(json.loads(event.data))
            preview = preview if page.shows_all else brief_preview(preview)
            shown = view.show(preview, now, refused=page.refused)
            return write(LogEvent(event.name, event.id, json.dumps(shown.message())))
    return HEARTBEAT
