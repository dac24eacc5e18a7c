"""Finds the docker settings of the executor's user: logins to registries, proxies."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from pathlib import Path


def find_settings(environ: Mapping[str, str]) -> Path:
    """Return the path of config.json as the docker command finds it. It need not exist."""
    if folder := environ.get("DOCKER_CONFIG"):
        return Path(folder) / "config.json"
    return Path(environ.get("HOME") or _home()) / ".docker/config.json"


def _home() -> str:
    """Return the home folder from the system: a Mesos agent may not set HOME."""
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return "/"
