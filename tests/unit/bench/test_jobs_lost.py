"""What bench/jobs_lost counts, from the runs of commands."""

import json
import random
from collections.abc import Collection, Mapping, Sequence

import pytest

from bench.harness.command_line import check
from bench.jobs_lost import case, report
from bench.jobs_lost.case import KEEPER, WORKER, Outcome, Pace
from bench.jobs_lost.containers import Started, as_runs
from bench.jobs_lost.report import OURS
from bench.jobs_lost.rivals import read_marks
from bench.jobs_lost.runs import Counts, Run, Said, count, moments

NOTHING = Counts(lost=0, told=0, stuck=0, again=0, needless=0, wronged=0)
DONE = Run(0, "a", 1.0, 2.0, done=True)
KILLED = Run(0, "a", 1.0, 1.5)
UNSEEN = Run(0, "a", 1.0)
AGAIN = Run(0, "b", 3.0, 4.0, done=True)


@pytest.mark.parametrize(
    ("said", "runs", "struck", "expected"),
    [
        (Said.DONE, [DONE], [], {}),
        (Said.UNKNOWN, [DONE], [], {}),
        (Said.UNKNOWN, [], [], {"lost": 1}),
        (Said.UNKNOWN, [KILLED], ["a"], {"lost": 1}),
        (Said.DONE, [KILLED], ["a"], {"lost": 1}),
        (Said.FAILED, [KILLED], ["a"], {"lost": 1, "told": 1}),
        (Said.OPEN, [KILLED], ["a"], {"stuck": 1}),
        (Said.OPEN, [DONE], [], {"stuck": 1}),
        (Said.FAILED, [DONE], [], {"wronged": 1}),
        (Said.DONE, [KILLED, AGAIN], ["a"], {"again": 1}),
        (Said.DONE, [KILLED, AGAIN], [], {"again": 1}),
        (Said.DONE, [AGAIN, UNSEEN], [], {"again": 1}),
        (Said.DONE, [DONE, AGAIN], ["a"], {"again": 1}),
        (Said.DONE, [DONE, AGAIN], [], {"again": 1, "needless": 1}),
        (Said.DONE, [KILLED._replace(over=3.5), AGAIN], [], {"again": 1, "needless": 1}),
        (Said.DONE, [KILLED._replace(over=3.5), AGAIN], ["a"], {"again": 1}),
    ],
)
def test_a_job_counts_by_its_runs_and_by_what_the_queue_still_says(
    said: Said, runs: Sequence[Run], struck: Collection[str], expected: Mapping[str, int]
) -> None:
    assert count({0: said}, runs, struck) == NOTHING._replace(**expected)


def test_each_job_counts_by_itself() -> None:
    others = [Run(1, "c", 1.0, 2.0, done=True), Run(7, "d", 1.0, 2.0)]
    said = {0: Said.DONE, 1: Said.DONE, 2: Said.UNKNOWN}
    found = count(said, [KILLED, AGAIN, *others], {"a"})
    assert found == NOTHING._replace(lost=1, again=1)


def test_kills_are_spread_over_the_jobs_at_random() -> None:
    for seed in range(50):
        found = moments(100, 4, random.Random(seed))
        assert [(moment - 1) // 20 for moment in found] == [0, 1, 2, 3]
    assert moments(100, 4, random.Random(1)) != moments(100, 4, random.Random(2))
    assert moments(2, 2, random.Random(1))[0] == 1


def test_the_runs_of_a_rival_are_read_from_its_marks_up_to_the_last_whole_line() -> None:
    text = "began 0 77 1.5 1.5\nbegan 1 78 1.6 1.6\ndone 0 77 1.5 2.5\nbegan 0 77 3.5 3.5\ndone 0 7"
    assert read_marks(text) == [
        Run(0, "0:77:1.5", 1.5, 2.5, done=True),
        Run(1, "1:78:1.6", 1.6),
        Run(0, "0:77:3.5", 3.5),
    ]


def test_containers_are_runs_of_the_jobs_that_were_sent() -> None:
    started = {
        "x": Started("id-b", "task-1", "agent", 1.0, 2.0, done=True),
        "y": Started("an earlier job", "task-2", "agent", 1.0),
    }
    assert as_runs(started, ["id-a", "id-b"]) == [Run(1, "x", 1.0, 2.0, done=True)]


class Stand:
    """A queue that runs two jobs at a time; a kill loses what runs, and the first one misses."""

    patience = 0.0

    def __init__(self, said: Said) -> None:
        self.said = said
        self.jobs: Sequence[int] = ()
        self.found: list[Run] = []
        self.struck: list[tuple[str, str]] = []
        self.tries = 0

    def send(self, jobs: int) -> None:
        self.jobs = range(jobs)

    def runs(self) -> Sequence[Run]:
        return self.found

    def strike(self, kind: str, victim: Run) -> Collection[str] | None:
        self.tries += 1
        if self.tries == 1:
            return None
        self.struck.append((kind, victim.key))
        self.found = [
            run._replace(over=run.began) if run.key == victim.key else run for run in self.found
        ]
        return {victim.key}

    def keep(self) -> None:
        """Let what runs be done, and start the next two."""
        now = float(len(self.found))
        self.found = [
            run if run.over is not None else run._replace(over=now, done=True) for run in self.found
        ]
        begun = len(self.found)
        self.found += [Run(job, str(job), now) for job in self.jobs[begun : begun + 2]]

    def ask(self) -> Mapping[int, Said]:
        return dict.fromkeys(self.jobs, self.said)


@pytest.mark.parametrize(("said", "expected"), [(Said.FAILED, "lost"), (Said.OPEN, "stuck")])
def test_a_case_ends_when_nothing_happens_any_more(said: Said, expected: str) -> None:
    queue = Stand(said)
    outcome = case.run(queue, WORKER, 10, random.Random(3), pace=Pace(0.0, 0.01, spread=0.0))
    assert (outcome.jobs, outcome.kills, queue.tries) == (10, 2, 3)
    assert [kind for kind, _ in queue.struck] == [WORKER] * 2
    if expected == "lost":
        assert (outcome.counts.lost, outcome.counts.told) == (2, 2)
        assert outcome.counts.wronged == 8
    else:
        assert outcome.counts.stuck == 10


def test_every_outcome_is_in_the_table_and_in_the_figures() -> None:
    bad = Counts(lost=11, told=12, stuck=13, again=14, needless=15, wronged=16)
    matrix = {(KEEPER, OURS): Outcome(100, 4, NOTHING), (KEEPER, "RQ"): Outcome(100, 3, bad)}
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in report.lines(matrix)]
    assert rows[2][1:] == ["100", "4", *"000000"]
    assert rows[-2:] == [
        [KEEPER, "**prevs**", "100", "4", *"000000"],
        [KEEPER, "RQ", "100", "3", "11", "12", "13", "14", "15", "16"],
    ]
    found = report.figures(matrix)
    check(found)
    assert json.loads(json.dumps(found))[f"RQ: {KEEPER}"]["lost"] == 11
