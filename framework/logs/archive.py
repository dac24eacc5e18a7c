"""Keeps the ends of the logs of ended attempts, in files of the framework.

An agent removes a sandbox after a while, or may be gone itself. But a failed preview stays failed,
and a visitor wants to know why. Each attempt has one file, named like its task.
"""

import contextlib
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from framework.errors import Unavailable
from framework.ports import OVER, LogExcerpt, Logged, Sandboxes, SandboxFile

SIZE = 64 * 1024
"""How many bytes of one log are kept at most."""

_GONE = b"== what came before is gone ==\n"
_HALF = ".half"


class _Kept(NamedTuple):
    """The end of a log; `begin` is the offset in the log of its first byte."""

    begin: int
    data: bytes


_NOTHING = _Kept(0, b"")


class LogArchive:
    """A folder of ends of logs, by task. Thread safe: a file gets its name once it is complete.

    Raises OSError if the folder cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def tasks(self) -> Collection[str]:
        """Return the tasks whose logs are kept."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return {file.name for file in self._folder.iterdir()}

    def has(self, task_id: str) -> bool:
        """Return whether the log of a task is kept."""
        return (self._folder / task_id).exists()

    def keep(self, task_id: str, data: bytes, end: int) -> None:
        """Keep `data`, the last bytes of a log of `end` bytes.

        If that is not all of the log, a first line that says so replaces the bytes before it.
        """
        begin = end - len(data)
        if begin > 0:
            lost = _GONE[-begin:]
            begin, data = begin - len(lost), lost + data
        half = self._folder / f"{task_id}{_HALF}"
        half.write_bytes(b"%d\n%b" % (begin, data))
        half.rename(self._folder / task_id)

    def forget(self, task_id: str) -> None:
        """Remove the log of a task, if it is kept."""
        (self._folder / task_id).unlink(missing_ok=True)

    def read(self, task_id: str, offset: int) -> tuple[bytes, int]:
        """Return the kept bytes after `offset` of the log, and the next offset."""
        begin, data = self._load(task_id)
        found = data[max(0, offset - begin) :]
        return found, max(offset, begin) + len(found) if found else offset

    def tail(self, task_id: str, size: int) -> tuple[bytes, int]:
        """Return at most the last `size` bytes, in whole lines, and how long the log is."""
        begin, data = self._load(task_id)
        end = begin + len(data)
        if len(data) <= size:
            return data, end
        _, _, whole_lines = data[-size:].partition(b"\n")
        return whole_lines or data[-size:], end

    def _load(self, task_id: str) -> _Kept:
        with contextlib.suppress(FileNotFoundError, ValueError):
            begin, _, data = (self._folder / task_id).read_bytes().partition(b"\n")
            return _Kept(int(begin), data)
        return _NOTHING


class ArchivedSandboxes:
    """The output of attempts as framework.ports.Sandboxes, also after a sandbox is gone.

    For an ended attempt, the archive replaces a missing sandbox. Thread safe.
    """

    def __init__(self, sandboxes: Sandboxes, kept: LogArchive) -> None:
        self._sandboxes = sandboxes
        self._kept = kept

    def has(self, task_id: str) -> bool:
        """Return whether the archive has a task's log. Reads the disk."""
        return self._kept.has(task_id)

    def read(self, logged: Logged, offset: int) -> tuple[bytes, int]:
        """Return the last attempt's output after byte `offset`, and the next offset.

        It may begin later if the archive has only the end. Raises Unavailable if the agent does not
        answer and the archive has nothing.
        """
        is_kept = self._is_kept(logged)
        try:
            data, after = self._sandboxes.read(logged, offset)
        except Unavailable:
            if not is_kept:
                raise
        else:
            if data or not is_kept:
                return data, after
        return self._kept.read(logged.task_id or "", offset)

    def read_parts(self, logged: Logged, offset: int) -> LogExcerpt | None:
        """Return the next parts of the last attempt's output; None of what the archive has."""
        is_kept = self._is_kept(logged)
        try:
            found = self._sandboxes.read_parts(logged, offset)
        except Unavailable:
            if not is_kept:
                raise
            return None
        return None if is_kept and found is not None and not found.parts else found

    def tail(self, logged: Logged, size: int) -> tuple[bytes, int]:
        """Return at most the last `size` bytes, in whole lines, and the offset after them."""
        if self._is_kept(logged):
            return self._kept.tail(logged.task_id or "", size)
        return self._sandboxes.tail(logged, size)

    def open_file(self, logged: Logged, path: str) -> SandboxFile | None:
        """Open a file of a sandbox; the archive has none. As framework.ports.Sandboxes says."""
        return self._sandboxes.open_file(logged, path)

    def kept_for(self, logged: Logged) -> float | None:
        """Return for how many seconds the agent keeps a sandbox, as framework.ports.Sandboxes."""
        return self._sandboxes.kept_for(logged)

    def _is_kept(self, logged: Logged) -> bool:
        is_over = logged.state in OVER and logged.task_id is not None
        return is_over and self._kept.has(logged.task_id or "")
