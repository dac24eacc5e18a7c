"""`up`: starts a supervisor that outlives this process, and follows it until all is up.

What runs is read from processes that live: the record of a supervisor may outlive it, and its
progress is that of its start.
"""

import fcntl
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from local.cluster import code
from local.cluster.progress import Step, follow
from local.errors import LocalError
from local.parts import processes
from local.parts.part import environment, last_lines
from local.settings import Settings

_POLL = 0.05  # seconds
_MENDED_SECONDS = 60.0
"""How long a part that was up once may take until it is up again: its restarts have pauses."""
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


class Left(NamedTuple):
    """A process that goes on without its supervisor; `name` is that of its part or program."""

    name: str
    pid: int


def start(settings: Settings, environ: Mapping[str, str], show: Show) -> None:
    """Start a supervisor and wait until all parts are up. Raises LocalError if one fails.

    If a supervisor of this folder is already starting, follows its steps instead; if all were up
    once, waits for those that are down now.
    """
    status = read_status(settings)
    if supervisor_pid(settings) is None:
        settings.progress_file.unlink(missing_ok=True)
        _follow(settings, _launch(settings, environ), show)
    elif status and status["was_up"]:
        _wait_mended(settings)
    else:
        _follow(settings, None, show)


def wait_stopped(settings: Settings) -> None:
    """Return once no supervisor runs that is ending its parts."""
    while supervisor_pid(settings) is not None and read_status(settings).get("stopping"):
        time.sleep(_POLL)


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
        if step.state == "down":
            advice = "`prevs local up` starts it again."
            raise LocalError("cluster", "It was stopped while it started.", advice)
        if step.state == "failed":
            while wait():  # it stops its parts
                pass
            raise LocalError(step.name, step.detail, step.advice)
        show(step)
    why = f"ended after {time.monotonic() - begun:.0f} s\n{last_lines(settings.log('supervisor'))}"
    raise LocalError("supervisor", why, f"Read its log: {settings.log('supervisor')}")


def _wait_mended(settings: Settings) -> None:
    """Wait until all parts are up that were up once. Raises LocalError if some stay down."""
    deadline = time.monotonic() + _MENDED_SECONDS
    while not is_up(settings):
        if supervisor_pid(settings) is None:
            advice = "`prevs local up` starts it again."
            raise LocalError("supervisor", "It has ended meanwhile.", advice)
        down = [one for one in _read_parts(settings) if one["state"] != "ready"]
        held = [one for one in down if (settings.held_folder / one["name"]).exists()]
        if down and (time.monotonic() > deadline or held == down):
            advice = "`prevs local logs PART` shows the log of a part; `prevs local down` and then "
            advice += "`prevs local up` start all parts again."
            raise LocalError("cluster", "\n".join(map(describe_part, down)), advice)
        time.sleep(_POLL)


def describe_part(part: Mapping[str, Any]) -> str:
    """Return a sentence about a part that is not ready."""
    problem = f": {part['problem']}" if part["problem"] else "."
    return f"{part['name']} is {part['state']}{problem}"


def read_status(settings: Settings) -> dict[str, Any]:
    """Return the last status of the supervisor that runs; {} if none does, or it has none yet."""
    pid = supervisor_pid(settings)
    status = read_last_status(settings)
    return status if pid is not None and status.get("supervisor") == pid else {}


def read_last_status(settings: Settings) -> dict[str, Any]:
    """Return the last status that any supervisor wrote; {} if it cannot be read."""
    try:
        status = json.loads(settings.status_file.read_text())
    except (OSError, ValueError):
        return {}
    return status if isinstance(status, dict) else {}


def _read_parts(settings: Settings) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_status(settings).get("parts", [])
    return found


def is_up(settings: Settings) -> bool:
    """Return whether a supervisor runs, all its parts are ready, and their processes live."""
    status = read_status(settings)
    pids = (part["pid"] for part in status.get("parts", []) if part["pid"])
    return bool(status.get("up")) and all(map(processes.identify, pids))


def find_left(settings: Settings) -> list[Left]:
    """Return the processes that a supervisor has left which was killed."""
    parts = {part["pid"]: part["name"] for part in read_last_status(settings).get("parts", [])}
    found = sorted(one.pid for one in processes.marked(settings.cluster))
    return [Left(parts.get(pid) or processes.name_program(pid), pid) for pid in found]


def judge_code(settings: Settings) -> str | None:
    """Return why what runs is not the code of this checkout, with the next step; None if it is."""
    status = read_status(settings)
    if not status or status.get("code") == code.digest():
        return None
    checkout = status["checkout"]
    same = checkout == str(code.CHECKOUT)
    whose = f"an earlier state of {checkout}" if same else f"another version, from {checkout}"
    return f"What runs is {whose}. `prevs local down` and then `prevs local up` start this one."
