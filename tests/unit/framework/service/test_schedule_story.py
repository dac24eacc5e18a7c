"""Schedules from their writing to the jobs of their times, in a service over fakes."""

import base64
from collections.abc import Sequence

import pytest

from framework.apps.manifest import Manifest
from framework.errors import InvalidSettings, UnknownApp
from framework.jobs.errors import UnknownJobName
from framework.jobs.leads import Lead
from framework.pulls.errors import UnknownPull
from framework.schedules.errors import TooManySchedules, UnknownSchedule
from framework.service.jobs import schedule_commands
from framework.service.jobs.schedule_fires import AWAY_SECONDS
from framework.service.jobs.schedule_service import Schedules
from framework.state.jobs import sealed_payloads
from prevs.jobs import JobRecord, JobState
from prevs.schedules import Missed, Overlap, ScheduleRecord
from tests.fakes.clock import FakeClock
from tests.fakes.driven import A
from tests.fakes.schedule_story import AWAY, HEAD, HOUR, NINE, REPORT, Story


def test_a_time_makes_a_job_of_the_commit_to_which_the_label_leads_then(schedules: Story) -> None:
    schedules.put()
    schedules.until(NINE - 1)
    assert schedules.jobs() == []
    assert schedules.driven.manifests.labels == []
    schedules.until(NINE)
    (job,) = schedules.jobs()
    assert (job.sha, job.label, job.refs) == (A, "main", ("heads/main",))
    assert (job.name, job.terms.command, job.terms.retries) == ("report", REPORT.command, 2)
    assert (job.schedule, job.nominal, job.by) == ("report", NINE, "ci")
    assert (schedules.schedule.last, schedules.schedule.count) == (NINE, 1)
    schedules.end(job)
    later = Lead("main", "b" * 40, ("heads/main",), HEAD.manifest)
    schedules.lead(later)
    schedules.until(NINE + HOUR)
    assert [one.sha for one in schedules.jobs()] == [A, later.sha]
    assert schedules.driven.manifests.labels == ["main", "main"]


def test_a_command_needs_no_name_in_the_commit(schedules: Story) -> None:
    schedules.lead(HEAD._replace(manifest=Manifest()))
    schedules.put(job="", command=("python", "clean.py"))
    schedules.until(NINE)
    (job,) = schedules.jobs()
    assert (job.name, job.terms.command) == ("", ("python", "clean.py"))
    assert (job.terms.cpus, job.terms.mem) == (0.1, 128)


def test_each_job_of_a_schedule_is_given_its_payload(schedules: Story) -> None:
    schedules.put(payload=b"\0hunter2")
    run = schedules.driven.call(
        lambda: schedules.commands.run(schedules.schedule, HEAD, by="ci", id="run-now")
    )
    given = [_read_payload(schedules, run)]
    schedules.end(run)
    for moment in (NINE, NINE + HOUR):
        schedules.until(moment)
        job = schedules.jobs()[-1]
        given.append(_read_payload(schedules, job))
        schedules.end(job)
    assert given == [b"\0hunter2"] * 3


def _read_payload(schedules: Story, job: JobRecord) -> bytes:
    stored = schedules.driven.records.jobs.payload(job)
    assert stored is not None
    given = sealed_payloads.open_sealed(schedules.driven.records.vault, stored)
    assert job.payload_size == 8
    return base64.b64decode(given.payload or "")


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (None, "there is no branch or tag of that name"),
        (HEAD._replace(manifest=Manifest()), "has no [jobs.report]"),
        (HEAD._replace(refs=("pull/7",)), str(UnknownPull("hello", 7))),
    ],
)
def test_a_time_whose_job_cannot_be_made_is_skipped_and_says_why(
    schedules: Story, outcome: Lead | None, why: str
) -> None:
    schedules.lead(outcome)
    schedules.put(times=1)
    schedules.until(NINE)
    assert schedules.jobs() == []
    (told,) = schedules.skipped
    assert why in told
    assert (schedules.schedule.last, schedules.schedule.count) == (NINE, 0)
    # It has used nothing up: the next time makes the one job that it may.
    schedules.lead(HEAD)
    schedules.until(NINE + HOUR)
    assert schedules.times() == [NINE + HOUR]


def test_a_repository_that_is_away_is_asked_again_and_the_time_comes_late(schedules: Story) -> None:
    schedules.lead(AWAY)
    schedules.put()
    schedules.until(NINE)
    assert schedules.jobs() == []
    assert schedules.hindrance == f"{AWAY}. It is tried again every 30 s."
    schedules.driven.tick(AWAY_SECONDS - 1)
    assert schedules.driven.manifests.labels == ["main"]
    schedules.driven.tick(1.0)
    assert schedules.driven.manifests.labels == ["main"] * 2
    schedules.lead(HEAD)
    schedules.driven.tick(AWAY_SECONDS)
    assert schedules.times() == [NINE]
    assert (schedules.skipped, schedules.hindrance) == ([], "")


