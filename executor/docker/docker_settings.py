"""Finds the docker settings of the executor's user: logins to registries, proxies."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from pathlib import Path
from typing import Optional


def find_settings(environ: Mapping[str, str], uid: Optional[int] = None) -> Path:
    """Return the path of config.json as the docker command finds it. It need not exist.

    `uid` is the user's id, None for that of this process.
    """
    if folder := environ.get("DOCKER_CONFIG"):
        return Path(folder) / "config.json"
    return (
        Path(environ.get("HOME") or _home(os.getuid() if uid is None else uid))
        / ".docker/config.json"
    )


def _home(uid: int) -> str:
    """Return the home folder from the system: a Mesos agent may not set HOME."""
    try:
        return pwd.getpwuid(uid).pw_dir
    except KeyError:
        return "/"
