"""One case of the matrix: jobs are sent, parts of one kind are killed, and nothing more happens."""

import random
import time
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from bench.harness.errors import BenchError
from bench.jobs_lost.runs import Counts, Run, Said, count, moments
from bench.jobs_lost.small_work import SECONDS

JOBS_FOR_A_KILL = 20

WORKER, PARENT, KEEPER, MACHINE = (
    "what runs a job",
    "its parent",
    "what keeps the queue",
    "a machine",
)
KINDS = (WORKER, PARENT, KEEPER, MACHINE)


class Pace(NamedTuple):
    """Seconds between two looks; of calm after which the queue is asked; that a case may take.

    A kill comes up to `spread` seconds late, so that it finds runs at any point.
    """

    look: float = 0.1
    calm: float = 4.0
    limit: float = 1800.0
    spread: float = SECONDS


class Queue(Protocol):
    """A queue with its workers, which one thread calls. Jobs are numbers from 0.

    If nothing happens for `patience` seconds, nothing will happen any more.
    """

    @property
    def patience(self) -> float: ...

    def send(self, jobs: int) -> None:
        """Send so many new jobs; the numbers are about these from now on."""
        ...

    def runs(self) -> Sequence[Run]:
        """Return all runs of their commands so far."""
        ...

    def strike(self, kind: str, victim: Run) -> Collection[str] | None:
        """Kill a part of one of KINDS: what runs `victim`, or another one if the kind is KEEPER.

        Return the keys of the runs whose processes were killed; None if there was nothing to kill
        any more.
        """
        ...

    def keep(self) -> None:
        """Start again what has died, as an init system does."""
        ...

    def ask(self) -> Mapping[int, Said]:
        """Return what the queue says about each job."""
        ...


_PACE = Pace()


class Outcome(NamedTuple):
    """How many jobs were sent, how often something was killed, and what became of the jobs."""

    jobs: int
    kills: int
    counts: Counts


def run(
    queue: Queue, kind: str, jobs: int, chance: random.Random, *, pace: Pace = _PACE
) -> Outcome:
    """Send the jobs, kill parts of that kind at random, and count."""
    plan = _Plan(moments(jobs, max(2, jobs // JOBS_FOR_A_KILL), chance), pace.spread, chance)
    watch = _Watch(pace.limit)
    struck: set[str] = set()
    queue.send(jobs)
    while True:
        queue.keep()
        runs = queue.runs()
        watch.look(runs)
        running = [one for one in runs if one.over is None]
        if running and plan.is_due(watch.ended):
            hit = queue.strike(kind, chance.choice(running))
            if hit is not None:
                struck.update(hit)
                plan.note_kill()
        elif watch.calm > pace.calm:
            said = queue.ask()
            if Said.OPEN not in said.values() or watch.calm > queue.patience:
                return Outcome(jobs, plan.kills, count(said, queue.runs(), struck))
        time.sleep(pace.look)


class _Plan:
    """When the next part is killed: after so many ends of runs, and some time."""

    def __init__(self, due: Sequence[int], spread: float, chance: random.Random) -> None:
        self._due = due
        self._spread = spread
        self._chance = chance
        self._at: float | None = None
        self.kills = 0

    def is_due(self, ended: int) -> bool:
        """Return whether it is time, after so many ends."""
        if self.kills == len(self._due) or ended < self._due[self.kills]:
            return False
        if self._at is None:
            self._at = time.monotonic() + self._chance.uniform(0, self._spread)
        return time.monotonic() >= self._at

    def note_kill(self) -> None:
        """Note that something was killed."""
        self.kills += 1
        self._at = None


class _Watch:
    """Notes whether something happens. Raises BenchError if that takes too long."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._began = self._changed = time.monotonic()
        self._seen = (0, 0)

    @property
    def ended(self) -> int:
        """How many runs have ended."""
        return self._seen[1]

    @property
    def calm(self) -> float:
        """For how many seconds nothing has happened."""
        return time.monotonic() - self._changed

    def look(self, runs: Sequence[Run]) -> None:
        seen = (len(runs), sum(run.over is not None for run in runs))
        now = time.monotonic()
        if seen != self._seen:
            self._seen, self._changed = seen, now
        if now - self._began > self._limit:
            raise BenchError(f"After {self._limit:.0f} s jobs still run; {seen[1]} runs have ended")
