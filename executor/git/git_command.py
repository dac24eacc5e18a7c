"""Runs git as a process group, with limits on time and output. The only module with GitPython."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from git.cmd import Git
from git.exc import GitCommandNotFound

from executor.errors import ExecutorError
from executor.ports import Signals
from executor.workspace.processes import end_group

_MOST_OUTPUT = 64_000_000
"""In bytes: the list of a repository's branches may be long, and is untrusted."""

_MOST_STDERR = 64_000
"""In bytes: the end of stderr is kept, which has the reason."""


Take = Callable[[bytes], object]
"""Takes the pieces of an output."""


class TookTooLong(Exception):
    """The time for reading a repository is over."""


class Deadline:
    """When reading a repository must end: `limit` seconds from now, plus waits for others."""

    def __init__(self, limit: float) -> None:
        self._end = time.monotonic() + limit

    def left(self) -> float:
        """Return the seconds that are left. Raises TookTooLong."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TookTooLong
        return left

    def extend(self, seconds: float) -> None:
        """Make the end later."""
        self._end += seconds


class Done(NamedTuple):
    """How git ended: its exit code, its stdout, and the end of its stderr."""

    code: int
    output: bytes
    stderr: str


class GitCommand:
    """git in a working folder. Its processes and their children end with the attempt."""

    def __init__(self, folder: Path, signals: Signals, deadline: Deadline) -> None:
        self._folder = folder
        self._signals = signals
        self._deadline = deadline

    def run(
        self, *arguments: str, environment: Mapping[str, str], each: Take | None = None
    ) -> Done:
        """Run git to its end. Raises TookTooLong, Stopped, and ExecutorError for too much output.

        `each` gets stdout as it comes, and `output` is then empty. If `each` raises, git ends.
        """
        self._deadline.left()
        # GitPython ends the process when this object is collected: keep it until git has ended.
        command = self._start(arguments, environment)
        process = command.proc
        if process is None:
            raise ExecutorError("git did not start on the agent.")
        try:
            with self._signals.interrupting(lambda: end_group(process)):
                output, errors = _listen(process, self._deadline, each)
        finally:
            if process.returncode is None:
                end_group(process)
                process.communicate()
        self._signals.check()
        return Done(process.returncode, output, errors.decode(errors="replace"))

    def _start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Git.AutoInterrupt:
        try:
            return Git(self._folder).execute(
                ["git", *arguments],
                as_process=True,
                env=dict(environment),
                start_new_session=True,
            )
        except GitCommandNotFound as exc:
            raise ExecutorError(
                "There is no git on the agent. Have its operator install it, then retry."
            ) from exc


def _listen(
    process: subprocess.Popen[bytes], deadline: Deadline, each: Take | None
) -> tuple[bytes, bytes]:
    """Wait for the end of a process; return its stdout and the end of its stderr."""
    if process.stdout is None or process.stderr is None:
        raise ExecutorError("git did not start on the agent.")
    output, errors = bytearray(), bytearray()
    with selectors.DefaultSelector() as open_ends:
        open_ends.register(process.stdout, selectors.EVENT_READ, each or output.extend)
        open_ends.register(process.stderr, selectors.EVENT_READ, errors.extend)
        while open_ends.get_map():
            for key, _ in open_ends.select(deadline.left()):
                data = os.read(key.fd, 65_536)
                key.data(data)
                if not data:
                    open_ends.unregister(key.fileobj)
            del errors[:-_MOST_STDERR]
            if len(output) > _MOST_OUTPUT:
                raise ExecutorError("git stopped: the repository sends more than agents read.")
    try:
        process.wait(deadline.left())
    except subprocess.TimeoutExpired:
        raise TookTooLong from None
    return bytes(output), bytes(errors)
