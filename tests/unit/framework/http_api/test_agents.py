import dataclasses
from typing import Any

import pytest

from framework.errors import Unavailable
from framework.matching.agents import Unfit
from framework.ports.mesos_agents import Amount, MesosAgent
from prevs.records import AppRecord
from prevs.states import State
from tests.fakes.asgi import ApiInProcess

A, B, C = "a" * 40, "b" * 40, "c" * 40


ONE = MesosAgent(
    id="S1",
    host="agent1",
    active=True,
    draining=True,
    maintenance=5000.0,
    attributes={"zone": "a"},
    total=Amount(4.0, 4096.0),
    used=Amount(1.0, 1000.0),
)


@pytest.fixture
def api() -> ApiInProcess:
    api = ApiInProcess()
    api.previews.add_app(AppRecord("hello", "/srv", cpus=0.2, mem=128))
    api.previews.put("hello", A, State.RUNNING, labels=("old", "main"), agent_id="S1")
    api.previews.put("hello", B, State.STOPPED, agent_id="S1")
    api.previews.put("hello", C, State.BUILDING, agent_id="S2")
    api.agents.known = [ONE._replace(id="S2", host="agent2"), ONE]
    return api


def fetch(api: ApiInProcess, **query: Any) -> Any:
    answer = api.call("GET", "/v1/agents", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_each_agent_shows_who_uses_its_resources(api: ApiInProcess) -> None:
    answer = fetch(api)
    assert (answer["as_of"], answer["next"]) == (1000.0, None)
    assert answer["agents"][0] == {
        "id": "S1",
        "host": "agent1",
        "active": True,
        "draining": True,
        "maintenance": 5000.0,
        "unfit": None,
        "isolation": None,
        "attributes": {"zone": "a"},
        "total": {"cpus": 4.0, "mem": 4096.0},
        "used": {"cpus": 1.0, "mem": 1000.0},
        "others": {"cpus": 0.79, "mem": 808.0},
        "previews": [
            {
                "app": "hello",
                "sha": A,
                "commit": A,
                "label": "main",
                "state": "running",
                "cpus": 0.2,
                "mem": 128,
            }
        ],
    }
    (building,) = answer["agents"][1]["previews"]
    assert (building["state"], building["label"]) == ("building", None)


def test_a_preview_placed_after_mesos_answered_leaves_others_at_zero(api: ApiInProcess) -> None:
    api.agents.known = [ONE._replace(used=Amount(0.0, 0.0))]
    assert fetch(api)["agents"][0]["others"] == {"cpus": 0.0, "mem": 0.0}


def test_a_preview_of_an_app_that_is_being_removed_is_not_shown(api: ApiInProcess) -> None:
    api.previews.known["gone", A] = dataclasses.replace(api.previews.known["hello", A], app="gone")
    assert len(fetch(api)["agents"][0]["previews"]) == 1


def test_a_master_that_does_not_answer_is_a_problem(api: ApiInProcess) -> None:
    api.agents.error = Unavailable("The Mesos master 10.0.0.1:5050")
    answer = api.call("GET", "/v1/agents")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["detail"].startswith("The Mesos master 10.0.0.1:5050 does not answer")


def test_an_unfit_agent_shows_why_since_when_and_until_when(api: ApiInProcess) -> None:
    api.previews.unfit_agents["S1"] = Unfit("Its disk is full.", 900.0, 960.0, builds=True)
    first, second = fetch(api)["agents"]
    assert first["unfit"] == {"reason": "Its disk is full.", "since": 900.0, "until": 960.0}
    assert second["unfit"] is None
