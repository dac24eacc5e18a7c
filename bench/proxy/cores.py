"""Chooses the two cores of the bench, and measures processes on them."""

import os
import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.harness.errors import BenchError

_LOOK_SECONDS = 0.4
_IDLE = 0.06


class Cores(NamedTuple):
    """`load` is for the load, the backend and ZooKeeper, `proxy` only for the proxy."""

    load: int
    proxy: int


def choose() -> Cores:
    """Return two cores that this process may use. Raises BenchError if it may use only one."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise BenchError("two cores are needed: one for the load, one for the proxy")
    return Cores(*usable[:2])


def stay(core: int) -> None:
    """Keep this process, and its future children, on one core."""
    os.sched_setaffinity(0, {core})


def on(core: int, command: Sequence[str]) -> tuple[str, ...]:
    """Return the command that runs `command` on one core.

    Programs that count their cores, like HAProxy and Go programs, then start one thread.
    """
    return ("taskset", "--cpu-list", str(core), *command)


def tree(root: int) -> list[int]:
    """Return a process and all its descendants."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        fields = _stat(stat)
        if fields:
            parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [root]
    for pid in found:  # it grows meanwhile
        found += parents.get(pid, [])
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the CPU time of processes so far, in user and kernel mode."""
    stats = [_stat(Path(f"/proc/{pid}/stat")) for pid in pids]
    ticks = sum(int(fields[11]) + int(fields[12]) for fields in stats if fields)
    return ticks / os.sysconf("SC_CLK_TCK")


def settle(pid: int, seconds: float = 20.0) -> None:
    """Wait until a process and its descendants have finished their start.

    They have when they leave their core idle. Waits for at most `seconds`.
    """
    deadline = time.monotonic() + seconds
    used = _LOOK_SECONDS
    while used > _IDLE * _LOOK_SECONDS and time.monotonic() < deadline:
        pids = tree(pid)
        before = cpu_seconds(pids)
        time.sleep(_LOOK_SECONDS)
        used = cpu_seconds(pids) - before


def memory_kb(pids: Iterable[int]) -> int:
    """Return the resident memory of processes in KB."""
    texts = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
    return sum(int(found[1]) for text in texts if (found := re.search(r"VmRSS:\s+(\d+) kB", text)))


def _stat(path: Path) -> list[str]:
    """Return the fields of proc(5)'s stat from the state on; none if the process has ended."""
    try:
        return path.read_text().rpartition(")")[2].split()
    except OSError:
        return []
