import json
from typing import Any

import pytest

from framework.http_api.preview_models import MOST_REFUSALS, MOST_USES
from framework.ports import Use
from prevs.records import AppRecord
from prevs.states import State
from tests.fakes.asgi import ApiInProcess

SHA, OTHER = "a" * 40, "b" * 40
ONE = {"task_id": "t1", "open": 2, "requests": 17}
LONGEST = {"task_id": "t" * 130, "open": 100_000, "requests": 10_000_000}


@pytest.fixture
def api() -> ApiInProcess:
    api = ApiInProcess()
    api.previews.add_app(AppRecord("hello", "/srv/git/hello"))
    return api


def test_the_queue_is_listed_in_its_order(api: ApiInProcess) -> None:
    api.previews.put("hello", SHA, State.QUEUED, reason="no room", changed=9.0)
    api.previews.put("hello", OTHER, State.QUEUED, labels=("v1", "main"), changed=5.0)
    api.previews.put("hello", "c" * 40, State.RUNNING)
    api.previews.queue_places.update({("hello", SHA): 2, ("hello", OTHER): 1})
    assert api.call("GET", "/v1/queue").json()["queue"] == [
        {"place": 1, "app": "hello", "sha": OTHER, "label": "main", "reason": "", "since": 5.0},
        {"place": 2, "app": "hello", "sha": SHA, "label": None, "reason": "no room", "since": 9.0},
    ]


def test_an_empty_queue_is_an_empty_list(api: ApiInProcess) -> None:
    assert api.call("GET", "/v1/queue").json() == {"queue": [], "next": None}


def test_what_a_proxy_tells_of_use_is_handed_on(api: ApiInProcess) -> None:
    uses = [ONE, {"task_id": "t2", "open": 0, "requests": 0}]
    answer = api.call("POST", "/v1/uses", json={"proxy": "p1", "uses": uses})
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.previews.uses == [("p1", (Use("t1", 2, 17), Use("t2", 0, 0)))]


def test_a_proxy_may_tell_of_thousands_of_tasks_and_of_no_more(api: ApiInProcess) -> None:
    most = {"proxy": "p" * 200, "uses": [LONGEST] * MOST_USES}
    assert len(json.dumps(most)) > 64 * 1024
    assert api.call("POST", "/v1/uses", json=most).status_code == 204
    more = {"proxy": "p1", "uses": [ONE] * (MOST_USES + 1)}
    answer = api.call("POST", "/v1/uses", json=more)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["problems"]] == ["uses"]
    assert len(api.previews.uses) == 1


def test_a_report_that_is_too_large_is_not_read(api: ApiInProcess) -> None:
    answer = api.call("POST", "/v1/uses", json={"proxy": "p" * 2**20, "uses": []})
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:prevs:problem:body-too-large"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"uses": []}, "proxy"),
        ({"proxy": "", "uses": []}, "proxy"),
        ({"proxy": "p1", "uses": {}}, "uses"),
        ({"proxy": "p1", "uses": [{**ONE, "open": -1}]}, "uses.open"),
        ({"proxy": "p1", "uses": [{**ONE, "requests": "7"}]}, "uses.requests"),
        ({"proxy": "p1", "uses": [{**ONE, "task_id": ""}]}, "uses.task_id"),
        ({"proxy": "p1", "uses": [{**ONE, "host": "x"}]}, "uses.host"),
    ],
)
def test_a_report_that_cannot_be_read_is_refused_by_field(
    api: ApiInProcess, body: Any, field: str
) -> None:
    answer = api.call("POST", "/v1/uses", json=body)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["problems"]] == [field]
    assert api.previews.uses == []


def test_what_a_proxy_tells_of_refused_connections_is_handed_on(api: ApiInProcess) -> None:
    answer = api.call("POST", "/v1/refusals", json={"proxy": "p1", "tasks": ["t1", "t2"]})
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.previews.refusals == [("p1", ("t1", "t2"))]


def test_a_proxy_may_tell_of_hundreds_of_refusals_and_of_no_more(api: ApiInProcess) -> None:
    most = {"proxy": "p" * 200, "tasks": ["t" * 200] * MOST_REFUSALS}
    assert api.call("POST", "/v1/refusals", json=most).status_code == 204
    more = {"proxy": "p1", "tasks": ["t"] * (MOST_REFUSALS + 1)}
    answer = api.call("POST", "/v1/refusals", json=more)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["problems"]] == ["tasks"]
    assert len(api.previews.refusals) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"tasks": []}, "proxy"),
        ({"proxy": "p1", "tasks": "t1"}, "tasks"),
        ({"proxy": "p1", "tasks": [""]}, "tasks"),
        ({"proxy": "p1", "tasks": [1]}, "tasks"),
    ],
)
def test_a_refusal_that_cannot_be_read_is_refused_by_field(
    api: ApiInProcess, body: Any, field: str
) -> None:
    answer = api.call("POST", "/v1/refusals", json=body)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["problems"]] == [field]
    assert api.previews.refusals == []
