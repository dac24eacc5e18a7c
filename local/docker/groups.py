"""The control group of our own dockerd: of version 2, by which iptables knows whose a socket is.

The kernel has version 2 beside version 1, unless nobody has mounted it. Then there is no group, and
executors say that dockerd's own connections stay open.
"""

from pathlib import Path

_ROOTS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))
_JOIN = 'echo $$ > "$0" && exec "$@"'


def find_folder(name: str) -> Path | None:
    """Return the folder of a group, which need not exist; None without version 2."""
    for root in _ROOTS:
        if (root / "cgroup.procs").exists() and (root / "cgroup.controllers").exists():
            return root / name
    return None


def joining(group: Path) -> tuple[str, ...]:
    """Return the beginning of a command that runs the rest of it in a group."""
    return ("sh", "-c", _JOIN, str(group / "cgroup.procs"))
