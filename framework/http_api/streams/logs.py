"""Reads logs in threads beside the event loop. All readers of one place share one read."""

import asyncio
import codecs
import functools
import time
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, TypeVar

import anyio
import anyio.to_thread

from framework.http_api.streams.public_logs import Piece, PublicLogs
from framework.ports import OVER, LogExcerpt, Logged, Sandboxes
from prevs.jobs import JobState
from prevs.states import State

TAIL_SIZE = 4096
_LONGEST_ANSWER = 1024 * 1024
_SHARED_S = 0.2
_AT_A_TIME = 16
_QUEUED: frozenset[State | JobState] = frozenset({State.QUEUED, JobState.QUEUED})


T = TypeVar("T")


class _Read(NamedTuple):
    begun: float
    task: asyncio.Task[Any]


class Logs:
    """The logs of the last attempts of previews and jobs. Belongs to the event loop's thread."""

    def __init__(self, sandboxes: Sandboxes, clock: Callable[[], float] = time.monotonic) -> None:
        self._sandboxes = sandboxes
        self._clock = clock
        self._limit = anyio.CapacityLimiter(_AT_A_TIME)
        self._reads: dict[tuple[str, int, bool, bool], _Read] = {}
        self._public = PublicLogs(self._read_shared)

    async def read(self, logged: Logged, offset: int, *, public: bool = False) -> Piece:
        """Return some of the log after `offset`; nothing at its end, or without a log.

        The piece may begin later if only the end of the log is kept. With `public` it ends where
        the application's own output begins. Raises Unavailable.
        """
        if public:
            return await self._public.read(logged, offset)
        return await self._read_shared(logged, offset)

    async def read_parts(self, logged: Logged, offset: int) -> LogExcerpt | None:
        """Return some of the log after `offset` in parts by who wrote it; None if nobody knows.

        Raises Unavailable.
        """
        task_id = find_log(logged)
        if task_id is None:
            return LogExcerpt((), offset)
        work = functools.partial(self._sandboxes.read_parts, logged, offset)
        key = (task_id, offset, logged.state in OVER, True)
        return await self._share(key, functools.partial(self._run, work))

    async def _read_shared(self, logged: Logged, offset: int) -> Piece:
        """Return some of a log. Raises Unavailable."""
        task_id = find_log(logged)
        if task_id is None:
            return Piece(b"", offset)
        # A read from before the log was over may lack its end.
        key = (task_id, offset, logged.state in OVER, False)
        return await self._share(key, functools.partial(self._read, logged, offset))

    async def _share(
        self, key: tuple[str, int, bool, bool], read: Callable[[], Coroutine[Any, Any, T]]
    ) -> T:
        """Return what `read` does; those who read the same at about the same time share it."""
        now = self._clock()
        known = self._reads.get(key)
        if known is None or not _is_shared(known, now):
            self._reads = {place: one for place, one in self._reads.items() if _is_shared(one, now)}
            known = _Read(now, asyncio.create_task(read()))
            known.task.add_done_callback(_retrieve_error)
            self._reads[key] = known
        # A reader that goes away must not cancel the read of the others.
        found: T = await asyncio.shield(known.task)
        return found

    async def read_text(
        self, logged: Logged, offset: int, *, public: bool = False
    ) -> tuple[str, int]:
        """Return the log after `offset` as text, and the offset after that, as `read_bytes`."""
        data, end = await self.read_bytes(logged, offset, public=public)
        return data.decode("utf-8", "replace"), end

    async def read_bytes(
        self, logged: Logged, offset: int, *, public: bool = False
    ) -> tuple[bytes, int]:
        """Return the log after `offset`, at most a megabyte, and the offset after that.

        No character is cut at its end. Raises Unavailable.
        """
        data, end = b"", offset
        while len(data) < _LONGEST_ANSWER:
            piece = await self.read(logged, end, public=public)
            if not piece.data:
                break
            data, end = data + piece.data, piece.end
        _, size = cut_text(data, whole=logged.state in OVER)
        return data[:size], end - (len(data) - size)

    async def read_tail(self, logged: Logged, *, public: bool = False) -> str:
        """Return the last lines as text. Raises Unavailable."""
        if public:
            data = await self._public.read_tail(logged, TAIL_SIZE)
            return data.decode("utf-8", "replace")
        work = functools.partial(self._sandboxes.tail, logged, TAIL_SIZE)
        tail, _ = await self._run(work)
        return tail.decode("utf-8", "replace")

    async def _read(self, logged: Logged, offset: int) -> Piece:
        return Piece(*await self._run(functools.partial(self._sandboxes.read, logged, offset)))

    async def _run(self, work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(work, limiter=self._limit)


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
