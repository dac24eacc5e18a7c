"""The events of a preview for all of its open pages, from one stream of the framework.

A stream begins with the first page. It ends some seconds after the last page, or with the preview.
A broken stream is opened again where it ended; meanwhile its pages get the event `away`.

Each page reads at its own speed, and nothing is stored for a slow page: it gets only the last
state, and the part of the log that it missed is read again, as for a page that came late. Belongs
to the event loop's thread.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import NamedTuple

from program.http.server_events import ServerEvent
from proxy.framework.log_window import LogWindow, Reader
from proxy.model.errors import ApiAway, ApiRefused
from proxy.ports import Framework

LINGER_SECONDS = 5.0
"""A page that is reloaded leaves a short gap without a page."""
RETRY_SECONDS = 1.0
"""The pause before a stream is opened again, and how long the end of a stream is kept for pages."""
AWAY = ServerEvent("away", "{}")
_BEAT = ServerEvent("", "")
_RESET = ServerEvent("reset", "{}", "0")

Pause = Callable[[float], Awaitable[object]]


class PreviewStreams:
    """The streams of all previews that pages follow. `clock` and `pause` are in seconds."""

    def __init__(
        self,
        framework: Framework,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._framework = framework
        self._clock = clock
        self._pause = pause
        self._streams: dict[tuple[str, str], _PreviewStream] = {}

    @property
    def count(self) -> int:
        """How many streams are open, or about to be opened."""
        return sum(stream.ended is None for stream in self._streams.values())

    async def follow(
        self, app: str, sha: str, after: str | None
    ) -> AsyncGenerator[ServerEvent, None]:
        """Yield a preview's events to one page, as Framework.follow does, until the stream ends.

        While the framework is away, the page gets the event `away`, and the stream goes on later.
        Raises ApiRefused, and ApiAway if the stream was closed.
        """
        place = int(after) if after and after.isascii() and after.isdigit() else 0
        stream = self._add_page(app, sha, place)
        try:
            async with contextlib.aclosing(stream.read(place)) as events:
                async for event in events:
                    yield event
        finally:
            self._remove_page(stream)

    def state(self, app: str, sha: str) -> ServerEvent | None:
        """Return the last state of a preview that is followed now; None if it is not known."""
        stream = self._streams.get((app, sha))
        return stream.state if stream and stream.ended is None and not stream.is_away else None

    def forget_end(self, app: str, sha: str) -> None:
        """Open a new stream for the next page: the preview was requested after its stream ended."""
        stream = self._streams.get((app, sha))
        if stream and stream.ended is not None:
            del self._streams[app, sha]

    def close(self) -> None:
        """Close all streams."""
        for stream in self._streams.values():
            stream.close()
            if stream.leaving is not None:
                stream.leaving.cancel()

    def _add_page(self, app: str, sha: str, place: int) -> "_PreviewStream":
        self._streams = {
            key: one for key, one in self._streams.items() if not self._has_expired(one)
        }
        stream = self._streams.get((app, sha))
        if stream is None:
            stream = _PreviewStream(
                self._framework, (app, sha), place, clock=self._clock, pause=self._pause
            )
            self._streams[app, sha] = stream
        stream.pages += 1
        return stream

    def _has_expired(self, stream: "_PreviewStream") -> bool:
        return stream.ended is not None and self._clock() - stream.ended > RETRY_SECONDS

    def _remove_page(self, stream: "_PreviewStream") -> None:
        stream.pages -= 1
        if not stream.pages and stream.leaving is None and stream.ended is None:
            stream.leaving = asyncio.create_task(self._linger(stream))

    async def _linger(self, stream: "_PreviewStream") -> None:
        while not stream.pages:
            await self._pause(LINGER_SECONDS)
            if not stream.pages:
                stream.close()
                if self._streams.get(stream.key) is stream:
                    del self._streams[stream.key]
                return
        stream.leaving = None


class _Counts(NamedTuple):
    """How many changes of each kind there were, until now or until a page last read."""

    states: int = 0
    resets: int = 0
    aways: int = 0
    beats: int = 0


class _Page:
    """What one page has read: the log up to a place, and the changes so far."""

    def __init__(self, place: int, seen: _Counts) -> None:
        self.reader = Reader(place)
        self.seen = seen


class _PreviewStream:
    """The stream of one preview, from `place` of its log on. `ended` is when it ended."""

    def __init__(
        self,
        framework: Framework,
        key: tuple[str, str],
        place: int,
        *,
        clock: Callable[[], float],
        pause: Pause,
    ) -> None:
        self.key = key
        self.pages = 0
        self.leaving: asyncio.Task[None] | None = None
        self.state: ServerEvent | None = None
        self.is_away = False
        self.ended: float | None = None
        self._framework = framework
        self._clock = clock
        self._pause = pause
        self._window = LogWindow(place)
        self._counts = _Counts()
        self._has_answered = False
        self._attempt: object = None
        self._end: ServerEvent | ApiRefused | None = None
        self._changed = asyncio.Event()
        self._late: dict[int, asyncio.Task[tuple[str, int]]] = {}
        self._task = asyncio.create_task(self._follow())

    def close(self) -> None:
        """End the stream."""
        self._task.cancel()

    async def read(self, place: int) -> AsyncGenerator[ServerEvent, None]:
        """Yield the events for a page that has the log up to a place. Raises as follow does."""
        counts = self._counts
        seen = counts._replace(states=0, aways=counts.aways - self.is_away)
        page = _Page(place, seen)
        while True:
            changed = self._changed
            for event in self._take_changes(page):
                yield event
            if self._window.is_ahead_of(page.reader):
                late = await self._read_late(page.reader)
                if late is not None and page.seen.resets == self._counts.resets:
                    yield late
            elif (piece := self._window.take(page.reader)) is not None:
                yield piece
            elif isinstance(self._end, ApiRefused):
                raise self._end
            elif self._end is not None:
                yield self._end
                return
            elif self.ended is not None:
                raise ApiAway("nobody follows it any more")
            else:
                await changed.wait()

    def _take_changes(self, page: _Page) -> list[ServerEvent]:
        """Return the events that are new to a page, without the log, and mark them as read."""
        seen, now, events = page.seen, self._counts, list[ServerEvent]()
        if seen.states != now.states and self.state is not None:
            events.append(self.state)
        if seen.resets != now.resets:
            if page.reader.place:
                events.append(_RESET)
            page.reader = Reader(0)
        if seen.aways != now.aways and self.is_away:
            events.append(AWAY)
        if seen.beats != now.beats and not events:
            events.append(_BEAT)
        page.seen = now
        return events

    async def _read_late(self, reader: Reader) -> ServerEvent | None:
        """Return a part of the log before the window; pages at the same place share one call."""
        place = reader.place
        reading = self._late.get(place)
        if reading is None:
            reading = asyncio.create_task(self._framework.read_log(*self.key, place))
            reading.add_done_callback(lambda _: self._late.pop(place, None))
            self._late[place] = reading
        try:
            text, end = await asyncio.shield(reading)
        except ApiAway:
            await self._pause(RETRY_SECONDS)
            return None
        # If there is nothing, the log is another attempt's now: go on with the window.
        reader.place, reader.number = end if text else max(self._window.begin, place), None
        return ServerEvent("log", json.dumps(text, ensure_ascii=False), str(end)) if text else None

    async def _follow(self) -> None:
        """Follow the preview until its end; open the stream again whenever it breaks."""
        try:
            while self._end is None:
                try:
                    at_once = await self._follow_once()
                except ApiAway:
                    at_once = False
                    if not self._has_answered:  # a broken stream goes on at the next framework
                        self._count(aways=not self.is_away)
                        self.is_away = True
                except ApiRefused as refusal:
                    self._end = refusal
                    return
                if not at_once and self._end is None:
                    self._count(beats=1)
                    self._notify_pages()
                    await self._pause(RETRY_SECONDS)
        finally:
            self.ended = self._clock()
            self._notify_pages()

    async def _follow_once(self) -> bool:
        """Take the events of one stream; return whether to open the next stream at once."""
        after = str(self._window.end) if self._window.end else None
        self._has_answered = False
        async with contextlib.aclosing(self._framework.follow(*self.key, after)) as events:
            async for event in events:
                is_first, self._has_answered = not self._has_answered, True
                if event.name == "state" and self._is_other_attempt(event, is_first=is_first):
                    self._restart()
                    if is_first and after is not None:  # a place in the other attempt's log
                        return True
                self._take(event)
                self._notify_pages()
                if self._end is not None:
                    break
        return False

    def _is_other_attempt(self, state: ServerEvent, *, is_first: bool) -> bool:
        """Return whether a state begins another attempt, and no `reset` event will follow.

        No reset comes if the attempt began while no stream was open, or if the log is empty so far.
        """
        before, self._attempt = self._attempt, _read_attempt(state)
        is_other = self._counts.states > 0 and self._attempt != before
        return is_other and (is_first or not self._window.end)

    def _take(self, event: ServerEvent) -> None:
        if event.name == "state":
            self.state = event
            self._count(states=1)
            self.is_away = False
        elif event.name == "log":
            self._window.add(event)
        elif event.name == "reset":
            self._restart()
        elif event.name == "end":
            self._end = event
        else:
            self._count(beats=1)

    def _restart(self) -> None:
        self._window = LogWindow(0)
        self._count(resets=1)

    def _count(self, *, states: int = 0, resets: int = 0, aways: int = 0, beats: int = 0) -> None:
        more = (states, resets, aways, beats)
        self._counts = _Counts(*(had + one for had, one in zip(self._counts, more, strict=True)))

    def _notify_pages(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _read_attempt(event: ServerEvent) -> object:
    try:
        state = json.loads(event.data)
    except ValueError:
        return None
    return state.get("task_id") if isinstance(state, dict) else None
