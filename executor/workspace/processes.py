"""A command in a process group of its own, which can be ended as a whole."""

import os
import signal
import subprocess
import threading

_SIGKILL_AFTER = 3.0
"""Seconds that git and docker get to remove their own lock and temporary files."""


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """Send SIGTERM to a process that leads a group, and to its group; SIGKILL some seconds later.

    Doesn't block. Does nothing when the process has been waited for: its number may be another's.
    """
    _signal_group(process, signal.SIGTERM)
    timer = threading.Timer(_SIGKILL_AFTER, _signal_group, (process, signal.SIGKILL))
    timer.daemon = True
    timer.start()


def _signal_group(process: "subprocess.Popen[bytes]", number: int) -> None:
    if process.returncode is None:
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
