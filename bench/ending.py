"""Whatever ends a bench, nothing that it has started goes on.

What starts something ends it, in the block of a `with` or a `finally`. So a signal has to be an
exception. What was started in the very moment in which it came is found by its folder.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

from local import processes
from local.processes import Identity

_GRACE = 30.0  # seconds: a supervisor ends a whole cluster first
_LOOKS = 3  # what ends may leave something, too
_PROC = Path("/proc")
_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class Ended(BaseException):
    """This process was told to end."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(f"it was ended by {number.name}")
        self.status = 128 + number


@contextlib.contextmanager
def all_ended(folder: Path) -> Iterator[None]:
    """Have signals raise Ended in the block, once; after it nothing runs that was started there.

    Those are the children of this process and theirs, and whatever works in `folder`.
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
    raise Ended(signal.Signals(number))


def _ignore() -> None:
    """Have no more signals interrupt the end. (SIG_IGN would be inherited by what is started.)"""
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def _left(folder: Path) -> Iterator[Identity]:
    """Yield what comes from this process, and what works in a folder or was given one of it."""
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
    """Return processes with all that come from them."""
    found = set(roots)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def run(
    command: Sequence[str], *, cwd: Path, how: signal.Signals = signal.SIGTERM
) -> tuple[int, str]:
    """Run a program to its end; return its status and what it printed. The rest goes to stderr.

    What ends this process ends that one in order, by the signal `how`, and is waited for.
    """
    with subprocess.Popen(
        command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=sys.stderr,
        text=True, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            said, _ = process.communicate()
        except BaseException:
            process.send_signal(how)
            process.communicate()
            raise
    return process.returncode, said
