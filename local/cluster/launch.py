"""`up`: starts a supervisor that outlives this process, and follows it until all is up."""

import fcntl
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from local.cluster.progress import Step, follow
from local.errors import LocalError
from local.parts.part import environment, last_lines
from local.settings import Settings

_POLL = 0.05  # seconds
Show = Callable[[Step], None]


def supervisor_pid(settings: Settings) -> int | None:
    """Return the pid of the folder's supervisor, or None if none runs.

    The lock shows whether it runs; the file's text is its pid.
    """
    try:
        with settings.lock_file.open("r+") as lock:
            try:
                # Shared, so that two checks at once do not mistake each other for a supervisor.
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read() or 0) or None
    except FileNotFoundError:  # nothing was ever started here
        return None
    return None


def start(settings: Settings, environ: Mapping[str, str], show: Show) -> None:
    """Start a supervisor and wait until all parts are up. Raises LocalError if one fails.

    If a supervisor of this folder is already starting, follows its steps instead.
    """
    process = None
    if supervisor_pid(settings) is None:
        settings.progress_file.unlink(missing_ok=True)
        process = _launch(settings, environ)
    _follow(settings, process, show)


def _launch(settings: Settings, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    packages = str(Path(__file__).parents[2])
    own = {"PYTHONPATH": packages} | _docker(environ)
    with settings.log("supervisor").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "local.cluster.supervisor", str(settings.folder)],
            env=environment(own, environ),
            cwd=settings.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _docker(environ: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in environ.items() if key == "DOCKER_HOST"}


def _follow(settings: Settings, process: subprocess.Popen[bytes] | None, show: Show) -> None:
    begun = time.monotonic()

    def wait() -> bool:
        time.sleep(_POLL)
        if process is not None:
            return process.poll() is None
        return supervisor_pid(settings) is not None

    for step in follow(settings.progress_file, wait):
        if step.state == "up":
            return
        if step.state == "failed":
            while wait():  # it stops its parts
                pass
            raise LocalError(step.name, step.detail, step.advice)
        show(step)
    why = f"ended after {time.monotonic() - begun:.0f} s\n{last_lines(settings.log('supervisor'))}"
    raise LocalError("supervisor", why, f"Read its log: {settings.log('supervisor')}")


def read_status(settings: Settings) -> dict[str, Any]:
    """Return the supervisor's last status; {} if it cannot be read."""
    try:
        status = json.loads(settings.status_file.read_text())
    except (OSError, ValueError):
        return {}
    return status if isinstance(status, dict) else {}


def is_up(settings: Settings) -> bool:
    """Return whether a supervisor runs and all its parts are ready."""
    alive = supervisor_pid(settings) is not None
    return alive and bool(read_status(settings).get("up"))
