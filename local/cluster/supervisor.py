"""Starts and watches the parts of one cluster, restarts failed ones, and stops all in order.

`prevs local up` starts `python -m local.cluster.supervisor FOLDER`, detached. It holds a lock while
it runs, writes status.json on every change, and a line of progress for every step. SIGTERM stops
all parts. If a part fails before all were up once, it reports that, stops all and exits with 1.

To run without a part, `touch held/PART` in the folder and end the part's process.
"""

import contextlib
import fcntl
import json
import logging
import os
import select
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from local.cluster import cluster, code
from local.cluster.progress import Step, append
from local.cluster.restart_policy import (
    Action,
    PartState,
    Phase,
    advance,
    clear_failures,
    failed,
    is_slow,
    stop_order,
)
from local.errors import LocalError
from local.parts import processes
from local.parts.part import Part, rotate
from local.settings import Settings, read, write_private

_TICK = 0.1
"""Seconds between two looks at the parts while one of them is not up."""
_CALM_TICK = 0.4
"""The same while all are up: a part that ends is found by then."""
_ROTATION = 60.0  # seconds between checks of the sizes of the logs
_LOG_LIMIT = 20 * 1024 * 1024
_LOCK_SECONDS = 1.0  # seconds; a check for a running supervisor takes its lock for a moment
_LATE = (
    "Its log ({log}) shows its last steps. If the machine is slow or busy, run the same command "
    "again: it goes on from there."
)
_log = logging.getLogger("supervisor")


