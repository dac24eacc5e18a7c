"""Folders of the user, by the XDG rules."""

from collections.abc import Mapping
from pathlib import Path


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return where what can be made again is kept between runs."""
    return _xdg(environ, "XDG_CACHE_HOME", ".cache") / "prevs"


def docker_folder(environ: Mapping[str, str]) -> Path:
    """Return where the user's own dockerd lives."""
    return _xdg(environ, "XDG_DATA_HOME", ".local/share") / "prevs" / "docker"


def _xdg(environ: Mapping[str, str], variable: str, default: str) -> Path:
    given = environ.get(variable, "")
    if given.startswith("/"):  # the rules say to ignore a relative one
        return Path(given)
    return Path(environ.get("HOME") or "~").expanduser() / default
