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
    """Measure the executor with its work folder below `folder`, and its watchdog, for `seconds`."""
    processes = _processes(folder)
    if not processes:
        raise BenchError("No executor is running, so there is nothing to measure")
    time.sleep(1.0)  # remaining work of its start
    before = sum(map(_ticks, processes))
    time.sleep(seconds)
    used = sum(map(_ticks, processes)) - before
    return Rest(sum(map(_resident, processes)) / 1024, used / _TICK)


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


def _ticks(process: Path) -> int:
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _resident(process: Path) -> int:
    for line in (process / "status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0
