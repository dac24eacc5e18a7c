"""The attempts of a preview over the API, and the logs of ended ones."""

import pytest

from prevs.records import EndedAttempt
from prevs.states import Cause, State
from tests.fakes.asgi import ApiInProcess, refusal

SHA = "a" * 40
ONE = f"/v1/previews/hello/{SHA}"
LOG = f"{ONE}/log"


@pytest.fixture
def api(api: ApiInProcess) -> ApiInProcess:
    """A preview in its third attempt: the first was stopped, the build of the second failed."""
    stopped = EndedAttempt(1, "t1", 10.0, 20.0, "S1", "10.0.0.1", "running", why="Nobody used it.")
    failed = EndedAttempt(2, "t2", 30.0, 40.0, "S2", None, "building", Cause.BUILD_FAILED, 7, "No.")
    api.previews.put(
        "hello", SHA, State.RUNNING, task_id="t3", changed=50.0, attempts=(stopped, failed)
    )
    built = b"== building ==\nStep 1/2\n"
    api.sandboxes.output |= {
        "t1": built + b"== starting ==\nhello\n",
        "t2": built + b"Oh no\n",
        "t3": b"== starting ==\n",
    }
    return api


def test_attempts_are_listed_the_newest_first(api: ApiInProcess) -> None:
    api.kept_logs.add("t1")
    found = api.call("GET", f"{ONE}/attempts").json()["attempts"]
    assert [(one["number"], one["task_id"], one["outcome"], one["log_kept"]) for one in found] == [
        (3, "t3", "underway", False),
        (2, "t2", "failed", False),
        (1, "t1", "stopped", True),
    ]
    assert found[1] == {
        "number": 2,
        "task_id": "t2",
        "agent": {"id": "S2", "host": None},
        "began": 30.0,
        "ended": 40.0,
        "reached": "building",
        "outcome": "failed",
        "cause": "build-failed",
        "exit_code": 7,
        "why": "No.",
        "log_kept": False,
    }


def test_a_waiting_preview_has_only_ended_attempts(api: ApiInProcess) -> None:
    api.previews.change("hello", SHA, state=State.QUEUED)
    found = api.call("GET", f"{ONE}/attempts").json()["attempts"]
    assert [one["number"] for one in found] == [2, 1]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("attempt=2", "== building ==\nStep 1/2\nOh no\n"),
        ("attempt=2&offset=15", "Step 1/2\nOh no\n"),
        ("attempt=2&tail=true", "== building ==\nStep 1/2\nOh no\n"),
        ("attempt=3", "== starting ==\n"),
        ("", "== starting ==\n"),
    ],
)
def test_the_log_of_each_is_read_by_its_number(api: ApiInProcess, query: str, text: str) -> None:
    assert api.call("GET", f"{LOG}?{query}").text == text


def test_the_log_of_an_earlier_attempt_is_text_even_for_a_client_of_events(
    api: ApiInProcess,
) -> None:
    answer = api.call("GET", f"{LOG}?attempt=2", headers={"Accept": "text/event-stream"})
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_the_public_log_of_an_earlier_attempt_ends_where_the_application_begins(
    api: ApiInProcess,
) -> None:
    for query in ("", "&tail=true"):
        text = api.call("GET", f"{LOG}?attempt=1&public=true{query}").text
        assert text.startswith("== building ==\nStep 1/2\n== what the application prints is for")
        assert "hello" not in text


@pytest.mark.parametrize("number", [4, 9])
def test_an_unknown_attempt_is_a_problem(api: ApiInProcess, number: int) -> None:
    answer = api.call("GET", f"{LOG}?attempt={number}")
    assert refusal(answer) == (404, "unknown-attempt")
    assert answer.json()["attempt"] == number
