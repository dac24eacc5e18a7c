"""Processes by identity: a pid may be reused, but a pid with its start time is unique.

Every process of a cluster has a mark in its environment (PREVS_CLUSTER=<id>), which its children
inherit. So what a killed supervisor or a Mesos agent left can be found. Linux only: reads /proc.
"""

import contextlib
import os
import signal
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from prevs.environment import read_environment

MARK = "PREVS_CLUSTER"
_PROC = Path("/proc")


class Identity(NamedTuple):
    """Identifies one process: its pid, and when it started, in clock ticks since the boot."""

    pid: int
    started: int


class Stat(NamedTuple):
    """Some fields of /proc/PID/stat. `started` is in clock ticks since the boot.

    `used` is CPU time in ticks, including ended children.
    """

    state: str
    parent: int
    session: int
    threads: int
    started: int
    used: int


def parse_stat(text: str) -> Stat:
    """Parse the text of /proc/PID/stat.

    The command's name is in parentheses and may contain anything, so fields are counted after it.
    """
    fields = text.rpartition(")")[2].split()
    used = sum(map(int, fields[11:15]))
    return Stat(fields[0], int(fields[1]), int(fields[3]), int(fields[17]), int(fields[19]), used)


def identify(pid: int) -> Identity | None:
    """Return the identity of a live process, or None.

    A zombie is not alive, unless some of its threads still run.
    """
    try:
        stat = parse_stat((_PROC / str(pid) / "stat").read_text())
    except OSError:
        return None
    dead = stat.state == "X" or (stat.state == "Z" and stat.threads <= 1)
    return None if dead else Identity(pid, stat.started)


def used_cpu(pid: int) -> float:
    """Return the CPU seconds of a process and its ended children, 0 if it is gone."""
    try:
        stat = parse_stat((_PROC / str(pid) / "stat").read_text())
    except OSError:
        return 0.0
    return stat.used / os.sysconf("SC_CLK_TCK")


def is_alive(process: Identity) -> bool:
    """Return whether that very process still runs."""
    return identify(process.pid) == process


def marked(mark: str) -> list[Identity]:
    """Return the processes of the cluster `mark`."""
    return having(MARK, mark)


def having(variable: str, value: str) -> list[Identity]:
    """Return the processes with that variable in their environment.

    This process and its ancestors are left out.
    """
    wanted = f"{variable}={value}".encode()
    spared = _ancestry(os.getpid())
    found = []
    for pid in _pids():
        with contextlib.suppress(OSError):  # it ended, or is another user's
            environment = read_environment(_PROC / str(pid))
            identity = identify(pid) if wanted in environment and pid not in spared else None
            if identity is not None:
                found.append(identity)
    return found


def in_session(leader: int) -> list[Identity]:
    """Return the processes of the session of `leader`, which may itself have ended."""
    found = []
    for pid in _pids():
        with contextlib.suppress(OSError):
            if parse_stat((_PROC / str(pid) / "stat").read_text()).session == leader:
                found.append(identify(pid))
    return [process for process in found if process is not None]


def _ancestry(pid: int) -> set[int]:
    line = set()
    while pid > 0 and pid not in line:
        line.add(pid)
        try:
            pid = parse_stat((_PROC / str(pid) / "stat").read_text()).parent
        except OSError:
            break
    return line


def send(process: Identity, number: signal.Signals) -> None:
    """Signal that very process; do nothing if it has ended."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        handle = os.pidfd_open(process.pid)
        try:
            if is_alive(process):  # checked with the handle open, so the pid cannot be reused
                signal.pidfd_send_signal(handle, number)
        finally:
            os.close(handle)


def wait(processes: Iterable[Identity], limit: float) -> list[Identity]:
    """Wait at most `limit` seconds for all of them to end; return those that have not."""
    deadline = time.monotonic() + limit
    left = [p for p in processes if is_alive(p)]
    while left and time.monotonic() < deadline:
        time.sleep(0.02)
        left = [p for p in left if is_alive(p)]
    return left


def end(processes: Collection[Identity], grace: float) -> None:
    """End them: SIGTERM, after `grace` seconds SIGKILL. Blocks until they are gone (+ 5 s)."""
    for process in processes:
        send(process, signal.SIGTERM)
    left = wait(processes, grace)
    for process in left:
        send(process, signal.SIGKILL)
    wait(left, 5)


def given(path: Path) -> list[Identity]:
    """Return the processes with a path below `path` among their arguments, and their descendants.

    Other users' arguments can be read too, unlike their environment.
    """
    prefix = f"{path}/"
    parents: dict[int, int] = {}
    found: set[int] = set()
    for pid in _pids():
        with contextlib.suppress(OSError):
            parents[pid] = parse_stat((_PROC / str(pid) / "stat").read_text()).parent
            if any(argument.startswith(prefix) for argument in arguments(pid)):
                found.add(pid)
    found -= _ancestry(os.getpid())
    family = {pid for pid in parents if _descends(pid, found, parents)}
    return [p for p in map(identify, sorted(family)) if p is not None]


def running(name: str) -> list[int]:
    """Return the processes of a program of that name in this network, also ones just starting.

    It may list too many, as the network of other users' processes is unknown. So use the result
    only as a reason to leave things alone.
    """
    here = (_PROC / "self" / "ns" / "net").readlink()
    found = []
    for pid in _pids():
        with contextlib.suppress(OSError):
            named = any(Path(one).name == name for one in arguments(pid))
            if named and identify(pid) and _network(pid) in (None, here):
                found.append(pid)
    return found


def arguments(pid: int) -> list[str]:
    """Return the arguments of a process, with its command. Raises OSError."""
    given = (_PROC / str(pid) / "cmdline").read_bytes()
    return [os.fsdecode(one) for one in given.split(b"\0")[:-1]]


def name_program(pid: int) -> str:
    """Return the name of a process's program, with the module if it is a Python; "" if it ended."""
    try:
        command, *rest = arguments(pid) or [""]
    except OSError:
        return ""
    is_module = len(rest) > 1 and rest[0] == "-m"
    return f"{Path(command).name} -m {rest[1]}" if is_module else Path(command).name


def _network(pid: int) -> Path | None:
    try:
        return (_PROC / str(pid) / "ns" / "net").readlink()
    except OSError:  # another user's
        return None


def _pids() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]


def _descends(pid: int, roots: set[int], parents: dict[int, int]) -> bool:
    while pid > 1:
        if pid in roots:
            return True
        pid = parents.get(pid, 0)
    return False
