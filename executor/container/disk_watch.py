"""Measures how much a container has written to the agent's disk, on a thread of its own.

overlay2 has quotas only on XFS with project quotas. So the executor measures the container's layer
and its volumes: itself if it may read them, else by docker.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

from docker.api import APIClient
from docker.errors import APIError

from executor.docker.daemon import Daemon, daemon_errors
from executor.errors import DockerUnavailable
from executor.limits.disk_schedule import CALM, ENTRY, DiskSchedule
from executor.limits.disk_usage import DiskUsage
from executor.limits.disk_usage import measure as measure_disk

_LOOK = 1.0
"""Seconds between checks of the free space; a check takes some microseconds."""

_BLOCK = 512

_DEEPEST = 200
"""How deep nested folders are read. Each one on the way is open twice meanwhile."""

_MOST_SEEN = 20_000
"""Files with several names that are remembered, in some 4 MB. Later ones count once per name."""

logger = logging.getLogger(__name__)


def watch(
    client: APIClient,
    container: str,
    limit: int,
    *,
    daemon: Daemon,
    over: threading.Event,
    full: Callable[[], None],
    calm: float = CALM,
    add: Callable[[int], int] = int,
) -> None:
    """Call `full` once the container has written more than `limit` bytes, unless `over` is set.

    `calm` is as in DiskSchedule. `add` turns the bytes that the container has written into the
    bytes that count: more if others share the limit. Blocks until then. Never raises.
    """
    disk = _find_disk(daemon)
    known = DiskSchedule(limit, time.monotonic(), calm=calm)
    while not over.wait(_LOOK):
        found = _look(disk)
        began = time.monotonic()
        if not known.is_due(found, began):
            continue
        try:
            written = add(measure(client, container, limit))
        except Exception:
            # Measure again after any error: the preview goes on.
            logger.exception("could not measure what the container writes")
            written = 0
        if written > limit:
            full()
            return
        known.has_measured(found, began, time.monotonic())


def _find_disk(daemon: Daemon) -> Optional[Path]:
    """Return docker's folder, None if it is not on this machine."""
    with contextlib.suppress(APIError, DockerUnavailable):
        folder = Path(daemon.info()["DockerRootDir"])
        return folder if _look(folder) is not None else None
    return None


def _look(disk: Optional[Path]) -> Optional[DiskUsage]:
    if disk is None:
        return None
    try:
        return measure_disk(disk)
    except OSError:
        return None


def measure(client: APIClient, container: str, limit: int) -> int:
    """Return the bytes that a container has written; what cannot be read counts as 0.

    Each file and folder counts as 4 KB at least if this process may read the folders itself; the
    layer it can read only with overlay2. Stops once the sum is over `limit`.
    """
    try:
        with daemon_errors():
            found: Mapping[str, Any] = client.inspect_container(container)
            written = _measure_layer(client, found, limit)
            mounted = [mount for mount in found["Mounts"] if mount["Type"] == "volume"]
            return written + _measure_volumes(client, mounted, limit - written)
    except (APIError, DockerUnavailable):
        return 0


def _measure_layer(client: APIClient, container: Mapping[str, Any], limit: int) -> int:
    layer = ((container.get("GraphDriver") or {}).get("Data") or {}).get("UpperDir")
    if layer and may_look(layer):
        return size(Path(layer), limit)
    found = client.containers(all=True, size=True, filters={"id": container["Id"]})
    return sum(max(0, one.get("SizeRw") or 0) for one in found)


def _measure_volumes(client: APIClient, mounted: Sequence[Mapping[str, str]], limit: int) -> int:
    """Return the bytes in volumes; the daemon measures those that we may not read."""
    hidden = {mount["Name"] for mount in mounted if not may_look(mount["Source"])}
    total = 0
    for mount in mounted:
        if mount["Name"] not in hidden:
            total += size(Path(mount["Source"]), limit - total)
    if not hidden:
        return total
    # docker-py's df() makes the daemon measure containers and images too, which takes far longer.
    address = f"{client.base_url}/v{client.api_version}/system/df"
    answer = client.get(address, params={"type": "volume"}, timeout=client.timeout)
    volumes = answer.json().get("Volumes") or []
    sizes: dict[str, int] = {volume["Name"]: volume["UsageData"]["Size"] for volume in volumes}
    return total + sum(max(0, sizes.get(name, 0)) for name in hidden)


def may_look(folder: str) -> bool:
    """Return whether this process may read a folder of docker's, and all that is in it."""
    # With rootless Docker an ordinary user can read the folder, but not all that is in it.
    return os.geteuid() == 0 and os.access(folder, os.R_OK | os.X_OK)


def size(folder: Path, limit: int, *, most_seen: int = _MOST_SEEN) -> int:
    """Return the bytes of disk that a folder takes; each entry counts as 4 KB at least.

    Stops once the sum is over `limit`, so it reads at most one entry per 4 KB of the limit. What
    may not be read counts as 0. Folders deeper than _DEEPEST count as over the limit. Remembers
    `most_seen` files with several names. A container chooses the names, so none is kept in memory.
    """
    total = 0
    weigh = _Scales(most_seen).weigh
    try:
        with contextlib.closing(walk(str(folder), None, _DEEPEST)) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    total += weigh(entry.stat(follow_symlinks=False))
                if total > limit:
                    break
    except _TooDeep:
        return max(total, limit) + 1
    return total


class _TooDeep(Exception):
    """Folders are nested too deep."""


def walk(name: str, above: Optional[int], depth: int) -> Generator[os.DirEntry[str], None, None]:
    """Yield the entries below the folder `name` of the open folder `above`. Raises _TooDeep.

    Opens folders by descriptor. So it reads entries whose path is too long, and does not follow a
    link that a container puts in a folder's place meanwhile.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | (0 if above is None else os.O_NOFOLLOW)
    try:
        opened = os.open(name, flags, dir_fd=above)
    except OSError:
        return
    try:
        with contextlib.suppress(OSError), os.scandir(opened) as entries:
            for entry in entries:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    if depth == 0:
                        raise _TooDeep
                    yield from walk(entry.name, opened, depth - 1)
    finally:
        os.close(opened)


class _Scales:
    """Weighs the entries of one folder."""

    def __init__(self, most_seen: int) -> None:
        self._most_seen = most_seen
        self._seen: set[tuple[int, int]] = set()

    def weigh(self, found: os.stat_result) -> int:
        """Return the bytes of an entry. Only the first name of a file counts in full."""
        taken = max(ENTRY, found.st_blocks * _BLOCK)
        if found.st_nlink == 1 or taken == ENTRY or stat.S_ISDIR(found.st_mode):
            return taken
        file = (found.st_dev, found.st_ino)
        if file in self._seen:
            return ENTRY
        if len(self._seen) < self._most_seen:
            self._seen.add(file)
        return taken