def test_a_repository_that_stays_away_for_longer_than_the_deadline_skips_the_time(
    schedules: Story,
) -> None:
    schedules.lead(AWAY)
    schedules.put(deadline=90.0)
    schedules.until(NINE)
    schedules.until(NINE + 91)
    (told,) = schedules.skipped
    assert f"{AWAY}. That is more than" in told
    assert "its deadline, 90 seconds" in told
    assert schedules.hindrance == ""


def test_a_repository_that_is_away_until_the_next_time_skips_the_one_before(
    schedules: Story,
) -> None:
    schedules.lead(AWAY)
    schedules.put()
    for moment in range(0, 3601, 600):
        schedules.until(NINE + moment)
    schedules.lead(HEAD)
    schedules.until(NINE + HOUR + AWAY_SECONDS)
    assert schedules.times() == [NINE + HOUR]
    assert str(AWAY) in schedules.skipped[0]


def test_with_skip_a_time_makes_no_job_while_one_has_not_ended(schedules: Story) -> None:
    schedules.put(overlap=Overlap.SKIP)
    schedules.until(NINE)
    schedules.until(NINE + HOUR)
    (job,) = schedules.jobs()
    assert job.id in schedules.skipped[0]
    schedules.end(job)
    schedules.until(NINE + 2 * HOUR)
    assert schedules.times() == [NINE, NINE + 2 * HOUR]


def test_with_queue_one_job_waits_for_the_one_that_runs(schedules: Story) -> None:
    schedules.put(overlap=Overlap.QUEUE)
    for hour in range(3):
        schedules.until(NINE + hour * HOUR)
    assert schedules.times() == [NINE, NINE + HOUR]
    assert "one may wait, not more" in schedules.skipped[0]
    schedules.driven.offer()
    first, second = schedules.jobs()
    assert (first.state, second.state) == (JobState.PLACED, JobState.QUEUED)
    assert second.reason == (
        "A job of its schedule 'report' runs; it starts after that, as they run one at a time."
    )
    # Also one that somebody starts by hand.
    ran = schedules.driven.call(
        lambda: schedules.commands.run(schedules.schedule, HEAD, by="me", id="a" * 16)
    )
    schedules.driven.offer("o2")
    assert [job.id for job in schedules.jobs(JobState.PLACED)] == [first.id]
    assert (ran.schedule, ran.nominal, ran.by) == ("report", None, "me")


def test_with_replace_the_jobs_of_earlier_times_are_cancelled(schedules: Story) -> None:
    schedules.put(overlap=Overlap.REPLACE)
    schedules.until(NINE)
    schedules.driven.offer()
    schedules.begin(schedules.jobs()[0])
    schedules.until(NINE + HOUR)
    first, second = schedules.jobs()
    assert (first.state, second.state) == (JobState.ENDING, JobState.QUEUED)
    assert "overlap is replace" in first.reason
    schedules.driven.offer("o2")
    assert schedules.jobs()[1].state is JobState.QUEUED
    schedules.until(NINE + 2 * HOUR)
    states = [job.state for job in schedules.jobs()]
    assert states == [JobState.CANCELLED, JobState.CANCELLED, JobState.QUEUED]
    assert schedules.skipped == []


def test_with_allow_jobs_run_side_by_side(schedules: Story) -> None:
    schedules.put(overlap=Overlap.ALLOW)
    for hour in range(3):
        schedules.until(NINE + hour * HOUR)
    schedules.driven.offer(mem=2048, cpus=4)
    assert len(schedules.jobs(JobState.PLACED)) == 3


@pytest.mark.parametrize(
    ("missed", "made", "why"),
    [
        ("last", [NINE + 3 * HOUR], ["Only the last one"] * 3),
        ("none", [], ["No missed time is made up"] * 4),
        ("all", [NINE + hour * HOUR for hour in range(4)], []),
    ],
)
def test_of_the_times_that_no_framework_has_seen_some_are_made_up(
    schedules: Story, missed: str, made: Sequence[float], why: Sequence[str]
) -> None:
    schedules.put(missed=Missed(missed), overlap=Overlap.ALLOW)
    after = schedules.take_over(FakeClock(NINE + 3 * HOUR + 120))
    assert after.times() == made
    told = after.skipped
    assert len(told) == len(why)
    assert all(part in one for part, one in zip(why, told, strict=True))


