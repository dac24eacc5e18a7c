"""Celery and RQ on two machines of two places each, with a Redis; what is killed comes back."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.harness.errors import BenchError
from bench.jobs_lost import small_work
from bench.jobs_lost.case import KEEPER, MACHINE, PARENT, WORKER
from bench.jobs_lost.own_queue import DOWN
from bench.jobs_lost.runs import Run, Said
from local.parts import processes
from local.parts.part import ProcessPart, bring_up, environment
from tests.free_ports import free_port

_ROOT = Path(__file__).parents[2]
_MACHINES = 2
_PLACES = 2
_ANSWER = 30.0  # seconds until Redis answers again
_UNTOLD = 0.5  # seconds: of what a process has just done, Redis may not know yet
_SAFE = ("--appendonly", "yes", "--appendfsync", "always")


class Rival(NamedTuple):
    """A queue as it comes, or `safe`: set to lose less, with a Redis that writes each change."""

    name: str
    program: str
    safe: bool

    def commands(self, machine: int) -> Sequence[Sequence[str]]:
        """Return the commands of the workers of a machine."""
        if self.program == "celery":
            app = ("celery", "--app", "bench.jobs_lost.celery_app", "worker")
            own = ("--concurrency", str(_PLACES), "--hostname", f"machine-{machine}")
            return [(*app, *own, "--loglevel", "warning")]
        # It looks for jobs whose worker is gone after 17 min at the latest, by default.
        looks = ("--maintenance-interval", "5", "--worker-ttl", "20")
        soon = (*looks, "--job-monitoring-interval", "5")
        return [("rq", "worker", "--quiet", *soon)] * _PLACES


RIVALS = (
    Rival("Celery", "celery", safe=False),
    Rival("Celery, late acks", "celery", safe=True),
    Rival("RQ", "rq", safe=False),
    Rival("RQ, retries", "rq", safe=True),
)


class RivalQueue:
    """One of them, for one case. `installed` is a virtual environment."""

    patience = 120.0  # more than the times in celery_app.py and Rival.commands

    def __init__(self, rival: Rival, installed: Path, folder: Path) -> None:
        self._rival = rival
        self._folder = folder
        self._bin = installed.absolute() / "bin"
        self._marks = folder / "marks"
        self._marks.touch()
        self._jobs = 0
        self._over: dict[str, float] = {}
        port = free_port()
        own = {
            "PATH": f"{self._bin}:{os.environ['PATH']}",
            "PYTHONPATH": str(_ROOT),
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "RQ_REDIS_URL": f"redis://127.0.0.1:{port}/0",
            small_work.BROKER: f"redis://127.0.0.1:{port}/0",
            small_work.MARKS: str(self._marks),
            small_work.SAFE: "yes" if rival.safe else "",
        }
        self._environ = environment(own, os.environ)
        redis = ("redis-server", "--port", str(port), "--bind", "127.0.0.1")
        self._redis = self._part("redis", (*redis, *(_SAFE if rival.safe else ())))
        self._machines = [
            [
                self._part(f"machine-{machine}-{number}", command)
                for number, command in enumerate(rival.commands(machine))
            ]
            for machine in range(_MACHINES)
        ]

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Start Redis and the workers, and end them."""
        with contextlib.ExitStack() as stack:
            for part in self._parts():
                stack.callback(part.stop)
                bring_up(part)
            yield

    def send(self, jobs: int) -> None:
        self._jobs = jobs
        self._call("send")

    def runs(self) -> Sequence[Run]:
        return [self._see_end(run) for run in read_marks(self._marks.read_text())]

    def strike(self, kind: str, victim: Run) -> Collection[str] | None:
        pid = _pid(victim)
        if kind == KEEPER:
            return self._kill([self._redis.pid])
        if kind == WORKER:
            return self._kill([pid])
        machine, worker = self._find_worker(_parent(pid))
        if kind == PARENT:
            return self._kill([worker.pid])
        assert kind == MACHINE, kind
        workers = [part.pid for part in machine if part.pid is not None]
        killed = self._kill([one.pid for pid in workers for one in processes.in_session(pid)])
        time.sleep(DOWN)
        return killed

    def keep(self) -> None:
        for part in self._parts():
            if part.problem():
                part.give_up()
                part.start()

    def ask(self) -> Mapping[int, Said]:
        return {number: Said(word) for number, word in enumerate(json.loads(self._call("ask")))}

    def _see_end(self, run: Run) -> Run:
        """Return a run as over if its process has died, which leaves no mark."""
        if run.over is not None or processes.identify(_pid(run)) is not None:
            return run
        return run._replace(over=self._over.setdefault(run.key, time.time()))

    def _parts(self) -> Sequence[ProcessPart]:
        return [self._redis, *(part for machine in self._machines for part in machine)]

    def _part(self, name: str, command: Sequence[str]) -> ProcessPart:
        return ProcessPart(
            name=name,
            command=tuple(command),
            environ=self._environ,
            log=self._folder / f"{name}.log",
            # Workers say nothing when they are ready; jobs wait for them, and they for Redis.
            answers=lambda: True,
            folder=self._folder,
        )

    def _find_worker(self, pid: int) -> tuple[Sequence[ProcessPart], ProcessPart]:
        """Return the worker with that pid and its machine; any, if its work has no worker now."""
        workers = [(machine, part) for machine in self._machines for part in machine]
        return next((one for one in workers if one[1].pid == pid), workers[0])

    def _kill(self, pids: Sequence[int | None]) -> Collection[str] | None:
        """Kill processes of this case; return the keys of the runs that they had.

        Return None if there are none of them any more.
        """
        own = processes.having(small_work.MARKS, str(self._marks))
        # Redis writes its title over its environment.
        own += [one for one in [processes.identify(self._redis.pid or 0)] if one]
        killed = {process.pid: process for process in own if process.pid in pids}
        for process in killed.values():
            processes.send(process, signal.SIGKILL)
        since = time.time() - _UNTOLD
        runs = [run for run in read_marks(self._marks.read_text()) if _pid(run) in killed]
        keys = {run.key for run in runs if run.over is None or run.over > since}
        return keys if killed else None

    def _call(self, what: str) -> str:
        """Call the client, again while Redis is away."""
        client = ("-m", "bench.jobs_lost.rival_client", self._rival.program, what, str(self._jobs))
        deadline = time.monotonic() + _ANSWER
        while True:
            done = subprocess.run(
                [self._bin / "python", *client],
                check=False, capture_output=True, text=True, cwd=_ROOT, env=self._environ,
            )  # fmt: skip
            if done.returncode == 0:
                return done.stdout
            if what == "send" or time.monotonic() > deadline:
                raise BenchError(f"{self._rival.name} failed: {done.stderr.strip()}")
            self.keep()
            time.sleep(1)


def read_marks(text: str) -> list[Run]:
    """Return the runs in a file of marks; a last line that is not whole is left out."""
    found: dict[str, Run] = {}
    for line in text.splitlines(keepends=True):
        if not line.endswith("\n"):
            break
        what, job, pid, began, now = line.split()
        key = f"{job}:{pid}:{began}"
        over = float(now) if what == "done" else None
        found[key] = Run(int(job), key, float(began), over, what == "done")
    return list(found.values())


def _pid(run: Run) -> int:
    return int(run.key.split(":")[1])


def _parent(pid: int) -> int:
    """Return the parent of a process; 0 if it has just ended."""
    with contextlib.suppress(OSError):
        return processes.parse_stat(Path(f"/proc/{pid}/stat").read_text()).parent
    return 0
