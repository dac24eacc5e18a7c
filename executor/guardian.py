"""A process beside the executor that outlives it, and ends what it leaves when it is killed.

It hears over a pipe what there is to guard, and knows by the pipe's end that the executor has
ended, however that was. Mesos's posix launcher kills the executor's descendants, their groups and
sessions: it is none of these. (A cgroup launcher gets it too: then the reaper has to do.)

Nothing but the standard library, and as little of it as can be, is imported here: what the parent
had imported stays in the memory of both.
"""

import contextlib
import os
import signal
from pathlib import Path

_MARK = "PREVS_GUARDED"
"""The variable by which the processes that an executor starts are found. Neither the executor nor
the guardian is: what /proc shows is the environment that a process was started with."""


class Guardian:
    """The executor's end of the pipe. Thread safe; never blocks and never raises."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def attempt(self, folder: str, task_id: str) -> None:
        """Have the traces of an attempt in a work folder removed at the end."""
        self._tell(f"attempt {task_id} {folder}")

    def container(self, name: str) -> None:
        """Have a container removed at the end. To be called before it is created."""
        self._tell(f"container {name}")

    def gone(self) -> None:
        """Tell that the container is gone for sure."""
        self._tell("gone")

    def _tell(self, line: str) -> None:
        # Where the guardian was killed, the reaper of the next executor does its work.
        with contextlib.suppress(OSError):
            os.write(self._pipe, f"{line}\n".encode())


def fork() -> Guardian:
    """Start the guardian. To be called before there is a thread; takes some milliseconds."""
    value = os.urandom(8).hex()
    hears, tells = os.pipe()
    child = os.fork()
    if child == 0:
        _leave(hears, f"{_MARK}={value}".encode())
    os.close(hears)
    os.waitpid(child, 0)
    os.environ[_MARK] = value
    return Guardian(tells)


def _leave(pipe: int, mark: bytes) -> None:
    """Become a process in a session of its own whose parent is init; never returns."""
    try:
        os.setsid()
        if os.fork() == 0:
            _guard(pipe, mark)
    except Exception as exc:  # noqa: BLE001  # nobody is left to hear of it
        os.write(2, f"executor: the guardian failed: {exc!r}\n".encode())
    finally:
        os._exit(0)


def _guard(pipe: int, mark: bytes) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.closerange(3, pipe)
    os.closerange(pipe + 1, os.sysconf("SC_OPEN_MAX"))
    _rename(b"prevs-guardian")
    heard = b""
    while data := os.read(pipe, 4096):
        heard += data
    # Only now: what is not imported while it waits costs no memory for as long as a preview runs.
    from executor.remains import Remains, clear

    remains = Remains()
    for line in heard.decode().splitlines():
        remains = remains.told(line)
    clear(remains, mark, os.environ)


def _rename(title: bytes) -> None:
    """Let `ps` and those who look for an executor tell the two apart: the words it was given.

    /proc/PID/cmdline shows the memory where the kernel has put them (proc(5)).
    """
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_bytes(title)
        stat = Path("/proc/self/stat").read_bytes()
        begin, end = map(int, stat.rpartition(b")")[2].split()[45:47])
        memory = os.open("/proc/self/mem", os.O_RDWR)
        os.pwrite(memory, title.ljust(end - begin, b"\0")[: end - begin], begin)
        os.close(memory)
