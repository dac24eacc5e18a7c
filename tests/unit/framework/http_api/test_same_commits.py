"""Labels whose new commit is the same, in what counts, as that of a preview: it is what they mean.

framework/service/test_same_commits.py has what the service makes of it.
"""

from typing import Any

import pytest

from framework.apps.effective_settings import settings_key
from prevs.commit_settings import CommitSettings
from prevs.states import State
from tests.fakes.asgi import ApiInProcess

A, B = "a" * 40, "b" * 40
WATCHED = CommitSettings(watch=("services/web",))


@pytest.fixture
def mono(api: ApiInProcess) -> ApiInProcess:
    """Return an API of an app whose main has moved from A, whose preview runs, to B."""
    put(api)
    api.refs.put("hello", "main", B)
    api.refs.same = {(A, B)}
    return api


def put(api: ApiInProcess, state: State = State.RUNNING, **fields: Any) -> None:
    key = settings_key(api.previews.snapshot.app("hello"))
    known = {"labels": ("main",), "refs": ("heads/main",), "settings": WATCHED, "settings_for": key}
    api.previews.put("hello", A, state, **{**known, **fields})


def find(api: ApiInProcess, label: str = "main") -> tuple[str, str]:
    """Return which preview and which commit a label leads to."""
    lead = api.call("GET", f"/v1/apps/hello/labels/{label}").json()
    return lead["sha"], lead["commit"]


def start(api: ApiInProcess, label: str = "main") -> dict[str, Any]:
    answer = api.call("POST", "/v1/previews", json={"app": "hello", "label": label})
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_label_leads_to_the_newer_commit_and_to_the_preview_that_serves_it(
    mono: ApiInProcess,
) -> None:
    assert find(mono) == (A, B)
    started = start(mono)
    assert (started["sha"], started["same"], started["state"]) == (A, [B], "running")
    assert mono.refs.compared == [(A, B), (A, B)]
    assert find(mono) == (A, B)
    assert len(mono.refs.compared) == 2  # what is known is asked no more


def test_the_newer_commits_digits_lead_there_once_it_is_known(mono: ApiInProcess) -> None:
    mono.refs.put("hello", B[:7], B, "commit")
    assert find(mono, B[:7]) == (B, B)
    start(mono)
    assert find(mono, B[:7]) == (A, B)


def test_a_commit_that_differs_or_that_git_cannot_tell_has_its_own(mono: ApiInProcess) -> None:
    mono.refs.same.clear()
    assert find(mono) == (B, B)
    assert start(mono)["sha"] == B


def test_what_does_not_run_serves_only_what_it_can_be_fetched_for(mono: ApiInProcess) -> None:
    put(mono, State.STOPPED, same=(B,))
    assert find(mono) == (B, B)
    mono.refs.reached = {(A, B)}
    assert find(mono) == (A, B)


@pytest.mark.parametrize(
    "fields",
    [
        {"state": State.FAILED},
        {"stranger": True},
        {"labels": ("other",)},
        {"settings": CommitSettings()},
        {"settings_for": "another folder"},
        {"refs": ("pull/7",)},
    ],
)
def test_without_a_preview_that_may_serve_it_git_is_not_asked(
    mono: ApiInProcess, fields: dict[str, Any]
) -> None:
    put(mono, **fields)
    assert find(mono) == (B, B)
    assert mono.refs.compared == []


def test_a_commit_that_has_a_preview_keeps_it(mono: ApiInProcess) -> None:
    mono.previews.put("hello", B, State.STOPPED)
    assert find(mono) == (B, B)
    assert mono.refs.compared == []


def test_lists_show_the_newer_commit_as_the_same(mono: ApiInProcess) -> None:
    start(mono)
    (shown,) = mono.call("GET", "/v1/previews?app=hello").json()["previews"]
    assert (shown["commit"], shown["same"]) == (A, [B])
    landing = mono.call("GET", "/v1/apps/hello/landing").json()
    main = landing["default"]
    assert (main["sha"], main["same"], main["state"], main["serving"]) == (B, A, "running", "")
