"""A process beside the executor that outlives it, and ends what it leaves when it is killed.

It hears over a pipe what there is to guard, and knows by the pipe's end that the executor has
ended, however that was. Mesos's posix launcher kills the executor's descendants, their groups and
sessions: it is none of these. (A cgroup launcher gets it too: then the reaper has to do.)

While it waits it is a shell, many times smaller than a Python; what it becomes is
executor/cleanup/orphans.py.
"""

import contextlib
import os
import sys
from pathlib import Path

MARK = "PREVS_GUARDED"
"""The variable by which the processes that an executor starts are found. Neither the executor nor
the guardian is: what /proc shows is the environment that a process was started with."""

_SCRIPT = Path(__file__).with_name("guardian.sh")
_PACKAGES = Path(__file__).parents[2]
"""Where the guardian's Python finds this package: that of a bundle is on no path of its own."""


class Guardian:
    """The executor's end of the pipe. Thread safe; never blocks and never raises."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    @classmethod
    def start(cls) -> "Guardian":
        """Start the process, and mark those that are started from now on. Raises OSError."""
        value = os.urandom(8).hex()
        hears, tells = os.pipe()
        shell = os.posix_spawn(
            "/bin/sh",
            ["sh", str(_SCRIPT), sys.executable, f"{MARK}={value}"],
            {**os.environ, "PYTHONPATH": str(_PACKAGES)},
            file_actions=[(os.POSIX_SPAWN_DUP2, hears, 0)],
            setsid=True,
        )
        os.close(hears)
        os.waitpid(shell, 0)
        os.environ[MARK] = value
        return cls(tells)

    def attempt(self, folder: str, task_id: str) -> None:
        """Have the traces of an attempt in a work folder removed at the end."""
        self._tell(f"attempt {task_id} {folder}")

    def container(self, name: str) -> None:
        """Have a container removed at the end. To be called before it is created."""
        self._tell(f"container {name}")

    def gone(self) -> None:
        """Tell that the container is gone for sure."""
        self._tell("gone")

    def building(self) -> None:
        """Have the steps of a build ended at the end, those too that begin only then."""
        self._tell("building")

    def built(self) -> None:
        """Tell that there are none any more."""
        self._tell("built")

    def done(self) -> None:
        """Tell, as the last thing, that nothing is left."""
        self._tell("done")

    def _tell(self, line: str) -> None:
        # Where the guardian was killed, the reaper of the next executor does its work.
        with contextlib.suppress(OSError):
            os.write(self._pipe, f"{line}\n".encode())
