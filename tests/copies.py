"""Programs that start as copies of a process that has imported them, for tests that start many.

The imports of a framework take a second. Tests of the command itself, `python -m PROGRAM`, start it
as a command: those of tests/e2e do, in the clusters of `prevs local up`.
"""

import atexit
import contextlib
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]


class Copy:
    """A process that runs or ran, with what subprocess.Popen has of it."""

    def __init__(self, program: str, pid: int, end: int) -> None:
        self.args = ["python", "-m", program]
        self.pid = pid
        self.returncode: int | None = None
        self._end = os.fdopen(end, "rb", buffering=0)
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once it has ended. Raises subprocess.TimeoutExpired."""
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Signal it; do nothing if it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended since
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _look(self, timeout: float | None) -> int | None:
        if self.returncode is None and self._has_ended(timeout):
            with self._lock:
                if self.returncode is None:
                    self.returncode = int(self._end.read() or _no_template())
        return self.returncode

    def _has_ended(self, timeout: float | None) -> bool:
        # Without the lock: another thread may end the copy while this one waits for that.
        poller = select.poll()
        poller.register(self._end, select.POLLIN)
        return bool(poller.poll(None if timeout is None else timeout * 1000))


def start(program: str, environ: Mapping[str, str], folder: Path, output: int) -> Copy:
    """Start a program in a folder; it writes to the file `output`."""
    return _template(program).start(environ, folder, output)


class _Template:
    """A process that has imported a program, and starts copies of itself."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._lock = threading.Lock()
        self._socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.template", program, str(other.fileno())],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[other.fileno()],
            )
        atexit.register(self._stop)

    def start(self, environ: Mapping[str, str], folder: Path, output: int) -> Copy:
        """Start a copy."""
        order = json.dumps({"environ": dict(environ), "folder": str(folder)}).encode()
        end, written = os.pipe()
        with self._lock:
            socket.send_fds(self._socket, [order], [output, written])
            os.close(written)
            pid = int(self._socket.recv(100) or _no_template())
        return Copy(self._program, pid, end)

    def _stop(self) -> None:
        self._socket.close()
        self._process.wait()


@functools.cache
def _template(program: str) -> _Template:
    return _Template(program)


def _no_template() -> str:
    raise RuntimeError("the template has ended; see what it wrote to stderr")
