"""A part of a local cluster: it starts, gets ready, may fail, and ends."""

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import requests

from local.errors import LocalError
from local.parts import processes
from local.parts.processes import MARK, Identity


class Part(Protocol):
    """The calls of the supervisor to a part, all from one thread.

    start() does not block for long; ready() may block for a second. problem() returns why the part
    no longer runs, or None; last_words() returns the end of its log since its start. After a
    problem the supervisor calls give_up(), and start() later. stop() blocks until nothing is left.
    """

    @property
    def name(self) -> str: ...
    @property
    def needs(self) -> tuple[str, ...]: ...
    @property
    def advice(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def pid(self) -> int | None: ...
    def start(self) -> None: ...
    def ready(self) -> bool: ...
    def problem(self) -> str | None: ...
    def last_words(self) -> str: ...
    def give_up(self) -> None: ...
    def stop(self) -> None: ...


@dataclasses.dataclass
class ProcessPart:
    """A part that is one program in the foreground; its output goes to `log`.

    `answers` returns whether it serves. `late` returns the variables that are known only when it
    starts; they replace those of `environ`, and it may block for a second or two. `grace` is how
    many seconds it may take to end after SIGTERM; `before_stop` runs before the signal and may
    block. `find_cause` returns an explanation of its end, "" for none.
    """

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    log: Path
    answers: Callable[[], bool]
    needs: tuple[str, ...] = ()
    address: str = ""
    advice: str = ""
    folder: Path | None = None
    grace: float = 10.0
    before_stop: Callable[[int], None] | None = None
    late: Callable[[], Mapping[str, str]] = dict
    find_cause: Callable[[], str] = str
    _process: subprocess.Popen[bytes] | None = dataclasses.field(default=None, init=False)
    _log_start: int = dataclasses.field(default=0, init=False)
    _left: list[Identity] = dataclasses.field(default_factory=list, init=False)

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self._log_start = out.tell()
            self._process = subprocess.Popen(
                self.command,
                env={**self.environ, **self.late()},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ready(self) -> bool:
        return self.problem() is None and self.answers()

    def problem(self) -> str | None:
        if self._process is None:
            return "not started"
        status = self._process.poll()
        if status is None:
            return None
        return ": ".join(filter(None, (describe_exit(status), self.find_cause())))

    def last_words(self) -> str:
        return last_lines(self.log, since=self._log_start)

    def give_up(self) -> None:
        """End the program if it still runs, but not the processes that it left when it died.

        They may go on serving: HAProxy outlives its controller, and the next one takes it over.
        """
        if self._process is not None and self._process.poll() is not None:
            self._left += processes.in_session(self._process.pid)
            self._process = None
        else:
            self.stop()

    def stop(self) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                self._end(self._process)
            self._process.wait()
            self._left += processes.in_session(self._process.pid)
            self._process = None
        processes.end(self._left, 0)
        self._left.clear()

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        if self.before_stop is not None:
            self.before_stop(process.pid)
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(self.grace)
        if process.poll() is None:
            process.kill()


def describe_exit(status: int) -> str:
    """Return how a process ended, from the return code of subprocess."""
    if status < 0:
        return f"ended by {signal.Signals(-status).name}"
    return f"exited with status {status}"


def environment(own: Mapping[str, str], inherited: Mapping[str, str]) -> dict[str, str]:
    """Return a part's environment: `own`, and what is safe to inherit.

    Inherited variables that could affect the part by accident are left out; the mark of the cluster
    stays.
    """
    strange = ("PREVS_", "MESOS_", "LIBPROCESS_", "DOCKER_", "ZOO", "GIT_DIR", "GIT_WORK", "PYTHON")
    kept = {k: v for k, v in inherited.items() if k == MARK or not k.startswith(strange)}
    return {**kept, **own}


def answers_http(url: str, *, statuses: Callable[[int], bool] = lambda s: s == 200) -> bool:
    """Return whether a GET of `url` gets such a status within a second."""
    try:
        with requests.Session() as session:
            session.trust_env = False  # the proxy of the environment is not for loopback
            return statuses(session.get(url, timeout=1, allow_redirects=False).status_code)
    except requests.RequestException:
        return False


def last_lines(log: Path, count: int = 15, *, since: int = 0) -> str:
    """Return the end of a log, at most from byte `since` on, or "" if there is no log."""
    try:
        with log.open("rb") as file:
            size = log.stat().st_size
            start = since if since <= size else 0  # it was rotated
            file.seek(max(start, size - 16384))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-count:])


def rotate(log: Path, limit: int) -> None:
    """Move a log that is longer than `limit` bytes to <log>.1.

    Its writers append, so they continue at its new end. Lines written during the copy may be lost.
    """
    if log.stat().st_size > limit:
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        os.truncate(log, 0)


def bring_up(part: Part, limit: float = 60.0) -> None:
    """Start one part and wait until it is ready. On failure stops it and raises LocalError."""
    part.start()
    deadline = time.monotonic() + limit
    while not part.ready():
        problem = part.problem()
        if problem is None and time.monotonic() > deadline:
            problem = f"not ready after {limit:.0f} s"
        if problem is not None:
            part.stop()
            raise LocalError(part.name, f"{problem}\n{part.last_words()}".strip(), part.advice)
        time.sleep(0.05)
