import dataclasses
from typing import Any

import pytest

from framework.dashboard.jobs.job_lines import Counts, Line, Wanted, arrange, count
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState

NOW = 1000.0
QUEUED, RUNNING, SUCCEEDED = JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED


def job(job_id: str, state: JobState, **fields: Any) -> JobRecord:
    made = JobRecord("shop", job_id, "a" * 40, "main", JobSettings(("work",)), state)
    return dataclasses.replace(made, **fields)


def ids(lines: dict[str, list[Line]] | Any, section: str) -> list[str]:
    return [line.job.id for line in lines[section]]


def test_the_queue_is_in_its_order_and_what_ended_is_newest_first() -> None:
    high = dataclasses.replace(JobSettings(("work",)), priority=2)
    jobs = [
        job("later", QUEUED, retry_at=NOW + 9, terms=high),
        job("second", QUEUED, created=NOW - 8),
        job("first", QUEUED, created=NOW - 3, terms=high),
        job("old", SUCCEEDED, changed=NOW - 9),
        job("new", JobState.FAILED, changed=NOW - 1),
        job("ending", JobState.ENDING),
    ]
    lines = arrange(jobs, Wanted(), NOW)
    assert list(lines) == ["running", "waiting", "ended"]
    assert ids(lines, "waiting") == ["first", "second", "later"]
    assert ids(lines, "ended") == ["new", "old"]
    assert ids(lines, "running") == ["ending"]


def test_a_group_is_one_line_where_most_happens_and_each_job_if_it_is_wanted() -> None:
    jobs = [
        job("a", SUCCEEDED, group="g"),
        job("b", QUEUED, group="g"),
        job("c", RUNNING, group="g"),
        job("alone", QUEUED, group="h"),
        job("other", QUEUED, group="g", app="zebra"),
    ]
    lines = arrange(jobs, Wanted(), NOW)
    assert lines["running"] == [Line(jobs[2], Counts(succeeded=1, running=1, waiting=1))]
    assert ids(lines, "waiting") == ["alone", "other"]
    assert [line.counts for line in lines["waiting"]] == [None, None]
    assert not lines["ended"]
    of_group = arrange(jobs, Wanted("shop", group="g"), NOW)
    assert [ids(of_group, section) for section in of_group] == [["c"], ["b"], ["a"]]


@pytest.mark.parametrize(
    ("state", "found"),
    [("running", ["r"]), ("waiting", ["q"]), ("ended", ["f", "s"]), ("failed", ["f"])],
)
def test_jobs_are_chosen_by_state(state: str, found: list[str]) -> None:
    jobs = [
        job("r", JobState.PLACED),
        job("q", QUEUED),
        job("f", JobState.FAILED, changed=2.0),
        job("s", SUCCEEDED, changed=1.0),
    ]
    lines = arrange(jobs, Wanted(state=state), NOW)
    assert [line.job.id for section in lines.values() for line in section] == found


@pytest.mark.parametrize(
    ("wanted", "reads"),
    [
        (Wanted(), False),
        (Wanted("shop"), False),
        (Wanted("shop", "waiting"), False),
        (Wanted("shop", "failed"), True),
        (Wanted("shop", "", "g"), True),
        (Wanted("", "failed", "g"), False),
    ],
)
def test_blocks_are_read_only_for_what_is_in_them(wanted: Wanted, reads: bool) -> None:
    assert wanted.reads_blocks is reads


def test_the_bar_of_a_group_fills_its_width_and_its_words_say_the_same() -> None:
    states = [*[SUCCEEDED] * 12, JobState.FAILED, RUNNING, QUEUED, QUEUED]
    counts = count(job(str(number), state) for number, state in enumerate(states))
    assert counts.sentence == "12 succeeded, 1 failed, 1 runs, 2 wait"
    assert counts.active == 3
    names, begins, widths = zip(*counts.bar, strict=True)
    assert names == ("succeeded", "failed", "running", "waiting")
    assert sum(widths) == pytest.approx(100, abs=0.1)
    assert begins[0] == 0
    assert begins[-1] + widths[-1] == pytest.approx(100, abs=0.1)
    assert Counts().bar == []
