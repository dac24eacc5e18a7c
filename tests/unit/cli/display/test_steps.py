"""The steps of an attempt, as they are shown."""

from typing import Any, cast

import pytest

from cli.client.generated.records import Preview
from cli.display.sentences import brief
from cli.display.steps import describe, view
from prevs.step_status import StepStatus
from tests.fakes import answers as fake

BEGUN = ((0.0, 1.0, 2.0), (1.0, 4.0, None), (None, None, 3.0), (4.0, None, 40.0))


def preview(state: str, *times: Any) -> Preview:
    return cast(Preview, fake.preview(state=state, steps=fake.steps(*times), changed=9.0))


def test_steps_are_done_skipped_now_or_next() -> None:
    seen = view(preview("building", *BEGUN), 16.5)
    assert [one.status for one in seen[:5]] == [
        StepStatus.DONE,
        StepStatus.DONE,
        StepStatus.SKIPPED,
        StepStatus.NOW,
        StepStatus.NEXT,
    ]
    assert [describe(one) for one in seen[:5]] == [
        "1.0 s, usually 2.0 s",
        "3.0 s",
        "skipped",
        "12 s so far, usually 40 s",
        "",
    ]


def test_a_failed_attempt_shows_the_step_that_it_ended_in() -> None:
    broken, after = view(preview("failed", *BEGUN), 1000.0)[3:5]
    assert (broken.status, describe(broken)) == (
        StepStatus.FAILED,
        "5.0 s until it failed, usually 40 s",
    )
    assert (after.status, describe(after)) == (StepStatus.NEXT, "")


def test_an_attempt_that_failed_after_it_ran_has_passed_its_steps() -> None:
    seen = view(preview("failed", (0.0, 1.0, None), (1.0, 4.0, None), (None, None, 3.0)), 1000.0)
    statuses = [one.status for one in seen[:3]]
    assert statuses == [StepStatus.DONE, StepStatus.DONE, StepStatus.SKIPPED]


def test_a_step_that_begins_in_the_future_of_this_clock_has_taken_no_time() -> None:
    assert view(preview("queued", (100.0, None, None)), 90.0)[0].took == 0.0


def test_an_api_without_steps_shows_none() -> None:
    shown = fake.preview()
    del shown["steps"]
    assert view(cast(Preview, shown), 1.0) == []


BRIEF_TIMES = {
    0: "0.0 s",
    0.44: "0.4 s",
    9.96: "10 s",
    59.6: "1 min",
    200: "3 min 20 s",
    7505: "2 h 5 min",
}


@pytest.mark.parametrize(("seconds", "text"), BRIEF_TIMES.items())
def test_a_time_is_shown_briefly(seconds: float, text: str) -> None:
    assert brief(seconds) == text
