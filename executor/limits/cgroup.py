"""The control groups of containers and builds: names, limits and counters. Pure.

Mesos gives each executor a group, limits it to the task's resources, and reads the task's usage
from it. A container is the daemon's child, and so outside of that group, unless the daemon is given
the group as a parent. We do that, so that Mesos counts the container.

Builds have groups of their own: one for all builds of an agent, and below it one for each app. So a
build that takes all of a resource takes it from its own app.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Optional

BUILDS = "/prevs-builds"
"""The group of all builds of an agent. Executors create it if they may."""

SLICE = "/prevsbuilds.slice"
"""The group from provision/systemd, for executors that may not create groups."""

LIMITS = ("pids.max", "memory.max", "memory.limit_in_bytes")
"""The files with limits of processes or memory, with v1 or v2."""

EVENTS = "memory.events"
"""The file of v2 with the events of a group and of those below it, which outlives those below."""

KILLS = "oom_kill"
"""The name of the number of processes that were killed because memory ran out."""

_COUNTED = ("cpu", "memory")
_LEAF = "/leaf"
"""The end of the group of Mesos's processes on v2, where parent groups have no processes."""

_ENDLESS = 1 << 62
"""More than any limit. v1 shows the highest number of the kernel if there is no limit."""


def own_group(text: str) -> Optional[str]:
    """Return the executor's group from the text of /proc/self/cgroup, None if it has none.

    With v1 each controller may have another group, but docker takes one name for all. So this is
    the group of cpu and memory, if both have the same.
    """
    groups = _read(text)
    if any(name in groups for name in _COUNTED):
        found = {groups.get(name, "/") for name in _COUNTED}
        return found.pop() if len(found) == 1 and "/" not in found else None
    group = groups.get("", "/")
    parent = group[: -len(_LEAF)] if group.endswith(_LEAF) else ""
    return parent or None


def accepts(info: Mapping[str, object]) -> bool:
    """Return whether a daemon can put containers below Mesos's groups, by its /info.

    With the driver systemd it cannot: then only units of systemd can be parents.
    """
    return info.get("CgroupDriver") == "cgroupfs"


def copies(group: str, hierarchies: Iterable[str]) -> list[str]:
    """Return the folders of a group, one in each hierarchy."""
    return [f"{hierarchy}{group}" for hierarchy in hierarchies]


def memory_counters(text: str) -> list[str]:
    """Return the files that may count processes killed for memory, by /proc/PID/cgroup's `text`.

    The paths are relative to the folder of all hierarchies: one for v1, one for v2.
    """
    groups = _read(text)
    counters = []
    if "memory" in groups:
        counters.append(f"memory{groups['memory'].rstrip('/')}/memory.oom_control")
    if "" in groups:
        counters.append(f"{groups['']}/{EVENTS}".lstrip("/"))
    return counters


def is_limit(text: str) -> bool:
    """Return whether the text of one of the files LIMITS is a limit."""
    number = text.strip()
    return number.isdigit() and int(number) < _ENDLESS


class Budget(NamedTuple):
    """The limits of a group: MB of memory, and the number of processes."""

    memory: int
    processes: int


_OF_ALL = 4096
_OF_APP = 2048
"""Processes and threads. A large `make -j` has some hundred."""


def budgets(machine: int, memory: int) -> tuple[Budget, Budget]:
    """Return the limits of all builds of an agent together, and of the builds of one app.

    The machine has `machine` MB. The builds of an app get `memory` MB, or half of the machine if
    that is 0. The rest is for previews and the programs that run them.
    """
    of_app = memory or machine // 2
    return Budget(max(machine * 3 // 4, of_app), _OF_ALL), Budget(of_app, _OF_APP)


def app_group(cluster: str, app: str) -> str:
    """Return the group of an app's builds. Apps of the same name have one per cluster."""
    owner = hashlib.sha256(cluster.encode()).hexdigest()[:8] if cluster else ""
    return f"{BUILDS}/{app}{owner and '.'}{owner}"


def memory_files(version: int, budget: Budget) -> Mapping[str, str]:
    """Return the files of the memory controller and their texts. Swap is not allowed."""
    most = str(budget.memory * 1024 * 1024)
    if version == 2:
        return {"memory.max": most, "memory.swap.max": "0"}
    return {"memory.limit_in_bytes": most, "memory.memsw.limit_in_bytes": most}


def weight_file(version: int) -> tuple[str, str]:
    """Return the file and the text that give all builds half of the usual share of the CPU."""
    return ("cpu.weight", "50") if version == 2 else ("cpu.shares", "512")


def read_count(text: str, name: str) -> int:
    """Return a number from lines like `oom_kill 2`; 0 if there is no such line."""
    for line in text.splitlines():
        word, _, number = line.partition(" ")
        if word == name and number.strip().isdigit():
            return int(number)
    return 0


class RefusedForks(NamedTuple):
    """The forks that a group refused: how many, and since when at each check."""

    forks: int = 0
    since: Optional[float] = None
    seen: bool = False

    def after(self, forks: int, now: float) -> RefusedForks:
        """Return the value after one more check. The count falls when steps end."""
        if forks <= self.forks:
            return RefusedForks(forks, None, self.seen)
        return RefusedForks(forks, now if self.since is None else self.since, True)

    def lasted(self, now: float) -> float:
        """Return for how many seconds forks have been refused at each check."""
        return 0.0 if self.since is None else now - self.since


def _read(text: str) -> dict[str, str]:
    groups = {}
    for line in text.splitlines():
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        for name in names.split(","):
            groups[name] = path
    return groups
