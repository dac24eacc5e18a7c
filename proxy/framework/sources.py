"""What the pages of a preview follow: one stream of the framework's, whatever their number.

It begins with the first page and ends some seconds after the last one, or with the preview. One
that breaks is opened again where it ended; pages stay, and are told that the framework is away.
Each page reads at its own speed: nothing is kept for one that is slow. It is told the last state
alone, and what it misses of the log is read for it, as for one that came late. Belongs to the event
loop's thread.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import NamedTuple

from program.server_events import ServerEvent
from proxy.framework.log_window import LogWindow, Reader
from proxy.model.errors import ApiAway, ApiRefused
from proxy.ports import Framework

LINGER_SECONDS = 5.0
"""Who comes again, as a page does that was loaded anew, is not missed in between."""
AGAIN_SECONDS = 1.0
"""Between two attempts to follow; and for so long what was told of an end is told again."""
AWAY = ServerEvent("away", "{}")
_BEAT = ServerEvent("", "")
_RESET = ServerEvent("reset", "{}", "0")

Pause = Callable[[float], Awaitable[object]]


class Sources:
    """All that is followed. `clock` and `pause` are in seconds."""

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
        self._sources: dict[tuple[str, str], _Source] = {}

    @property
    def count(self) -> int:
        """How many streams of the framework's are open, or about to be."""
        return sum(source.ended is None for source in self._sources.values())

    async def follow(
        self, app: str, sha: str, after: str | None
    ) -> AsyncGenerator[ServerEvent, None]:
        """Yield a preview's events to one page, as Framework.follow does, until there is an end.

        A framework that is away is told as an event, and waited for. Raises ApiRefused, and ApiAway
        where it is not waited for any more.
        """
        place = int(after) if after and after.isascii() and after.isdigit() else 0
        source = self._join(app, sha, place)
        try:
            async with contextlib.aclosing(source.read(place)) as events:
                async for event in events:
                    yield event
        finally:
            self._leave(source)

    def state(self, app: str, sha: str) -> ServerEvent | None:
        """Return the last state of a preview that is followed now, if there is one."""
        source = self._sources.get((app, sha))
        return source.state if source and source.ended is None and not source.is_away else None

    def forget_end(self, app: str, sha: str) -> None:
        """Have whoever comes next follow anew: the preview was asked for after it had ended."""
        source = self._sources.get((app, sha))
        if source and source.ended is not None:
            del self._sources[app, sha]

    def close(self) -> None:
        """Follow nothing any more."""
        for source in self._sources.values():
            source.close()
            if source.leaving is not None:
                source.leaving.cancel()

    def _join(self, app: str, sha: str, place: int) -> "_Source":
        self._sources = {key: one for key, one in self._sources.items() if not self._is_over(one)}
        source = self._sources.get((app, sha))
        if source is None:
            source = _Source(
                self._framework, (app, sha), place, clock=self._clock, pause=self._pause
            )
            self._sources[app, sha] = source
        source.pages += 1
        return source

    def _is_over(self, source: "_Source") -> bool:
        return source.ended is not None and self._clock() - source.ended > AGAIN_SECONDS

    def _leave(self, source: "_Source") -> None:
        source.pages -= 1
        if not source.pages and source.leaving is None and source.ended is None:
            source.leaving = asyncio.create_task(self._linger(source))

    async def _linger(self, source: "_Source") -> None:
        while not source.pages:
            await self._pause(LINGER_SECONDS)
            if not source.pages:
                source.close()
                if self._sources.get(source.key) is source:
                    del self._sources[source.key]
                return
        source.leaving = None


class _Counts(NamedTuple):
    """How much there was of each, by now or when a page looked last."""

    states: int = 0
    resets: int = 0
    aways: int = 0
    beats: int = 0


class _Page:
    """What one page has seen: up to where in the log, and how much of the rest."""

    def __init__(self, place: int, seen: _Counts) -> None:
        self.reader = Reader(place)
        self.seen = seen