def test_a_job_that_somebody_starts_is_made_once_and_leaves_the_times_as_they_are(
    schedules: Story,
) -> None:
    before = schedules.put(overlap=Overlap.REPLACE)

    def run(lead: Lead = HEAD) -> JobRecord:
        return schedules.commands.run(before, lead, by="me", id="a" * 16)

    job = schedules.driven.call(run)
    assert schedules.driven.call(run).id == job.id
    assert (job.schedule, job.nominal, job.by, job.name) == ("report", None, "me", "report")
    assert schedules.schedule == before
    with pytest.raises(UnknownJobName):
        schedules.driven.call(lambda: run(HEAD._replace(manifest=Manifest())))
    schedules.until(NINE)
    assert schedules.times() == [None, NINE]
    assert schedules.jobs()[0].state is JobState.CANCELLED


def test_what_somebody_starts_is_what_they_have_looked_at(schedules: Story) -> None:
    seen = schedules.put()
    schedules.put(job="", command=("./other",))
    job = schedules.commands.run(seen, HEAD, by="me", id="b" * 16)
    assert (job.name, job.terms.command) == ("report", HEAD.manifest.jobs["report"].command)
    schedules.commands.remove("hello", "report")
    with pytest.raises(UnknownSchedule):
        schedules.commands.run(seen, HEAD, by="me", id="c" * 16)


def test_other_threads_write_schedules_and_read_them_at_once(schedules: Story) -> None:
    known = Schedules(schedules.driven.service)
    written = ScheduleRecord("hello", "often", "main", "report", every=600)
    with schedules.driven.running():
        made = known.command(lambda commands: commands.put(written))
        assert known.snapshot.schedule("hello", "often") == made
        with pytest.raises(UnknownSchedule):
            known.snapshot.schedule("hello", "seldom")
        with pytest.raises(UnknownApp):
            known.snapshot.list_schedules("news")
        assert known.snapshot.list_schedules() == [made]


def test_the_times_of_a_pause_are_skipped(schedules: Story) -> None:
    schedules.put(missed=Missed.ALL)
    paused = schedules.commands.pause("hello", "report")
    assert paused.paused
    schedules.until(NINE + 60)
    assert schedules.jobs() == []
    schedules.commands.resume("hello", "report")
    schedules.until(NINE + HOUR)
    assert schedules.times() == [NINE + HOUR]
    assert schedules.skipped == ["The schedule was paused."]


def test_a_schedule_that_is_written_again_makes_up_nothing_and_keeps_its_history(
    schedules: Story,
) -> None:
    schedules.put()
    schedules.until(NINE)
    changed = schedules.put(cron="30 * * * *")
    assert (changed.count, changed.last) == (1, NINE)
    schedules.end(schedules.jobs()[0])
    schedules.until(NINE + HOUR)
    assert schedules.times() == [NINE, NINE + 1800]


def test_a_schedule_that_is_removed_makes_no_job_any_more(schedules: Story) -> None:
    schedules.put()
    schedules.commands.remove("hello", "report")
    schedules.until(NINE)
    assert schedules.jobs() == []
    with pytest.raises(UnknownSchedule, match="prevs schedule ls hello"):
        schedules.commands.pause("hello", "report")


def test_a_mistake_is_refused_and_the_schedule_stays(schedules: Story) -> None:
    before = schedules.put()
    with pytest.raises(InvalidSettings, match="has '61' as its minute"):
        schedules.put(cron="61 * * * *")
    assert schedules.schedule == before


def test_an_app_has_a_hundred_schedules_at_most(schedules: Story) -> None:
    written = [
        ScheduleRecord("hello", f"s{number}", "main", "report", every=60)
        for number in range(schedule_commands.MOST)
    ]
    schedules.driven.call(lambda: list(map(schedules.commands.put, written)))
    with pytest.raises(TooManySchedules):
        schedules.put()
    schedules.commands.put(written[0])


def test_what_comes_of_times_is_counted_and_a_late_one_shows(schedules: Story) -> None:
    def read(name: str, **labels: str) -> float:
        return schedules.driven.count(name, **labels) or 0.0

    def count(outcome: str) -> float:
        return read("prevs_schedule_times_total", outcome=outcome)

    schedules.put(overlap=Overlap.SKIP)
    schedules.until(NINE)
    schedules.until(NINE + HOUR)
    assert (count("made"), count("overlap"), count("refused")) == (1, 1, 0)
    schedules.end(schedules.jobs()[0])
    schedules.lead(AWAY)
    schedules.until(NINE + 2 * HOUR + 59)
    assert read("prevs_schedules_late") == 0
    schedules.until(NINE + 2 * HOUR + 60)
    assert read("prevs_schedules_late") == 1
    schedules.lead(HEAD._replace(manifest=Manifest()))
    schedules.driven.tick(2 * AWAY_SECONDS)
    assert (count("refused"), read("prevs_schedules_late")) == (1, 0)
    schedules.lead(AWAY)
    schedules.until(NINE + 3 * HOUR)
    schedules.driven.tick(90)
    schedules.lead(HEAD)
    schedules.driven.tick(2 * AWAY_SECONDS)
    assert (count("made"), count("made-up"), count("missed")) == (1, 1, 0)
