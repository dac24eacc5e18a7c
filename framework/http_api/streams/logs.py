"""Reads logs in threads beside the event loop. All readers of one place share one read."""

import asyncio
import codecs
import functools
import time
from collections.abc import Callable
from typing import NamedTuple

import anyio
import anyio.to_thread

from framework.http_api.streams.public_logs import Piece, PublicLogs
from framework.ports import OVER, Logged, Sandboxes
from prevs.jobs import JobState
from prevs.states import State

TAIL_SIZE = 4096
_LONGEST_ANSWER = 1024 * 1024
_SHARED_S = 0.2
_AT_A_TIME = 16
_QUEUED: frozenset[State | JobState] = frozenset({State.QUEUED, JobState.QUEUED})


class _Read(NamedTuple):
    begun: float
    task: asyncio.Task[Piece]


class Logs:
    """The logs of the last attempts of previews and jobs. Belongs to the event loop's thread."""

    def __init__(self, sandboxes: Sandboxes, clock: Callable[[], float] = time.monotonic) -> None:
        self._sandboxes = sandboxes
        self._clock = clock
        self._limit = anyio.CapacityLimiter(_AT_A_TIME)
        self._reads: dict[tuple[str, int, bool], _Read] = {}
        self._public = PublicLogs(self._read_shared)

    async def read(self, logged: Logged, offset: int, *, public: bool = False) -> Piece:
        """Return some of the log after `offset`; nothing at its end, or without a log.

        The piece may begin later if only the end of the log is kept. With `public` it ends where
        the application's own output begins. Raises Unavailable.
        """
        if public:
            return await self._public.read(logged, offset)
        return await self._read_shared(logged, offset)

    async def _read_shared(self, logged: Logged, offset: int) -> Piece:
        """Return some of a log.

        Readers of one place at about the same time share one read. Raises Unavailable.
        """
        task_id = find_log(logged)
        if task_id is None:
            return Piece(b"", offset)
        now = self._clock()
        # A read from before the log was over may lack its end.
        key = (task_id, offset, logged.state in OVER)
        known = self._reads.get(key)
        if known is None or not _is_shared(known, now):
            self._reads = {place: one for place, one in self._reads.items() if _is_shared(one, now)}
            known = _Read(now, asyncio.create_task(self._read(logged, offset)))
            known.task.add_done_callback(_retrieve_error)
            self._reads[key] = known
        # A reader that goes away must not cancel the read of the others.
        return await asyncio.shield(known.task)

    async def read_text(
        self, logged: Logged, offset: int, *, public: bool = False
    ) -> tuple[str, int]:
        """Return the log after `offset` as text, at most a megabyte, and the offset after that.

        Raises Unavailable.
        """
        data, end = b"", offset
        while len(data) < _LONGEST_ANSWER:
            piece = await self.read(logged, end, public=public)
            if not piece.data:
                break
            data, end = data + piece.data, piece.end
        text, size = cut_text(data, whole=logged.state in OVER)
        return text, end - (len(data) - size)

    async def read_tail(self, logged: Logged, *, public: bool = False) -> str:
        """Return the last lines as text. Raises Unavailable."""
        if public:
            data = await self._public.read_tail(logged, TAIL_SIZE)
            return data.decode("utf-8", "replace")
        work = functools.partial(self._sandboxes.tail, logged, TAIL_SIZE)
        tail, _ = await anyio.to_thread.run_sync(work, limiter=self._limit)
        return tail.decode("utf-8", "replace")

    async def _read(self, logged: Logged, offset: int) -> Piece:
        work = functools.partial(self._sandboxes.read, logged, offset)
        return Piece(*await anyio.to_thread.run_sync(work, limiter=self._limit))


def find_log(logged: Logged) -> str | None:
    """Return the task whose output is the log of a preview or a job; None while that is queued."""
    return None if logged.state in _QUEUED else logged.task_id


def cut_text(data: bytes, *, whole: bool) -> tuple[str, int]:
    """Return the text in `data` and its size in bytes, without a cut character at the end.

    With `whole`, no data follows: a cut character is replaced like other bytes that are not UTF-8.
    """
    return codecs.utf_8_decode(data, "replace", whole)


def _is_shared(read: _Read, now: float) -> bool:
    return not read.task.done() or now - read.begun < _SHARED_S


def _retrieve_error(task: asyncio.Task[Piece]) -> None:
    """Retrieve a task's exception: else asyncio logs it if all readers have left."""
    if not task.cancelled():
        task.exception()
