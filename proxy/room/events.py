"""The event stream of a page: the framework's, and `ready` as soon as the proxy routes its host.

Events: log (id: where in the log it ends) and reset (another attempt begins, and another log), as
the framework sends them; state and end, with the view of the preview; ready; problem; away, where
no framework answers.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

from proxy.errors import ApiAway, ApiRefused
from proxy.ports import Framework
from proxy.preview import LogEvent, read_preview
from proxy.refusals import Refusals
from proxy.room import view
from proxy.routes import Route
from proxy.server_events import HEARTBEAT, write

_RECONNECT = b"retry: 1000\n\n"
_READY = LogEvent("ready", None, "{}")
_PASSED_ON = frozenset({"log", "reset", "ready"})


async def follow(
    framework: Framework,
    refusals: Refusals,
    host: str,
    *,
    preview: tuple[str, str],
    after: str | None,
    refused: str = "",
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[bytes]:
    """Yield the stream until the host is routed or there is nothing more to tell.

    `preview` is (app, sha), `clock` in seconds since the epoch. The task `refused` took no
    connection: to be routed there counts only once it does. A framework that is away ends the
    stream: the browser comes again.
    """
    yield _RECONNECT
    with refusals.awaited(host, refused) as routed:
        stream = framework.follow(*preview, after)
        try:
            async with contextlib.aclosing(_until(stream, routed)) as events:
                async for event in events:
                    yield _passed_on(event, clock(), refused)
        except ApiRefused as refusal:
            yield write(LogEvent("problem", None, refusal.problem.body().decode()))
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


def _passed_on(event: LogEvent, now: float, refused: str) -> bytes:
    if event.name in _PASSED_ON:
        return write(event)
    if event.name in {"state", "end"}:
        with contextlib.suppress(ValueError):
            shown = view.show(read_preview(json.loads(event.data)), now, refused=refused)
            return write(LogEvent(event.name, event.id, json.dumps(shown.message())))
    return HEARTBEAT
