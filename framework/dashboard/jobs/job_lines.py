"""Running, waiting and ended jobs as lines of a page, a group in a single line. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from framework.matching import job_queue
from framework.units.lifecycle import JOB_WITH_TASK
from prevs.jobs import ENDED, JobRecord, JobState

SECTIONS: Mapping[str, frozenset[JobState]] = {
    "running": JOB_WITH_TASK,
    "waiting": frozenset({JobState.QUEUED}),
    "ended": ENDED,
}
FILTERS: Mapping[str, frozenset[JobState]] = {
    **SECTIONS,
    **{state.value: frozenset({state}) for state in JobState if state in ENDED},
}
"""What one may choose by state."""

Group = tuple[str, str]
"""An app, and the name of a group of its jobs."""


class Wanted(NamedTuple):
    """Which jobs a page is to show; "" for all. `state` is a key of FILTERS.

    `schedule` is the name of the one that has made them.
    """

    app: str = ""
    state: str = ""
    group: str = ""
    schedule: str = ""

    def has(self, job: JobRecord) -> bool:
        """Return whether a job is one of them, whatever its state."""
        return (
            self.app in ("", job.app)
            and self.group in ("", job.group)
            and self.schedule in ("", job.schedule)
        )

    @property
    def states(self) -> frozenset[JobState]:
        """The states of these jobs."""
        return FILTERS.get(self.state, frozenset(JobState))

    @property
    def reads_blocks(self) -> bool:
        """Whether the jobs that ended long ago are among them."""
        return bool(self.app) and bool(self.group or self.schedule or self.states <= ENDED)


class Counts(NamedTuple):
    """How many jobs of a group have ended in each way, run and wait."""

    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    running: int = 0
    waiting: int = 0

    @property
    def active(self) -> int:
        """How many have not ended."""
        return self.running + self.waiting

    @property
    def sentence(self) -> str:
        """The counts in words: "12 succeeded, 1 failed, 3 run"."""
        verbs = {"running": ("runs", "run"), "waiting": ("waits", "wait")}
        said = (
            f"{number} {verbs.get(name, (name, name))[number != 1]}"
            for name, number in self._asdict().items()
            if number
        )
        return ", ".join(said)

    @property
    def bar(self) -> Sequence[tuple[str, float, float]]:
        """Where each part of a bar begins, and how wide it is, in percent of the bar."""
        begins, parts = 0.0, []
        for name, number in self._asdict().items():
            share = 100 * number / max(1, sum(self))
            parts.append((name, round(begins, 2), round(share, 2)))
            begins += share
        return [part for part in parts if part[2]]


class Line(NamedTuple):
    """A job; with `counts` its whole group, of which it is the first here."""

    job: JobRecord
    counts: Counts | None = None


def arrange(jobs: Iterable[JobRecord], wanted: Wanted, now: float) -> Mapping[str, Sequence[Line]]:
    """Return the lines of each of SECTIONS, at `now` (seconds since the epoch).

    A group of several jobs is one line, in the first section that has one of its jobs; if a single
    group is wanted, each of its jobs has a line.
    """
    known = [job for job in jobs if wanted.has(job)]
    groups = {} if wanted.group else count_groups(known)
    lines: dict[str, Sequence[Line]] = {}
    seen: set[Group] = set()
    for section, all_states in SECTIONS.items():
        states = all_states & wanted.states
        found: list[Line] = []
        for job in _sort([one for one in known if one.state in states], now):
            counts = groups.get((job.app, job.group))
            if counts is None:
                found.append(Line(job))
            elif (job.app, job.group) not in seen:
                seen.add((job.app, job.group))
                found.append(Line(job, counts))
        lines[section] = found
    return lines


def count_groups(jobs: Iterable[JobRecord]) -> Mapping[Group, Counts]:
    """Return the counts of each group that has several of some jobs."""
    members: dict[Group, list[JobRecord]] = {}
    for job in jobs:
        if job.group:
            members.setdefault((job.app, job.group), []).append(job)
    return {group: count(ones) for group, ones in members.items() if len(ones) > 1}


def count(jobs: Iterable[JobRecord]) -> Counts:
    """Return how many of some jobs are in which states."""
    counts = dict.fromkeys(Counts._fields, 0)
    for job in jobs:
        counts[_name(job.state)] += 1
    return Counts(**counts)


def _name(state: JobState) -> str:
    """Return the field of Counts for a state."""
    if state in ENDED:
        return state.value
    return "waiting" if state is JobState.QUEUED else "running"


def _sort(jobs: Sequence[JobRecord], now: float) -> Sequence[JobRecord]:
    """Return the jobs of one section: in the queue's order, else the last changed first."""
    if jobs and jobs[0].state is JobState.QUEUED:
        # Those that are not yet to be tried again have no place in the queue.
        return sorted(job_queue.sort(jobs, now), key=lambda job: job.retry_at > now)
    return sorted(jobs, key=lambda job: (-job.changed, job.app, job.id))
