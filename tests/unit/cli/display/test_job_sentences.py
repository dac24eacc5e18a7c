"""The sentences about jobs."""

from typing import Any, cast

import pytest

from cli.client.generated.records import Job
from cli.display.job_sentences import notes, progress, title, took
from framework.http_api.jobs.job_models import Job as Answer
from tests.fakes.answers import SHA

[EXAMPLE] = cast(dict[str, Any], Answer.model_config.get("json_schema_extra"))["examples"]
FAILURE = {"cause": "app-exited", "message": "The command exited with code 3.", "exit_code": 3}


def job(**changes: Any) -> Job:
    """Return a job as the API shows it."""
    known = {"commit": SHA, "failure": None, "progress": None, "reason": "", "ended": None}
    shown = Answer.model_validate({**EXAMPLE, **known, **changes})
    return cast(Job, shown.model_dump(mode="json"))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"state": "queued"}, "waits for an agent"),
        (
            {"state": "queued", "place": 2, "reason": "no agent has 2048 MB free."},
            "is 2nd in the queue: no agent has 2048 MB free",
        ),
        ({"state": "placed"}, "has an agent"),
        ({"state": "building", "phase": "building", "detail": "3/5"}, "builds the image (3/5)"),
        ({"state": "building"}, "builds"),
        ({"state": "running"}, "runs"),
        (
            {"state": "running", "progress": {"percent": 40, "message": "\x1b[2Jhalf\nway"}},
            "runs: 40 % half way",
        ),
        (
            {"state": "ending", "reason": "ci has cancelled it."},
            "is being ended: ci has cancelled it",
        ),
        ({"state": "failed", "failure": FAILURE}, "failed: The command exited with code 3."),
        ({"state": "succeeded"}, "has succeeded"),
        ({"state": "cancelled"}, "is cancelled"),
    ],
)
def test_each_state_has_a_sentence(changes: dict[str, Any], sentence: str) -> None:
    assert progress(job(**changes)) == sentence


def test_a_job_is_named_for_its_name_or_else_for_its_command() -> None:
    assert title(job(name="report", label="main")) == "report at hello@main (de6b329)"
    long = title(job(name=None, command=["./work", "x" * 60], label="main"))
    assert long.startswith("./work xxx")
    assert long.endswith("… at hello@main (de6b329)")


def test_notes_leave_out_what_the_state_says_already() -> None:
    assert notes(job(state="running")) == ""
    assert notes(job(state="queued")) == "waits for an agent"
    assert notes(job(state="failed", failure=FAILURE)) == "The command exited with code 3."


@pytest.mark.parametrize(
    ("began", "ended", "text"), [(None, 9.0, ""), (2.0, 4.0, "2.0 s"), (2.0, None, "10 s")]
)
def test_the_time_that_a_command_took_ends_with_it(
    began: float | None, ended: float | None, text: str
) -> None:
    assert took(job(began=began, ended=ended), 12.0) == text
