import json

from proxy.model import problems
from proxy.model.preview import Failure, Preview

SHA = "5c80e7d1f2a3b4c5d6e7f8091a2b3c4d5e6f7081"


def test_a_problem_of_the_framework_is_passed_on_whole() -> None:
    sent = {
        "type": "urn:prevs:problem:ambiguous-label",
        "title": "Ambiguous",
        "status": 409,
        "detail": "Two commits.",
        "candidates": [{"sha": SHA}],
    }
    problem = problems.read_problem(sent, 409)
    assert json.loads(problem.body()) == sent
    assert problem.headers()["Content-Type"] == "application/problem+json"
    assert "Retry-After" not in problem.headers()


def test_an_answer_of_another_form_gets_a_sentence() -> None:
    problem = problems.read_problem(["?"], 500)
    assert json.loads(problem.body())["detail"] == "The framework answered 500."


def test_a_preview_that_takes_too_long_shows_its_progress() -> None:
    preview = Preview("hello", SHA, "queued", reason="no agent has 2048 MB free")
    problem = problems.not_yet(preview, 600)
    assert problem.status == 503
    assert int(problem.headers()["Retry-After"]) > 0
    assert "600 s" in problem.detail
    assert "no agent has 2048 MB free" in problem.detail
    assert problems.not_yet(None, 600).status == 503
    assert "yet; it is queued" in problems.not_yet(preview, 0).detail
    third = Preview("hello", SHA, "queued", reason="no agent is free", queue_place=3)
    assert "(3rd in the queue, no agent is free)" in problems.not_yet(third, 600).detail


def test_invalid_unicode_does_not_stop_an_answer() -> None:
    failure = Failure("build-failed", "\ud800", 1)
    assert problems.failed(Preview("hello", SHA, "failed", failure=failure)).body()
