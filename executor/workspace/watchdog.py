"""A process beside the executor that outlives it, and cleans up if the executor is killed.

The executor writes to a pipe what the watchdog has to remove. The end of the pipe shows that the
executor has ended, however it ended. Mesos's posix launcher kills the executor's descendants with
their process groups and sessions; the watchdog is in none of these. (A cgroup launcher kills it
too. Then the reaper of the next executor cleans up.)

While it waits it is a shell, which takes far less memory than a Python process. At the end the
shell becomes executor/cleanup/orphans.py.
"""

import contextlib
import os
import sys
from pathlib import Path

MARK = "PREVS_GUARDED"
"""The environment variable that marks the processes that an executor starts. The executor and the
watchdog do not have it: /proc shows the environment with which a process was started."""

_SCRIPT = Path(__file__).with_name("watchdog.sh")
_PACKAGES = Path(__file__).parents[2]
"""The folder of this package, for the watchdog's Python, which does not find a bundle's."""


class Watchdog:
    """The executor's end of the pipe. Thread safe; never blocks and never raises."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    @classmethod
    def start(cls) -> "Watchdog":
        """Start the process, and mark all processes that start from now on. Raises OSError."""
        value = os.urandom(8).hex()
        read_end, write_end = os.pipe()
        shell = os.posix_spawn(
            "/bin/sh",
            ["sh", str(_SCRIPT), sys.executable, f"{MARK}={value}"],
            {**os.environ, "PYTHONPATH": str(_PACKAGES)},
            file_actions=[(os.POSIX_SPAWN_DUP2, read_end, 0)],
            setsid=True,
        )
        os.close(read_end)
        os.waitpid(shell, 0)
        os.environ[MARK] = value
        return cls(write_end)

    def attempt(self, folder: str, task_id: str) -> None:
        """Make the watchdog remove an attempt's files from a work folder at the end.

        All that it was told before is forgotten: an attempt begins once nothing is left of the one
        before.
        """
        self._send(f"attempt {task_id} {folder}")

    def container(self, name: str) -> None:
        """Make it remove a container at the end. Call this before the container is created."""
        self._send(f"container {name}")

    def network(self, name: str) -> None:
        """Make it remove the attempt's network at the end, once its containers are gone."""
        self._send(f"network {name}")

    def gone(self, name: str) -> None:
        """Report that a container has been removed for sure."""
        self._send(f"gone {name}")

    def building(self) -> None:
        """Make it kill the steps of a build at the end, and those that start only then."""
        self._send("building")

    def built(self) -> None:
        """Report that no step of a build is left."""
        self._send("built")

    def done(self) -> None:
        """Report that nothing is left. Only another attempt may follow."""
        self._send("done")

    def _send(self, line: str) -> None:
        # If the watchdog was killed, the reaper of the next executor cleans up.
        with contextlib.suppress(OSError):
            os.write(self._pipe, f"{line}\n".encode())
