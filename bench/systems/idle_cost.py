"""Measures memory and CPU time of an idle executor."""

import os
import time
from pathlib import Path
from typing import NamedTuple

from bench.harness.errors import BenchError
from prevs.environment import read_environment

_TICK = os.sysconf("SC_CLK_TCK")


class Rest(NamedTuple):
    """Resident memory, in MB of 1,048,576 bytes, and CPU time during the measurement."""

    megabytes: float
    cpu_seconds: float


def measure(folder: str, seconds: float) -> Rest:
    """Measure the executor with its work folder below `folder`, and its watchdog, for `seconds`.

    A process that ends meanwhile still worked for a build or a stop, and is not counted.
    """
    processes = _processes(folder)
    if not processes:
        raise BenchError("No executor is running, so there is nothing to measure")
    time.sleep(1.0)  # remaining work of its start
    before = {process: use for process in processes if (use := _use(process))}
    time.sleep(seconds)
    after = {process: use for process in before if (use := _use(process))}
    ticks = sum(use.ticks - before[process].ticks for process, use in after.items())
    return Rest(sum(use.kilobytes for use in after.values()) / 1024, ticks / _TICK)


class _Use(NamedTuple):
    ticks: int
    kilobytes: int


def _processes(folder: str) -> list[Path]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = read_environment(process)
            program = (process / "cmdline").read_bytes()
        except OSError:
            continue
        ours = any(
            entry.startswith(f"PREVS_EXECUTOR_DIR={folder}".encode()) for entry in environment
        )
        if ours and b"mesos-" not in program:
            found.append(process)
    return found


def _use(process: Path) -> _Use | None:
    """Return what a process uses; None if it has ended."""
    try:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        lines = (process / "status").read_text().splitlines()
    except OSError:
        return None
    resident = [int(line.split()[1]) for line in lines if line.startswith("VmRSS:")]
    return _Use(int(fields[11]) + int(fields[12]), sum(resident))
