from typing import Any

import pytest

from framework.http_api.models.preview_models import MOST_REFUSALS, MOST_USES
from framework.ports import Use
from prevs.states import State
from tests.fakes.asgi import ApiInProcess, problems, refusal

SHA, OTHER = "a" * 40, "b" * 40
ONE = {"task_id": "t1", "open": 2, "requests": 17}
LONGEST = {"task_id": "t" * 130, "open": 100_000, "requests": 10_000_000}


def test_the_queue_is_listed_in_its_order(api: ApiInProcess) -> None:
    assert api.call("GET", "/v1/queue").json() == {"queue": [], "next": None}
    api.previews.put("hello", SHA, State.QUEUED, reason="no room", changed=9.0)
    built_from = "d" * 40
    waits = {"labels": ("v1", "main"), "changed": 5.0, "built_from": built_from}
    api.previews.put("hello", OTHER, State.QUEUED, **waits)
    api.previews.put("hello", "c" * 40, State.RUNNING)
    api.previews.queue_places.update({("hello", SHA): 2, ("hello", OTHER): 1})
    first = {"place": 1, "sha": OTHER, "commit": built_from, "label": "main", "since": 5.0}
    second = {"place": 2, "sha": SHA, "commit": SHA, "label": None, "since": 9.0}
    assert api.call("GET", "/v1/queue").json()["queue"] == [
        {"app": "hello", "reason": "", **first},
        {"app": "hello", "reason": "no room", **second},
    ]


def test_reports_of_a_proxy_reach_the_service(api: ApiInProcess) -> None:
    uses = [ONE, {"task_id": "t2", "open": 0, "requests": 0}]
    answer = api.call("POST", "/v1/uses", json={"proxy": "p1", "uses": uses})
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.previews.uses == [("p1", (Use("t1", 2, 17), Use("t2", 0, 0)))]
    answer = api.call("POST", "/v1/refusals", json={"proxy": "p1", "tasks": ["t1", "t2"]})
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.previews.refusals == [("p1", ("t1", "t2"))]


@pytest.mark.parametrize(
    ("path", "field", "longest", "most"),
    [
        ("/v1/uses", "uses", LONGEST, MOST_USES),
        ("/v1/refusals", "tasks", "t" * 200, MOST_REFUSALS),
    ],
)
def test_the_size_of_a_proxys_report_is_limited(
    api: ApiInProcess, path: str, field: str, longest: object, most: int
) -> None:
    report = {"proxy": "p" * 200, field: [longest] * most}
    assert api.call("POST", path, json=report).status_code == 204
    answer = api.call("POST", path, json={**report, field: [longest] * (most + 1)})
    assert refusal(answer) == (422, "invalid-request")
    assert list(problems(answer)) == [field]
    assert len(api.previews.uses + api.previews.refusals) == 1


def test_a_report_that_is_too_large_is_not_read(api: ApiInProcess) -> None:
    answer = api.call("POST", "/v1/uses", json={"proxy": "p" * 2**20, "uses": []})
    assert refusal(answer) == (413, "body-too-large")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/uses", {"uses": []}, "proxy"),
        ("/v1/uses", {"proxy": "", "uses": []}, "proxy"),
        ("/v1/uses", {"proxy": "p1", "uses": {}}, "uses"),
        ("/v1/uses", {"proxy": "p1", "uses": [{**ONE, "open": -1}]}, "uses.open"),
        ("/v1/uses", {"proxy": "p1", "uses": [{**ONE, "requests": "7"}]}, "uses.requests"),
        ("/v1/uses", {"proxy": "p1", "uses": [{**ONE, "task_id": ""}]}, "uses.task_id"),
        ("/v1/uses", {"proxy": "p1", "uses": [{**ONE, "host": "x"}]}, "uses.host"),
        ("/v1/refusals", {"tasks": []}, "proxy"),
        ("/v1/refusals", {"proxy": "p1", "tasks": "t1"}, "tasks"),
        ("/v1/refusals", {"proxy": "p1", "tasks": [""]}, "tasks"),
        ("/v1/refusals", {"proxy": "p1", "tasks": [1]}, "tasks"),
    ],
)
def test_a_malformed_report_is_refused_by_field(
    api: ApiInProcess, path: str, body: Any, field: str
) -> None:
    answer = api.call("POST", path, json=body)
    assert refusal(answer) == (422, "invalid-request")
    assert list(problems(answer)) == [field]
    assert [*api.previews.uses, *api.previews.refusals] == []
