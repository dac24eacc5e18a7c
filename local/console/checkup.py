"""The check of `prevs doctor` for this machine: the needs of a cluster, and its parts."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from local.cluster import launch
from local.cluster.zookeeper import FREE_SOME, find_full_disk
from local.docker.daemon import SYSTEM, Daemon
from local.docker.dockerd import ADVICE, RESTART, find_bridge, find_host, is_lost
from local.errors import LocalError
from local.settings import Settings, default_folder, docker_folder, read

_GB = 1e9
_LITTLE_GB, _LEAST_GB = 5.0, 1.0


class Finding(NamedTuple):
    """`level` is ok, warning, wrong or skipped; `advice` is the next step."""

    part: str
    level: str
    message: str
    advice: str = ""


def look(environ: Mapping[str, str], *, needed: bool) -> Sequence[Finding]:
    """Return the findings. There are none if there never was a cluster, and none is `needed`.

    Blocks for some seconds at most.
    """
    folder = default_folder(environ)
    try:
        settings = read(folder)
    except LocalError as exc:
        return [Finding("local", "wrong", exc.why, exc.advice)]
    if settings is None and not needed:
        return []
    return [
        *_look_at_parts(settings, folder),
        *_look_at_zookeeper(settings),
        _look_at_docker(environ),
        _look_at_git(environ),
        judge_disk(docker_folder(environ), _free(docker_folder(environ))),
    ]


def _look_at_parts(settings: Settings | None, folder: Path) -> Sequence[Finding]:
    if settings is not None and launch.supervisor_pid(settings) is None:
        left = launch.find_left(settings)
        if left:
            message = f"The supervisor has ended, and {len(left)} of its processes still run."
            advice = "`prevs local down` ends them; `prevs local up` starts all again."
            return [Finding("local", "wrong", message, advice)]
    if settings is None or launch.supervisor_pid(settings) is None:
        message = f"Nothing runs in {folder}. `prevs local up` starts a cluster."
        return [Finding("local", "skipped", message)]
    parts = launch.read_status(settings).get("parts", [])
    bad = [
        Finding(
            f"local: {part['name']}",
            "wrong",
            f"It is {part['state']}{': ' if part['problem'] else '.'}{part['problem']}",
            f"Read its log: `prevs local logs {part['name']}`.",
        )
        for part in parts
        if part["state"] != "ready"
    ]
    return bad or [Finding("local", "ok", f"All {len(parts)} parts are up.")]


def _look_at_zookeeper(settings: Settings | None) -> Sequence[Finding]:
    """Return whether ZooKeeper's disk is full. Then the supervisor cannot write that down."""
    if settings is None or not (full := find_full_disk(settings.zookeeper_folder)):
        return []
    return [Finding("zookeeper's disk", "wrong", f"{full[0].upper()}{full[1:]}.", FREE_SOME)]


def _look_at_docker(environ: Mapping[str, str]) -> Finding:
    if host := find_host(environ):
        name = find_bridge(host)
        if name and is_lost(name):
            message = f"It answers at {host}, but its bridge {name} was removed, so builds fail."
            return Finding("docker", "wrong", message, f"{RESTART.capitalize()}.")
        return Finding("docker", "ok", f"It answers at {host}.")
    own = Daemon(docker_folder(environ))
    if own.lost_bridge():
        message = f"The bridge {own.bridge} of prevs's dockerd was removed, so builds fail."
        return Finding("docker", "wrong", message, "`prevs local up` creates it again.")
    if own.process() is not None:
        return Finding("docker", "ok", f"The dockerd of prevs runs at {own.host}.")
    path = f"{environ.get('PATH', '')}:{SYSTEM}"
    if shutil.which("dockerd", path=path) and (os.geteuid() == 0 or shutil.which("sudo")):
        return Finding("docker", "ok", "It is installed; `prevs local up` starts it.")
    return Finding("docker", "wrong", "No dockerd answers, and none is installed.", ADVICE)


def _look_at_git(environ: Mapping[str, str]) -> Finding:
    if shutil.which("git", path=environ.get("PATH")):
        return Finding("git", "ok", "It is installed.")
    return Finding("git", "wrong", "It is not installed.", "Install it: `apt-get install git`.")


def _free(folder: Path) -> float:
    """Return the free GB on the disk of a folder. The folder may not exist yet."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    return shutil.disk_usage(there).free / _GB


def judge_disk(folder: Path, free: float) -> Finding:
    """Return whether `free` GB are enough for the images in a folder."""
    message = f"{free:.1f} GB are free where images are kept ({folder})."
    if free >= _LITTLE_GB:
        return Finding("disk", "ok", message)
    level = "warning" if free >= _LEAST_GB else "wrong"
    return Finding("disk", level, message, "Free some space: `docker system prune` removes images.")