class Supervisor:
    """One run. It uses one thread, except that the parts of one group stop at the same time."""

    def __init__(
        self,
        settings: Settings,
        parts: Sequence[Part],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._now = now
        self._parts = parts
        self._states = {part.name: PartState() for part in parts}
        self._begun = self._now()
        self._stopping = False
        self._requested, self._request = socket.socketpair()
        self._failure: Step | None = None
        self._was_up = False
        self._slow: set[str] = set()
        self._rotated = self._begun
        self._code = code.digest()

    def run(self) -> int:
        """Keep the parts up until a signal to stop; return the exit status. Blocks."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._request_stop())
        self._write_status()
        while not self._stopping and self._failure is None:
            if self._look():
                self._write_status()
            if not self._was_up and self._all_ready():
                self._was_up = True
                self._write_status()
                self._report("cluster", "up", self._begun)
            self._rotate_logs()
            self._rest()
        self._stopping = True
        self._write_status()
        self._stop_all()
        if self._failure is not None:
            return 1
        self._report("cluster", "down", self._begun)
        return 0

    def _rest(self) -> None:
        """Wait for the next look, or for a request to stop."""
        seconds = _CALM_TICK if self._all_ready() else _TICK
        select.select([self._requested], [], [], seconds)

    def _request_stop(self) -> None:
        self._stopping = True
        self._request.send(b".")
        self._begun = self._now()

    def _rotate_logs(self) -> None:
        if self._now() - self._rotated > _ROTATION:
            self._rotated = self._now()
            for log in (self._settings.folder / "log").glob("*.log"):
                with _logging_failures(str(log)):
                    rotate(log, _LOG_LIMIT)

    def _look(self) -> bool:
        """Advance every part by one step; return whether anything changed."""
        changed = False
        for part in self._parts:
            if self._stopping or self._failure is not None:
                break
            old = self._states[part.name]
            new, action = self._advance(part, old)
            self._states[part.name] = new
            changed |= new != old
            if action is Action.START:
                self._start(part)
            elif action is Action.STOP:
                self._give_up(part)
            elif new.phase is not old.phase:
                self._report(part.name, "ready", old.since, detail=part.address)
            self._name_slow(part.name, new)
        return changed

    def _name_slow(self, name: str, state: PartState) -> None:
        """Report a slow start once, as other parts wait for this one."""
        if not is_slow(state, self._now()):
            self._slow.discard(name)
        elif name not in self._slow:
            self._slow.add(name)
            self._report(name, "slow", state.since, detail="is still starting")

    def _advance(self, part: Part, state: PartState) -> tuple[PartState, Action]:
        waiting = state.phase is Phase.WAITING
        problem = None if waiting else part.problem()
        ready = False
        if state.phase is Phase.STARTING and problem is None:
            try:
                ready = part.ready()
            except (LocalError, OSError) as exc:
                problem = exc.why if isinstance(exc, LocalError) else str(exc)
        held = (self._settings.held_folder / part.name).exists()
        new, action = advance(
            state,
            needs_met=not held and self._needs_met(part),
            ready=ready,
            problem=problem,
            now=self._now(),
            used=processes.used_cpu(part.pid) if not waiting and part.pid else 0.0,
        )
        return (clear_failures(new) if held else new), action

    def _needs_met(self, part: Part) -> bool:
        return all(self._states[need].phase is Phase.READY for need in part.needs)

    def _start(self, part: Part) -> None:
        self._report(part.name, "starting", self._now())
        try:
            part.start()
        except (LocalError, OSError) as exc:
            why, advice = (exc.why, exc.advice) if isinstance(exc, LocalError) else (str(exc), "")
            state = failed(self._states[part.name], why, self._now())
            self._states[part.name] = state
            self._give_up(part, advice)

    def _give_up(self, part: Part, advice: str = "") -> None:
        """End the rest of a failed part; if not all parts were up yet, fail the whole run."""
        problem = self._states[part.name].problem
        _log.warning("%s: %s", part.name, problem)
        if not self._was_up:
            detail = f"{problem}\n{part.last_words()}".strip()
            if self._states[part.name].late:
                log = self._settings.log(part.name)
                # What is no program of its own writes to ours.
                log = log if log.exists() else self._settings.log("supervisor")
                advice = _LATE.format(log=log)
            self._failure = Step(part.name, "failed", 0.0, detail, advice or part.advice)
            with _logging_failures("its progress"):
                append(self._settings.progress_file, self._failure)
        self._try(part, part.give_up)

    def _try(self, part: Part, end: Callable[[], None]) -> None:
        try:
            end()
        except (LocalError, OSError) as exc:
            _log.warning("%s: %s", part.name, exc)

    def _stop_all(self) -> None:
        by_name = {part.name: part for part in self._parts}
        for group in stop_order({part.name: part.needs for part in self._parts}):
            begun = self._now()
            for name in group:
                if self._states[name].phase is not Phase.WAITING:
                    self._report(name, "stopping", begun)
            with ThreadPoolExecutor(len(group)) as pool:
                list(
                    pool.map(
                        lambda part: self._try(part, part.stop), map(by_name.__getitem__, group)
                    )
                )
            for name in group:
                was = self._states[name].phase
                self._states[name] = PartState()
                if was is not Phase.WAITING:
                    self._report(name, "stopped", begun)
            self._write_status()

    def _all_ready(self) -> bool:
        return all(state.phase is Phase.READY for state in self._states.values())

    def _report(self, name: str, state: str, since: float, *, detail: str = "") -> None:
        _log.info("%s: %s %s", name, state, detail)
        with _logging_failures("its progress"):
            append(self._settings.progress_file, Step(name, state, self._now() - since, detail))

    def _write_status(self) -> None:
        now = self._now()
        parts = []
        for part in self._parts:
            state = self._states[part.name]
            waiting = state.phase is Phase.WAITING
            parts.append(
                {
                    "name": part.name,
                    "state": state.phase.value,
                    "address": part.address,
                    "pid": None if waiting else part.pid,
                    "changed": time.time() - (now - state.since) if state.since else None,
                    "restarts": state.restarts,
                    "problem": state.problem,
                }
            )
        status = {
            "supervisor": os.getpid(),
            "cluster": self._settings.cluster,
            "up": self._all_ready() and not self._stopping,
            "was_up": self._was_up,
            "stopping": self._stopping,
            "code": self._code,
            "checkout": str(code.CHECKOUT),
            "parts": parts,
        }
        with _logging_failures("its status"):
            write_private(self._settings.status_file, json.dumps(status))


@contextlib.contextmanager
def _logging_failures(what: str) -> Iterator[None]:
    """Log an error of writing and go on: a full disk is no reason to stop the parts."""
    try:
        yield
    except OSError as exc:
        _log.warning("%s cannot be written: %s", what, exc)


@contextlib.contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold the folder's lock. Raises LocalError if another supervisor holds it."""
    with settings.lock_file.open("a+") as lock:
        deadline = time.monotonic() + _LOCK_SECONDS
        while not _take(lock):
            if time.monotonic() >= deadline:
                advice = "`prevs local down` stops it."
                raise LocalError("supervisor", "another one already runs", advice)
            time.sleep(0.01)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _take(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def main(
    folder: Path,
    environ: Mapping[str, str],
    make: Callable[[Settings, Mapping[str, str]], Sequence[Part]] = cluster.parts,
) -> int:
    """Run the cluster of a folder, of the parts that `make` returns."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    settings = read(folder)
    if settings is None:
        advice = "`prevs local up` creates a cluster."
        raise LocalError("supervisor", f"{folder} is not the folder of a cluster", advice)
    with only_one(settings):
        settings.progress_file.write_text("")
        shutil.rmtree(settings.held_folder, ignore_errors=True)
        settings.held_folder.mkdir()
        left = processes.marked(settings.cluster)
        if left:
            begun = time.monotonic()
            processes.end(left, 10)
            detail = f"{len(left)} processes of an earlier run"
            seconds = time.monotonic() - begun
            append(settings.progress_file, Step("leftovers", "stopped", seconds, detail))
        try:
            parts = make(settings, environ)
        except LocalError as exc:
            append(settings.progress_file, Step(exc.step, "failed", 0.0, exc.why, exc.advice))
            return 1
        return Supervisor(settings, parts).run()


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]), os.environ))
    except LocalError as error:
        sys.exit(str(error))
