"""Ends everything that a bench has started, however the bench ends.

Whoever starts something ends it, by a `with` or a `finally`. So a signal must become an exception.
A program that was just starting when the signal came is found by its folder.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

from local.parts import processes
from local.parts.processes import Identity

_GRACE = 30.0  # seconds: a supervisor ends a whole cluster first
_LOOKS = 3  # processes that end may leave others
_PROC = Path("/proc")
_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """This process got a signal to end."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(f"it was ended by {number.name}")
        self.status = 128 + number


@contextlib.contextmanager
def cleaned_up(folder: Path) -> Iterator[None]:
    """Make a signal raise Interrupted in the block, once; at its end, end all that was started.

    That is all descendants of this process, and all processes that work in `folder`.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, _raise)
    try:
        yield
    finally:
        _ignore()
        for _ in range(_LOOKS):
            if not (left := set(_left(folder))):
                break
            processes.end(left, _GRACE)


def _raise(number: int, frame: FrameType | None) -> None:
    del frame
    _ignore()
    raise Interrupted(signal.Signals(number))


def _ignore() -> None:
    """Ignore further signals. (Child processes would inherit SIG_IGN.)"""
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def _left(folder: Path) -> Iterator[Identity]:
    """Yield this process's descendants, and processes that work in a folder or use a path of it."""
    parents: dict[int, int] = {}
    found = {os.getpid()}
    for entry in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            pid = int(entry.name)
            parents[pid] = processes.parse_stat((entry / "stat").read_text()).parent
            if (entry / "cwd").readlink().is_relative_to(folder):
                found.add(pid)
    for pid in _family(found, parents) - {os.getpid()}:
        if process := processes.identify(pid):
            yield process
    yield from processes.given(folder)


def _family(roots: set[int], parents: Mapping[int, int]) -> set[int]:
    """Return processes with all their descendants."""
    found = set(roots)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def run(
    command: Sequence[str], *, cwd: Path, how: signal.Signals = signal.SIGTERM
) -> tuple[int, str]:
    """Run a program to its end; return its status and its stdout. Its stderr goes to ours.

    If this process is interrupted, it sends the signal `how` to the program, and waits for its end.
    """
    with subprocess.Popen(
        command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=sys.stderr,
        text=True, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            output, _ = process.communicate()
        except BaseException:
            process.send_signal(how)
            process.communicate()
            raise
    return process.returncode, output
