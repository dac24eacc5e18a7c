"""What became of jobs, counted from the runs of their commands, and when something is killed."""

import enum
import itertools
import random
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple


class Said(enum.Enum):
    """What a queue says about a job in the end."""

    DONE = "done"
    FAILED = "failed"
    OPEN = "open"
    """It waits, or runs."""
    UNKNOWN = "unknown"


class Run(NamedTuple):
    """One run of a job's command, as it was seen from outside the queue.

    `job` is the job's place among those that were sent, `key` tells runs apart. `began` and `over`
    are times in seconds. `over` is None for a run of which no end was seen. A run is `done` if the
    command came to its own end.
    """

    job: int
    key: str
    began: float
    over: float | None = None
    done: bool = False


class Counts(NamedTuple):
    """Jobs, by what became of them.

    `lost`: no run is done, and the queue goes on with none; `told`: those of them that it calls
    failed. `stuck`: the queue says that they wait or run, and nothing happens. `again`: their
    command ran more than once; `needless`: it did although nothing had ended the run before.
    `wronged`: a run is done, and the queue says that the job has failed.
    """

    lost: int
    told: int
    stuck: int
    again: int
    needless: int
    wronged: int


def count(said: Mapping[int, Said], runs: Sequence[Run], struck: Collection[str]) -> Counts:
    """Count what became of the jobs in `said`.

    `struck` has the keys of the runs for which a kill hit what ran them.
    """
    by_job: defaultdict[int, list[Run]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: run.began):
        by_job[run.job].append(run)
    done = {job for job in said if any(run.done for run in by_job[job])}
    lost = {job for job, word in said.items() if job not in done and word is not Said.OPEN}
    failed = {job for job, word in said.items() if word is Said.FAILED}
    return Counts(
        lost=len(lost),
        told=len(lost & failed),
        stuck=sum(word is Said.OPEN for word in said.values()),
        again=sum(len(by_job[job]) > 1 for job in said),
        needless=sum(_is_needless(by_job[job], struck) for job in said),
        wronged=len(done & failed),
    )


def _is_needless(runs: Sequence[Run], struck: Collection[str]) -> bool:
    """Return whether a job ran again after a run that was done, or beside one that went on."""
    return any(
        earlier.key not in struck
        and (earlier.done or (earlier.over is not None and earlier.over > later.began))
        for earlier, later in itertools.pairwise(runs)
    )


def moments(jobs: int, kills: int, chance: random.Random) -> list[int]:
    """Return after how many ends of runs something is killed: a number from each equal part."""
    part = jobs / (kills + 1)
    return [int(part * (number + chance.random())) + 1 for number in range(kills)]
