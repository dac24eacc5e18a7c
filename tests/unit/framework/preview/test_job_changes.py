import dataclasses

import pytest

from framework.preview import history
from framework.preview.history import ActivityEvent, History
from framework.state.snapshot import Snapshot
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState
from prevs.records import AppRecord, Failure
from prevs.states import Cause

EXITED = Failure(Cause.APP_EXITED, "The command exited with 3.", 3)
APPS = {"hello": AppRecord("hello", "/srv/hello")}


def job(number: int = 0, state: JobState = JobState.QUEUED) -> JobRecord:
    terms = JobSettings(("rake", "clean"))
    return JobRecord("hello", f"j{number}", "a" * 40, "main", terms, state, created=float(number))


def look(*jobs: JobRecord) -> Snapshot:
    return Snapshot(APPS, {}, jobs={(one.app, one.id): one for one in jobs})


def note(before: Snapshot, now: Snapshot) -> list[ActivityEvent]:
    return list(history.note(History("e"), before, now, 5.0).events)


def test_a_new_job_and_its_failure_are_events_that_name_it() -> None:
    queued = job()
    (event,) = note(look(), look(queued))
    assert (event.type, event.app, event.subject) == ("job", "hello", "j0")
    assert (event.sha, event.label, event.state) == (None, None, None)
    assert event.sentence == "job j0 of hello (rake at main) was requested"
    failed = dataclasses.replace(queued, name="clean", state=JobState.FAILED, failure=EXITED)
    (event,) = note(look(queued), look(failed))
    why = "failed: the command exited with 3"
    assert event.sentence == f"job j0 of hello (clean at main) {why}"


@pytest.mark.parametrize("number", [2, 1000])
def test_what_happens_to_several_at_once_is_one_event(number: int) -> None:
    jobs = [job(each) for each in range(number)]
    (event,) = note(look(), look(*jobs))
    one = "job j0 of hello (rake at main) was requested"
    assert event.sentence == f"{number:,} jobs of hello were requested; one of them: {one}"


def test_that_jobs_run_succeed_or_are_put_into_blocks_is_no_event() -> None:
    jobs = [job(number) for number in range(3)]
    states = (JobState.RUNNING, JobState.SUCCEEDED, JobState.QUEUED)
    later = [dataclasses.replace(one, state=to) for one, to in zip(jobs, states, strict=True)]
    assert note(look(*jobs), look(*later)) == []
    again = dataclasses.replace(later[0], state=JobState.QUEUED)
    assert note(look(*later), look(again)) == []
    gone = Snapshot({}, {}, jobs={("hello", "j9"): job(9)})
    assert note(Snapshot({}, {}), gone) == []
