"""Watches what a container writes to its agent's disk, on a thread of its own.

overlay2 knows no quota but on XFS with project quotas, so the executor measures: the container's
own layer as docker does, and its volumes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

from docker.api import APIClient
from docker.errors import APIError

from executor.daemon import daemon_errors
from executor.disk import DiskWatch
from executor.errors import DockerUnavailable

_LOOK = 1.0
"""Seconds between looks at the free space, which cost some microseconds."""

_BLOCK = 512

logger = logging.getLogger(__name__)


def watch(
    client: APIClient,
    container: str,
    limit: int,
    *,
    over: threading.Event,
    full: Callable[[], None],
) -> None:
    """Call `full` once the container has written more than `limit` bytes, unless `over` is set.

    Blocks until then. Never raises.
    """
    disk = _find_disk(client)
    known = DiskWatch(limit, time.monotonic())
    while not over.wait(_LOOK):
        free = _free(disk)
        began = time.monotonic()
        if not known.is_due(free, began):
            continue
        try:
            written = measure(client, container)
        except Exception:
            # Whatever it is: the preview goes on, and so does its limit.
            logger.exception("what the container writes could not be measured")
            written = 0
        if written > limit:
            full()
            return
        known.has_measured(free, began, time.monotonic())


def _find_disk(client: APIClient) -> Optional[Path]:
    """Return docker's folder, None where it is not on this machine."""
    with contextlib.suppress(APIError, DockerUnavailable), daemon_errors():
        folder = Path(client.info()["DockerRootDir"])
        return folder if _free(folder) is not None else None
    return None


def _free(disk: Optional[Path]) -> Optional[int]:
    if disk is None:
        return None
    try:
        found = os.statvfs(disk)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize


def measure(client: APIClient, container: str) -> int:
    """Return the bytes that a container has written; what cannot be seen counts as none."""
    try:
        with daemon_errors():
            found = client.containers(all=True, size=True, filters={"id": container})
            if not found:
                return 0
            mounted = [mount for mount in found[0]["Mounts"] if mount["Type"] == "volume"]
            return int(found[0].get("SizeRw") or 0) + _measure_volumes(client, mounted)
    except (APIError, DockerUnavailable):
        return 0


def _measure_volumes(client: APIClient, mounted: Sequence[Mapping[str, str]]) -> int:
    """Return the bytes in volumes, as the daemon says where this user may not look itself."""
    hidden = {
        mount["Name"] for mount in mounted if not os.access(mount["Source"], os.R_OK | os.X_OK)
    }
    total = sum(_size(Path(mount["Source"])) for mount in mounted if mount["Name"] not in hidden)
    if not hidden:
        return total
    # docker-py's df() has containers and images measured too, which takes far longer.
    address = f"{client.base_url}/v{client.api_version}/system/df"
    answer = client.get(address, params={"type": "volume"}, timeout=client.timeout)
    volumes = answer.json().get("Volumes") or []
    sizes: dict[str, int] = {volume["Name"]: volume["UsageData"]["Size"] for volume in volumes}
    return total + sum(max(0, sizes.get(name, 0)) for name in hidden)


def _size(folder: Path) -> int:
    """Return the bytes of disk that a folder takes; what may not be read counts as none."""
    total = 0
    folders: list[Any] = [folder]
    while folders:
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_blocks * _BLOCK
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
    return total