class _Source:
    """One preview, followed from `place` of its log on. `ended` is when that was over."""

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
        self._answers = False
        self._attempt: object = None
        self._end: ServerEvent | ApiRefused | None = None
        self._news = asyncio.Event()
        self._late: dict[int, asyncio.Task[tuple[str, int]]] = {}
        self._task = asyncio.create_task(self._follow())

    def close(self) -> None:
        """End the stream."""
        self._task.cancel()

    async def read(self, place: int) -> AsyncGenerator[ServerEvent, None]:
        """Yield what one page is told, which has the log up to a place. Raises as follow does."""
        counts = self._counts
        seen = counts._replace(states=0, aways=counts.aways - self.is_away)
        page = _Page(place, seen)
        while True:
            news = self._news
            for event in self._take_news(page):
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
                raise ApiAway("it is not followed any more")
            else:
                await news.wait()

    def _take_news(self, page: _Page) -> list[ServerEvent]:
        """Return what is new to a page, but for the log; it has seen that then."""
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
        """Return what is before the window, read once for all who are there."""
        place = reader.place
        reading = self._late.get(place)
        if reading is None:
            reading = asyncio.create_task(self._framework.read_log(*self.key, place))
            reading.add_done_callback(lambda _: self._late.pop(place, None))
            self._late[place] = reading
        try:
            text, end = await asyncio.shield(reading)
        except ApiAway:
            await self._pause(AGAIN_SECONDS)
            return None
        # Where there is nothing, the log is another attempt's by now: what was kept is left.
        reader.place, reader.number = end if text else max(self._window.begin, place), None
        return ServerEvent("log", json.dumps(text, ensure_ascii=False), str(end)) if text else None

    async def _follow(self) -> None:
        """Follow until there is an end. It is away meanwhile where it cannot be followed."""
        try:
            while self._end is None:
                try:
                    goes_on = await self._follow_once()
                except ApiAway:
                    goes_on = False
                    if not self._answers:  # one that has broken goes on at the next framework
                        self._count(aways=not self.is_away)
                        self.is_away = True
                except ApiRefused as refusal:
                    self._end = refusal
                    return
                if not goes_on and self._end is None:
                    self._count(beats=1)
                    self._wake_pages()
                    await self._pause(AGAIN_SECONDS)
        finally:
            self.ended = self._clock()
            self._wake_pages()

    async def _follow_once(self) -> bool:
        """Take what comes until that ends; tell whether it is to be followed again at once."""
        after = str(self._window.end) if self._window.end else None
        self._answers = False
        async with contextlib.aclosing(self._framework.follow(*self.key, after)) as events:
            async for event in events:
                is_first, self._answers = not self._answers, True
                if event.name == "state" and self._turns(event, is_first=is_first):
                    self._begin_anew()
                    if is_first and after is not None:  # which is a place in the other's log
                        return True
                self._take(event)
                self._wake_pages()
                if self._end is not None:
                    break
        return False

    def _turns(self, state: ServerEvent, *, is_first: bool) -> bool:
        """Tell whether another attempt is told of than before, and no event will say so.

        That is so where this did not follow, or has nothing of a log yet.
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
            self._begin_anew()
        elif event.name == "end":
            self._end = event
        else:
            self._count(beats=1)

    def _begin_anew(self) -> None:
        self._window = LogWindow(0)
        self._count(resets=1)

    def _count(self, *, states: int = 0, resets: int = 0, aways: int = 0, beats: int = 0) -> None:
        more = (states, resets, aways, beats)
        self._counts = _Counts(*(had + one for had, one in zip(self._counts, more, strict=True)))

    def _wake_pages(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


def _read_attempt(event: ServerEvent) -> object:
    try:
        state = json.loads(event.data)
    except ValueError:
        return None
    return state.get("task_id") if isinstance(state, dict) else None
