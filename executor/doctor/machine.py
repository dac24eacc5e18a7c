"""Looks at this machine as an executor would find it."""

from __future__ import annotations

import email.utils
import http.client
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

from executor.builds import build_limits
from executor.docker import daemon_group, engine, trial
from executor.limits import daemon_firewall
from executor.limits.confinement import read_confinement
from executor.limits.machine_checks import Folder, Framework, Machine
from executor.network.iptables import count_visitors, find_rules_problem, find_table_problem

_MODULES = ("bz2", "ssl")
_PROGRAM_LIMIT = 20.0
_FRAMEWORK_LIMIT = 10.0
_GB = 1e9
_HIERARCHIES = Path("/sys/fs/cgroup")
_BUILD_RUNC = "DOCKER_BUILDKIT_RUNC_COMMAND"
"""Docker's variable for what starts the steps of builds: local/docker/build_runc.py."""

_MESOS_GROUP = "mesos"
"""The control group of executors under an agent with the launcher linux (its --cgroups_root)."""


def look(environ: Mapping[str, str], framework: Optional[str]) -> Machine:
    """Return what an executor with this environment would find. Blocks for a minute at most.

    `framework` is the address of a framework's API.
    """
    version, info, problem = _query_docker(environ)
    problems: list[str] = []
    confined = read_confinement(environ, problems)
    root = info.get("DockerRootDir")
    images = Path(str(root)) if root and Path(str(root)).is_dir() else None
    return Machine(
        python=sys.version_info[:3],
        missing_modules=[name for name in _MODULES if importlib.util.find_spec(name) is None],
        git=_run(["git", "--version"], environ),
        git_lfs=_run(["git-lfs", "version"], environ),
        ssh=_run(["ssh", "-V"], environ),
        buildx=_run(["docker", "buildx", "version"], environ),
        docker=version,
        docker_info=info,
        docker_problem=problem,
        trial_problem="" if version is None else trial.find_problem(environ),
        rules_problem=find_rules_problem(),
        visitors=count_visitors(),
        limits_problem=build_limits.find_problem(confined),
        build_runc=daemon_group.find_variable(_host(environ), _BUILD_RUNC),
        outbound_problem=None if version is None else _find_outbound_problem(environ),
        confined=confined,
        confined_problems=problems,
        work=_try_folder(environ.get("PREVS_EXECUTOR_DIR", "")),
        images=_measure(images) if images else None,
        framework=_query_framework(framework) if framework else None,
        has_mesos_groups=_has_groups(_MESOS_GROUP),
    )


def _find_outbound_problem(environ: Mapping[str, str]) -> Optional[str]:
    """Return why an executor could not close docker's own connections, None if it could."""
    try:
        daemon_group.find_group(_host(environ))
    except daemon_group.NoGroup as exc:
        return str(exc)
    return find_table_problem(daemon_firewall.TABLE)


def _host(environ: Mapping[str, str]) -> str:
    return environ.get("DOCKER_HOST") or engine.DEFAULT_HOST


def _has_groups(name: str) -> bool:
    """Return whether a control group of this name exists, with v1 in any hierarchy."""
    return any(_HIERARCHIES.glob(name)) or any(_HIERARCHIES.glob(f"*/{name}"))


def _run(command: Sequence[str], environ: Mapping[str, str]) -> Optional[str]:
    """Return the output of a program, None if it is missing or fails."""
    try:
        done = subprocess.run(
            command,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_PROGRAM_LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None


def _query_docker(
    environ: Mapping[str, str],
) -> tuple[Optional[dict[str, Any]], dict[str, Any], str]:
    """Return /version and /info of the daemon, and why it does not answer."""
    try:
        version, info = (_get(environ, path) for path in ("/version", "/info"))
    except (OSError, ValueError, http.client.HTTPException) as exc:
        why = getattr(exc, "strerror", None) or str(exc) or type(exc).__name__
        return None, {}, why.rstrip(".")
    return version, info, ""


def _get(environ: Mapping[str, str], path: str) -> dict[str, Any]:
    connection = engine.connect(environ)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise ValueError(f"its status is {answer.status}")
        found: dict[str, Any] = json.loads(body)
        return found
    finally:
        connection.close()


def _try_folder(path: str) -> Folder:
    """Return whether the work folder can be written to; creates it if it is missing."""
    if not Path(path).is_absolute():
        return Folder(path, f"PREVS_EXECUTOR_DIR must be an absolute path, not {path!r}.", 0.0)
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path) as file:
            file.write(b"x")
            file.flush()
        return _measure(Path(path))
    except OSError as exc:
        return Folder(path, f"{path} cannot be written to: {exc.strerror}.", 0.0)


def _measure(folder: Path) -> Folder:
    found = os.statvfs(folder)
    inodes = found.f_favail if found.f_files else None
    return Folder(str(folder), "", found.f_bavail * found.f_frsize / _GB, inodes)


def _query_framework(url: str) -> Framework:
    try:
        # report.py takes only http and https addresses.
        request = urllib.request.Request(f"{url}/healthz")  # noqa: S310
        with urllib.request.urlopen(request, timeout=_FRAMEWORK_LIMIT) as answer:  # noqa: S310
            date = answer.headers["Date"]
    except urllib.error.HTTPError as exc:
        date = exc.headers["Date"]
    except (OSError, ValueError, http.client.HTTPException) as exc:
        return Framework(url, str(getattr(exc, "reason", exc)).rstrip("."))
    try:
        return Framework(
            url, ahead=email.utils.parsedate_to_datetime(date).timestamp() - time.time()
        )
    except (TypeError, ValueError):
        return Framework(url)
