"""What a receiver is told of the end of a job."""

import json

import pytest

from framework.http_api.jobs import job_callbacks
from framework.notifications import bodies
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState
from prevs.records import Failure
from prevs.states import Cause

FAILURE = Failure(Cause.APP_EXITED, "The command exited with code 3.", 3)


def end(state: JobState, failure: Failure | None = None) -> JobRecord:
    terms = JobSettings(("report", "--token", "hunter2"))
    exit_code = failure.exit_code if failure else None
    return JobRecord(
        "shop", "j1", "a" * 40, "main", terms, state, failure=failure, exit_code=exit_code
    )


@pytest.mark.parametrize(
    ("job", "sentence"),
    [
        (end(JobState.SUCCEEDED), "has succeeded"),
        (end(JobState.CANCELLED), "was cancelled"),
        (end(JobState.FAILED, FAILURE), "failed: the command exited with code 3"),
    ],
)
def test_the_sentence_says_how_it_ended(job: JobRecord, sentence: str) -> None:
    told = job_callbacks.write(job)
    assert told["sentence"] == f"job j1 of shop (report at main) {sentence}"
    assert told["state"] == job.state.value
    chat = json.loads(bodies.write("slack", told))
    assert chat == {"text": told["sentence"]}, "a path of the API leads nowhere in a chat"


def test_it_has_the_failure_and_not_the_words_of_the_command() -> None:
    told = job_callbacks.write(end(JobState.FAILED, FAILURE))
    message = "The command exited with code 3."
    assert told["failure"] == {"cause": "app-exited", "message": message}
    assert told["exit_code"] == 3
    assert "hunter2" not in json.dumps(told)
