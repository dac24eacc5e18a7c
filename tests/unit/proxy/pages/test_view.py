import pytest

from framework.apps import description
from prevs.records import AppRecord
from prevs.states import Cause, Phase, State
from proxy.model.preview import Failure, Preview, Step
from proxy.pages import view, wording
from tests.fakes.trees import Tree

SHA = "5c80e7d1f2a3b4c5d6e7f8091a2b3c4d5e6f7081"
USUAL = {"queued": 1.0, "placed": 1.0, "fetching": 2.0, "building": 40.0}

OF_JOBS = {Cause.TIMED_OUT, Cause.EXPIRED, Cause.RESULT_UNUSABLE}
"""No preview fails for these, so no waiting room shows them."""


def steps(**began: float | None) -> tuple[Step, ...]:
    """Return all six steps; each ends when the next one begins, and the last goes on."""
    times = [*began.values()][1:]
    known = dict(zip(began, zip(began.values(), [*times, None], strict=True), strict=True))
    return tuple(
        Step(name, *known.get(name, (None, None)), USUAL.get(name)) for name in wording.STEPS
    )


def show(state: str, **fields: object) -> view.View:
    preview = Preview("hello", SHA, state, **fields)  # type: ignore[arg-type]  # any field
    return view.show(preview, 100.0)


def test_every_state_and_phase_has_a_sentence_and_every_state_a_word() -> None:
    for state in State:
        assert wording.WORDS[state.value]
        for phase in ("", *(phase.value for phase in Phase)):
            assert wording.find_sentence(state.value, phase).endswith(".")


def test_each_cause_of_a_failure_has_advice_of_its_own() -> None:
    unknown = wording.find_advice("something new", "hello", "abc")
    causes = set(Cause) - OF_JOBS
    found = {wording.find_advice(cause.value, "hello", "abc") for cause in causes}
    assert len(found) == len(causes)
    assert unknown not in found
    assert "prevs app set hello --mem MB" in {advice.command for advice in found}


def test_steps_show_what_is_done_current_coming_and_skipped() -> None:
    shown = show(
        "building",
        phase="building",
        detail="3/5 RUN make",
        agent="10.0.0.1",
        steps=steps(queued=80.0, placed=81.5, building=90.0),
    )
    assert [(step.status, step.detail, step.time) for step in shown.steps] == [
        ("done", "", "1.5 s"),
        ("done", "10.0.0.1", "8.5 s"),
        ("skipped", "not needed", ""),
        ("now", "3/5 RUN make", "10 s of about 40 s"),
        ("next", "", ""),
        ("next", "", ""),
    ]
    assert shown.progress == pytest.approx((1 + 1 + 10) / 42)
    assert shown.left == "about 30 s to go"
    assert shown.seconds == 20.0


def test_steps_after_a_failure_have_no_usual_time() -> None:
    usual = tuple(step._replace(usual=1.0) for step in steps(queued=80.0, fetching=81.0))
    shown = show("failed", phase="fetching", steps=usual)
    assert [step.time for step in shown.steps[3:]] == ["", "", ""]


def test_a_step_that_takes_longer_than_usual_is_marked_and_its_bar_waits() -> None:
    shown = show("building", phase="building", steps=steps(queued=10.0, building=20.0))
    assert shown.steps[3].time == "1 min 20 s, usually 40 s"
    assert shown.left == "longer than usual"
    assert shown.progress is not None
    assert shown.progress < 1


def test_a_fast_clock_makes_no_time_negative() -> None:
    shown = show("building", phase="building", steps=steps(queued=90.0, building=130.0))
    assert shown.steps[3].seconds == 0.0


def test_without_usual_times_no_progress_is_invented() -> None:
    shown = show("building", phase="building", steps=(Step("building", 90.0, None, None),))
    assert (shown.progress, shown.left) == (None, "")


def test_a_framework_without_steps_has_the_current_one_by_its_state() -> None:
    shown = show("starting", phase="checking", changed=95.0)
    assert [step.status for step in shown.steps] == ["skipped"] * 5 + ["now"]
    assert shown.steps[5].seconds == 5.0


def test_a_failure_is_shown_with_its_step_and_the_facts() -> None:
    steps = [
        Step("queued", 80.0, 81.0, None),
        Step("building", 81.0, 99.0, None),
    ]
    failure = Failure("out-of-memory", "It took too much.", 137)
    shown = show("failed", phase="building", changed=99.0, failure=failure, steps=tuple(steps))
    assert shown.sentence == "It failed while building its image."
    assert [step.status for step in shown.steps][3] == "failed"
    assert shown.failure is not None
    assert shown.failure.message == "It took too much."
    assert shown.failure.facts == "out of memory · exit code 137"
    assert shown.failure.command == "prevs app set hello --mem MB"


def test_a_preview_that_failed_after_it_ran_passed_all_its_steps() -> None:
    steps = (Step("queued", 80.0, 81.0, None), Step("checking", 81.0, 82.0, None))
    shown = show("failed", changed=99.0, failure=Failure("app-exited", "", 1), steps=steps)
    assert shown.sentence == "It ran, and then failed."
    assert "failed" not in [step.status for step in shown.steps]
    unchecked = show("failed", changed=99.0, failure=Failure("app-exited", "", 1), steps=steps[:1])
    assert unchecked.sentence == "It ran, and then failed."
    assert [step.status for step in unchecked.steps] == ["done", *["skipped"] * 5]


def test_a_stopped_preview_has_all_its_steps_ahead() -> None:
    shown = show("stopped", reason="Nobody used it.", steps=steps(queued=80.0, building=90.0))
    assert {step.status for step in shown.steps} == {"next"}
    assert shown.steps[3].time == "about 40 s"
    assert shown.reason == "Nobody used it."
    assert not shown.is_coming


def test_a_waiting_preview_shows_its_place_and_the_usual_time() -> None:
    shown = show("queued", queue_place=3, steps=steps(queued=40.0))
    assert shown.place == "3rd in the queue"
    assert shown.left == "then about 43 s"
    again = show("queued", next_try=130.0, steps=steps(queued=40.0))
    assert (again.sentence, again.next_try_in) == ("Waiting for its next try.", 30.0)


def test_a_refusal_is_shown_only_while_the_same_attempt_runs() -> None:
    runs = Preview("hello", SHA, "running", task_id="t")
    assert view.show(runs, 1.0, refused="t").kind == "refused"
    assert view.show(runs, 1.0, refused="another").kind == "running"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0.0 s"), (9.94, "9.9 s"), (59.4, "59 s"), (65.0, "1 min 5 s"), (7384.0, "2 h 3 min")],
)
def test_durations_are_written_as_people_write_them(seconds: float, text: str) -> None:
    assert wording.spell(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "just now"), (60, "1 minute ago"), (7300, "2 hours ago"), (4e7, "1 year ago")],
)
def test_ages_are_written_as_people_write_them(seconds: float, text: str) -> None:
    assert wording.spell_age(seconds) == text


def test_all_that_was_looked_for_and_all_ways_on_are_shown() -> None:
    names = [f"services/{letter * 30}/Dockerfile" for letter in "abcdefgh"]
    with pytest.raises(description.NotDescribed) as caught:
        description.read(Tree(dict.fromkeys(names, "FROM x")), AppRecord("shop", "/srv/shop"))
    failure = Failure(Cause.DOCKERFILE_MISSING.value, str(caught.value), None, ())
    shown = show("failed", failure=failure).failure
    assert shown
    assert shown.message == str(caught.value)
    assert shown.message.endswith("write a compose.yaml. Then push.")
