"""Where the user of an executor keeps his settings of docker: logins to registries, proxies."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from pathlib import Path


def find_settings(environ: Mapping[str, str]) -> Path:
    """Return the file, as docker's own command finds it by `environ`; it need not be there."""
    if folder := environ.get("DOCKER_CONFIG"):
        return Path(folder) / "config.json"
    return Path(environ.get("HOME") or _home()) / ".docker/config.json"


def _home() -> str:
    """Return what the system knows: a Mesos agent may give its executors no HOME."""
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return "/"
