"""Finds the process of the docker daemon: its own control group, and its environment.

The group is that of version 2, which iptables knows sockets by; the kernel has it beside those of
version 1 too. systemd gives each service one, and `prevs local` makes one for its own dockerd.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from pathlib import Path
from typing import Optional

from executor.limits.daemon_firewall import DaemonGroup

_PROC = Path("/proc")
_PID_FILE = Path("/run/docker.pid")
"""Where dockerd writes its process id unless it is told otherwise."""

_NAME = "dockerd"
_LIMIT = 5.0
_SESSIONS = "/user.slice/"
_ADVICE = "start it as a service of systemd"


class NoGroup(Exception):
    """The daemon has no control group of its own here; str() is why."""


def find_group(host: str, pid_file: Path = _PID_FILE) -> DaemonGroup:
    """Return the group of the daemon at DOCKER_HOST. Raises NoGroup. Blocks for milliseconds."""
    pid = _find_pid(host, pid_file)
    group = _read_group(str(pid))
    if group in ("", "/"):
        raise NoGroup(f"it has no control group of its own (version 2): {_ADVICE}")
    if f"{_read_group('self')}/".startswith(f"{group}/"):
        raise NoGroup(f"executors are in its control group {group}: {_ADVICE}")
    if group.startswith(_SESSIONS):
        raise NoGroup(f"it is in the control group of a person's session, {group}: {_ADVICE}")
    if '"' in group or not group.isprintable():
        raise NoGroup("the name of its control group is none that iptables takes")
    return DaemonGroup(group, f"{_NAME} {pid} {_read_start(pid)}")


def find_variable(host: str, name: str, pid_file: Path = _PID_FILE) -> Optional[str]:
    """Return a variable of the daemon at DOCKER_HOST, "" if it has none of this name.

    None if that is not known: only root may read another user's. Blocks for milliseconds.
    """
    try:
        given = (_PROC / str(_find_pid(host, pid_file)) / "environ").read_bytes()
    except (NoGroup, OSError):
        return None
    begun = os.fsencode(f"{name}=")
    found = [one[len(begun) :] for one in given.split(b"\0") if one.startswith(begun)]
    return os.fsdecode(found[0]) if found else ""


def _find_pid(host: str, pid_file: Path) -> int:
    """Return the process that answers there: systemd may have made the socket in its place."""
    pid = _find_listener(host.removeprefix("unix://")) if host.startswith("unix://") else 0
    if pid and _read_name(pid) == _NAME:
        return pid
    with contextlib.suppress(OSError, ValueError):
        pid = int(pid_file.read_text())
        if _read_name(pid) == _NAME:
            return pid
    raise NoGroup(f"its process is not known: neither by its socket nor by {pid_file}")


def _find_listener(path: str) -> int:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as asked:
        asked.settimeout(_LIMIT)
        asked.connect(path)
        form = "3i"  # pid, uid, gid: unix(7)
        found = asked.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize(form))
        return int(struct.unpack(form, found)[0])
    return 0


def _read_name(pid: int) -> str:
    with contextlib.suppress(OSError):
        return (_PROC / str(pid) / "comm").read_text().strip()
    return ""


def _read_group(pid: str) -> str:
    """Return a process's group of version 2, "" if there is none."""
    with contextlib.suppress(OSError):
        for line in (_PROC / pid / "cgroup").read_text().splitlines():
            if line.startswith("0::"):
                return line[len("0::") :]
    return ""


def _read_start(pid: int) -> str:
    """Return when a process started, in ticks since the boot."""
    with contextlib.suppress(OSError, IndexError):
        # The name, in parentheses, may have any characters (proc_pid_stat(5)).
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[19]
    return ""
