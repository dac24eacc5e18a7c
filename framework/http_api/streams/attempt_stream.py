"""The log and the state of a preview or a job, as server-sent events.

event: log     id: the byte offset after this piece     data: a JSON string
event: output  id: as of log     data: {"source": "stdout", "base64": …}, instead of log, on request
event: gap     id: as of log     data: {"bytes": 17, "text": …}     this is missing, with `output`
event: state   data: the preview or job, at once and on each change
event: reset   id: 0     data: {"task_id": …}     a new attempt began, with a log of its own
event: end     data: the preview or job, once it is over and its log was read to the end
"""

import base64
import dataclasses
import itertools
import json
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Generic, TypeVar

import anyio
from pydantic import BaseModel

from framework.errors import NotAllowed, Unavailable
from framework.http_api.streams import logs
from framework.http_api.streams.logs import Logs
from framework.ports import OVER, LogExcerpt, Logged, LogPart
from prevs.log_sources import Source
from program.http.server_events import STILL_HERE, ServerEvent

R = TypeVar("R", bound=Logged)
S = TypeVar("S", bound=BaseModel)

TICK_S = 0.25
QUIET_TICK_S = 1.0
QUIET_AFTER_S = 5.0
KEEPALIVE_S = 10.0


def parse_event_id(last_event_id: str, offset: int) -> int:
    """Return the offset in a Last-Event-ID, else `offset`."""
    text = last_event_id.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else offset


@dataclasses.dataclass
class _Place:
    """The position of one viewer: the attempt's log, and the byte in it."""

    task_id: str | None
    offset: int
    grew: float
    looked: float = float("-inf")
    reported: str = ""


class AttemptStream(ABC, Generic[R, S]):
    """The events of records `R` that are shown as `S`. Belongs to the event loop's thread.

    `public` is as in Logs. With `apart`, output and gap come instead of log, where it is known who
    wrote what.
    """

    def __init__(
        self,
        reads: Logs,
        show: Callable[[R], S],
        *,
        public: bool = False,
        apart: bool = False,
        pause: Callable[[float], Awaitable[None]] = anyio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._public = public
        self._apart = apart
        self._logs = reads
        self._show = show
        self._pause = pause
        self._clock = clock

    async def follow(self, record: R, offset: int) -> AsyncGenerator[bytes, None]:
        """Yield the events of a preview or a job from `offset` of its log on, until it is over."""
        place = _Place(logs.find_log(record), offset, grew=self._clock())
        shown = self._show(record)
        yield _encode_shown("state", shown)
        if offset and not await self._reaches(record, offset):
            yield _reset(place, place.task_id)
        sent = self._clock()
        while True:
            record = await self.look(record)
            before, shown = shown, self._show(record)
            if changed := not self.looks_alike(shown, before):
                yield _encode_shown("state", shown)
            if event := _turn_to_new_attempt(place, record):
                yield event
            piece = await self._read_piece(record, place, at_once=changed)
            if piece:
                yield piece
            elif record.state in OVER:
                yield _encode_shown("end", shown)
                return
            now = self._clock()
            if changed or piece:
                sent = now
            elif now - sent >= KEEPALIVE_S:
                yield STILL_HERE
                sent = now
            if not piece:
                await self._pause(TICK_S)

    @abstractmethod
    async def look(self, record: R) -> R:
        """Return the record as it is now; it counts as over if its app was removed."""

    def looks_alike(self, now: S, before: S) -> bool:
        """Return whether nothing has changed that a viewer wants to know."""
        return now == before

    async def _reaches(self, record: R, offset: int) -> bool:
        """Return whether the log has a byte before `offset`, so that the stream can go on there."""
        try:
            return bool((await self._logs.read(record, offset - 1, public=self._public)).data)
        except Unavailable:
            return True

    async def _read_piece(self, record: R, place: _Place, *, at_once: bool) -> bytes | None:
        """Return the next piece of the log as an event; None if there is none now."""
        over = record.state in OVER
        now = self._clock()
        tick = TICK_S if now - place.grew < QUIET_AFTER_S else QUIET_TICK_S
        if not (at_once or over or now - place.looked >= tick):
            return None
        place.looked = now
        try:
            if self._apart:
                excerpt = await self._logs.read_parts(record, place.offset)
                if excerpt is not None:
                    return _show_parts(excerpt, place, now)
            data, end = await self._logs.read(record, place.offset, public=self._public)
        except NotAllowed as exc:
            return _report_missing(place, str(exc))
        except Unavailable:
            return None
        text, size = logs.cut_text(data, whole=False)
        if over and not size:
            text, size = logs.cut_text(data, whole=True)
        if not size:
            return None
        _advance(place, end - (len(data) - size), now)
        return _encode_log(text, place)


def _advance(place: _Place, offset: int, now: float) -> None:
    """Go to an offset, and look for more at once."""
    place.offset = offset
    place.grew = now
    place.looked = float("-inf")


def _show_parts(excerpt: LogExcerpt, place: _Place, now: float) -> bytes | None:
    """Return an event for each part of a log; None if there is none."""
    if not excerpt.parts:
        return None
    # Where something is missing in the file, that is the only part.
    ends = itertools.accumulate(len(part.data) for part in excerpt.parts)
    begin = excerpt.end - sum(len(part.data) for part in excerpt.parts)
    _advance(place, excerpt.end, now)
    found = zip(excerpt.parts, ends, strict=True)
    return b"".join(_encode_part(part, begin + end) for part, end in found)


def _encode_part(part: LogPart, end: int) -> bytes:
    name = "output"
    shown: dict[str, object] = {"source": part.source.name.lower()}
    if part.source is Source.NOBODY:
        name, shown = "gap", {"bytes": part.missing, "text": part.data.decode().strip("=\n ")}
    else:
        shown["base64"] = base64.b64encode(part.data).decode()
    return ServerEvent(name, json.dumps(shown), str(end)).encode()


def _report_missing(place: _Place, why: str) -> bytes | None:
    """Return an event that has the reason instead of the log; None if it was sent before."""
    if place.reported == why:
        return None
    place.reported = why
    return _encode_log(f"== {why} ==\n", place)


def _encode_log(text: str, place: _Place) -> bytes:
    data = json.dumps(text, ensure_ascii=False)
    return ServerEvent("log", data, str(place.offset)).encode()


def _encode_shown(name: str, shown: BaseModel) -> bytes:
    return ServerEvent(name, shown.model_dump_json()).encode()


def _turn_to_new_attempt(place: _Place, record: Logged) -> bytes | None:
    """Go to the log of a new attempt; return a reset if the viewer has some of the log before.

    Until the next attempt begins, the viewer keeps the log that it has.
    """
    task_id = logs.find_log(record)
    if task_id is None or task_id == place.task_id:
        return None
    if place.offset:
        return _reset(place, task_id)
    place.task_id = task_id
    return None


def _reset(place: _Place, task_id: str | None) -> bytes:
    place.task_id = task_id
    place.offset = 0
    return ServerEvent("reset", json.dumps({"task_id": task_id}), "0").encode()
