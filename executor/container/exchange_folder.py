"""The folder of a job's exchange, where this process may enter it: docker's archives take longer.

Docker says where a volume is on its own machine. A folder of that name here is that volume's, as
its name is random. What a command left is foreign: here only names are looked at, and archives
carry what there is (docs/decisions/0090-exchange.md).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Optional

from docker.api import APIClient

from executor.container.disk_watch import may_look
from executor.docker.daemon import daemon_errors
from prevs.work import FOLDER, PAYLOAD_FILE

_PAYLOAD = Path(PAYLOAD_FILE).name

logger = logging.getLogger(__name__)


def give(client: APIClient, container: str, files: Mapping[str, bytes]) -> Optional[Path]:
    """Put files that every user may read into the folder of a container that has not started.

    Every user may write into the folder afterwards. Returns the folder; None if this process may
    not enter it, so that docker has carried the files. Raises APIError, DockerUnavailable.
    """
    folder = _find(client, container)
    if folder is not None and _fill(folder, files):
        return folder
    # Imported only where it is needed, as most jobs need no archive.
    from executor.container import exchange

    exchange.give(client, container, files)
    return None


def is_untouched(folder: Path) -> bool:
    """Return whether an ended command has left nothing in a folder that give() returned."""
    try:
        with os.scandir(folder) as entries:
            return all(entry.name == _PAYLOAD for entry in entries)
    except OSError:
        return False


def _find(client: APIClient, container: str) -> Optional[Path]:
    with daemon_errors():
        mounts = client.inspect_container(container)["Mounts"]
    source = next(mount["Source"] for mount in mounts if mount["Destination"] == FOLDER)
    return Path(source) if may_look(source) else None


def _fill(folder: Path, files: Mapping[str, bytes]) -> bool:
    try:
        folder.chmod(0o1777)
        for name, data in files.items():
            file = folder / name
            file.write_bytes(data)
            file.chmod(0o444)
    except OSError as exc:
        logger.warning("docker carries the payload, as its folder cannot be written to: %s", exc)
        return False
    return True
