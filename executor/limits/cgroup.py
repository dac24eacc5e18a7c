"""Under which control group a container is put: the executor's own, so that Mesos counts it. Pure.

Mesos gives each executor a group, limits it to what the task was offered, and reads from it what
the task uses. A container is the daemon's child, and outside of it unless the daemon is asked.

Builds have groups of their own: one for all of an agent, and below it one for each app, so that
who takes all of it takes it from itself. Here is what limits them, and what they tell.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Optional

BUILDS = "/prevs-builds"
"""The group of all builds of an agent, which executors make where they may."""

SLICE = "/prevsbuilds.slice"
"""The one of provision/systemd, for executors that may make none."""

LIMITS = ("pids.max", "memory.max", "memory.limit_in_bytes")
"""The files of a group that may have a limit of its processes or its memory, with v1 or v2."""

_COUNTED = ("cpu", "memory")
_LEAF = "/leaf"
"""How the group ends in which Mesos puts processes on v2, where one with groups has none."""

_ENDLESS = 1 << 62
"""More than any limit: v1 has no word for none, but the most that the kernel counts to."""


def own_group(text: str) -> Optional[str]:
    """Return the executor's group from /proc/self/cgroup, None where it has none of its own.

    With v1 each controller may have a group of its own, and docker takes one name for all: that of
    cpu and memory, where it is the same.
    """
    groups = _read(text)
    if any(name in groups for name in _COUNTED):
        found = {groups.get(name, "/") for name in _COUNTED}
        return found.pop() if len(found) == 1 and "/" not in found else None
    group = groups.get("", "/")
    parent = group[: -len(_LEAF)] if group.endswith(_LEAF) else ""
    return parent or None


def accepts(info: Mapping[str, object]) -> bool:
    """Tell from what a daemon says of itself whether it puts containers below a group.

    With systemd's driver groups are systemd's units, and those are not Mesos's.
    """
    return info.get("CgroupDriver") == "cgroupfs"


def copies(group: str, hierarchies: Iterable[str]) -> list[str]:
    """Return the folders of a group in each of the mounted hierarchies."""
    return [f"{hierarchy}{group}" for hierarchy in hierarchies]


def memory_counters(text: str) -> list[str]:
    """Return the files that may count who was killed for memory, for /proc/PID/cgroup's `text`.

    They are below the folder of all hierarchies: one with v1, one with v2.
    """
    groups = _read(text)
    counters = []
    if "memory" in groups:
        counters.append(f"memory/{groups['memory'].lstrip('/')}/memory.oom_control")
    if "" in groups:
        counters.append(f"{groups[''].lstrip('/')}/memory.events")
    return counters


def is_limit(text: str) -> bool:
    """Tell whether what is in one of LIMITS limits anything."""
    number = text.strip()
    return number.isdigit() and int(number) < _ENDLESS


class Budget(NamedTuple):
    """What the processes of a group may have together: MB of memory, and how many they may be."""

    memory: int
    processes: int


_OF_ALL = 4096
_OF_APP = 2048
"""Processes and threads. A large `make -j` has some hundred."""


def budgets(machine: int, memory: int) -> tuple[Budget, Budget]:
    """Return what all builds of an agent may have together, and what those of one app.

    The machine has `machine` MB; the builds of an app get `memory` of them, 0 for half of it. The
    rest is left for previews and for what runs them.
    """
    of_app = memory or machine // 2
    return Budget(max(machine * 3 // 4, of_app), _OF_ALL), Budget(of_app, _OF_APP)


def app_group(cluster: str, app: str) -> str:
    """Return the group of an app's builds; apps of the same name have one for each cluster."""
    owner = hashlib.sha256(cluster.encode()).hexdigest()[:8] if cluster else ""
    return f"{BUILDS}/{app}{owner and '.'}{owner}"


def memory_files(version: int, budget: Budget) -> Mapping[str, str]:
    """Return what is to be in which files of a group's memory controller; swap is none."""
    most = str(budget.memory * 1024 * 1024)
    if version == 2:
        return {"memory.max": most, "memory.swap.max": "0"}
    return {"memory.limit_in_bytes": most, "memory.memsw.limit_in_bytes": most}


def weight_file(version: int) -> tuple[str, str]:
    """Return the file and the text that give all builds half of a neighbour's share of the CPU."""
    return ("cpu.weight", "50") if version == 2 else ("cpu.shares", "512")


def read_count(text: str, name: str) -> int:
    """Return a number from a file of lines as `oom_kill 2`; 0 where it is not there."""
    for line in text.splitlines():
        word, _, number = line.partition(" ")
        if word == name and number.strip().isdigit():
            return int(number)
    return 0


class Refused(NamedTuple):
    """What is known of forks that a group refused: how many, and since when without a pause."""

    forks: int = 0
    since: Optional[float] = None
    seen: bool = False

    def saw(self, forks: int, now: float) -> Refused:
        """Return what is known after a look. A count that falls is of steps that have ended."""
        if forks <= self.forks:
            return Refused(forks, None, self.seen)
        return Refused(forks, now if self.since is None else self.since, True)

    def lasted(self, now: float) -> float:
        """Return for how many seconds forks have been refused at each look."""
        return 0.0 if self.since is None else now - self.since


def _read(text: str) -> dict[str, str]:
    groups = {}
    for line in text.splitlines():
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        for name in names.split(","):
            groups[name] = path
    return groups
