"""Processes that a test lets hang: they accept connections, and do nothing."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from tests.waits import wait_until


def pause(pid: int) -> None:
    """Stop a process by SIGSTOP, and return when every thread of it has stopped.

    One thread takes the signal and stops the others, so on a busy machine these go on for a while
    after kill(2) has returned.
    """
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: set(_read_states(pid)) == {"T"}, f"process {pid} stops")


def resume(pid: int) -> None:
    """Let a paused process go on."""
    os.kill(pid, signal.SIGCONT)


def _read_states(pid: int) -> Iterator[str]:
    """Yield the state of each thread (proc(5), /proc/pid/stat), if it has not ended meanwhile."""
    for file in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(OSError):
            yield file.read_text().rpartition(")")[2].split()[0]
