"""Under which control group a container is put: the executor's own, so that Mesos counts it. Pure.

Mesos gives each executor a group, limits it to what the task was offered, and reads from it what
the task uses. A container is the daemon's child, and outside of it unless the daemon is asked.

Builds may have a group too, of the agent's operator: here is what limits it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Optional

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


def is_limit(text: str) -> bool:
    """Tell whether what is in one of LIMITS limits anything."""
    number = text.strip()
    return number.isdigit() and int(number) < _ENDLESS


def _read(text: str) -> dict[str, str]:
    groups = {}
    for line in text.splitlines():
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        for name in names.split(","):
            groups[name] = path
    return groups
