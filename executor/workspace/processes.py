"""Ends a command with its process group."""

import os
import signal
import subprocess
import threading

_SIGKILL_AFTER = 3.0
"""Seconds that git and docker get to remove their own lock and temporary files."""


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """Send SIGTERM to the process group that `process` leads, and SIGKILL some seconds later.

    Doesn't block. Does nothing if the process has been waited for: its pid may be another's by now.
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
