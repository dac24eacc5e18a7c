import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from framework.errors import Unavailable
from framework.mesos.agent_list import MesosState, read_agents
from framework.ports.mesos_agents import AgentList, Amount, MesosAgent
from tests.fakes.pages import Pages

AGENT: Mapping[str, Any] = {
    "id": "S0",
    "hostname": "agent1",
    "pid": "slave(1)@10.0.0.1:5051",
    "attributes": {"zone": "a", "rack": 7.0, "speed": 2.5, "ports": "[1-9]"},
    "resources": {"cpus": 4.0, "mem": 4096.0, "disk": 9.0},
    "used_resources": {"cpus": 0.30000000000000004, "mem": 96.0, "disk": 0.0},
    "active": True,
    "deactivated": False,
}


class Master(Pages):
    """Answers as a Mesos master, with the data of a test."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, object]] = {
            "/slaves": (200, {"slaves": [AGENT]}),
            "/maintenance/schedule": (200, {}),
        }
        super().__init__(self._answer)

    def _answer(self, path: str) -> tuple[int, bytes]:
        status, body = self.answers[path]
        return status, body if isinstance(body, bytes) else json.dumps(body).encode()


@pytest.fixture
def master() -> Iterator[Master]:
    stand_in = Master()
    yield stand_in
    stand_in.stop()


def state_of(
    master: Master, clock: list[float] | None = None, credential: tuple[str, str] | None = None
) -> MesosState:
    time = clock or [0.0]
    return MesosState(lambda: master.address, credential, now=lambda: 1000.0, clock=lambda: time[0])


def agent(**fields: Any) -> MesosAgent:
    (read,) = read_agents({"slaves": [{**AGENT, **fields}]}, {})
    return read


def window(machine: Mapping[str, str], start: float) -> Mapping[str, Any]:
    nanoseconds = int(start * 1_000_000_000)
    return {"machine_ids": [machine], "unavailability": {"start": {"nanoseconds": nanoseconds}}}


def test_an_agent_is_read_with_its_attributes_unchanged(master: Master) -> None:
    found = state_of(master).read()
    expected = MesosAgent(
        id="S0",
        host="agent1",
        active=True,
        draining=False,
        maintenance=None,
        attributes={"zone": "a", "rack": "7", "speed": "2.5", "ports": "[1-9]"},
        total=Amount(4.0, 4096.0),
        used=Amount(0.3, 96.0),
    )
    assert found == AgentList([expected], 1000.0)


def test_an_inactive_or_draining_agent_is_marked() -> None:
    assert not agent(active=False).active
    assert not agent(deactivated=True).active
    assert agent(drain_info={"state": "DRAINING"}).draining


@pytest.mark.parametrize(
    ("machine", "start"),
    [
        ({"hostname": "AGENT1"}, 2000.0),
        ({"ip": "10.0.0.1"}, 2000.0),
        ({"hostname": "agent1", "ip": "10.0.0.1"}, 2000.0),
        ({"hostname": "agent1", "ip": "10.0.0.2"}, None),
        ({"hostname": "agent2"}, None),
        ({}, None),
    ],
)
def test_maintenance_applies_to_the_named_machine(
    machine: Mapping[str, str], start: float | None
) -> None:
    schedule = {"windows": [window({"hostname": "other"}, 500.0), window(machine, 2000.0)]}
    assert read_agents({"slaves": [AGENT]}, schedule)[0].maintenance == start


def test_one_read_or_failure_serves_all_callers_within_two_seconds(master: Master) -> None:
    clock = [0.0]
    state = state_of(master, clock)
    assert state.read() is state.read()
    assert len(master.requests) == 2
    clock[0] = 2.0
    master.answers["/slaves"] = (500, "")
    for _ in range(3):
        with pytest.raises(Unavailable, match="does not answer now"):
            state.read()
    assert len(master.requests) == 3
    clock[0] = 4.0
    master.answers["/slaves"] = (200, {"slaves": []})
    assert state.read().agents == []


@pytest.mark.parametrize("body", [b"no JSON", [], {"slaves": [{}]}, {"slaves": 7}])
def test_a_malformed_answer_counts_as_no_answer(master: Master, body: object) -> None:
    master.answers["/slaves"] = (200, body)
    with pytest.raises(Unavailable, match="does not answer now"):
        state_of(master).read()


def test_without_a_master_nothing_is_known() -> None:
    with pytest.raises(Unavailable, match="The Mesos master"):
        MesosState(lambda: None, None).read()
    gone = Master()
    gone.stop()
    with pytest.raises(Unavailable, match=f"The Mesos master {gone.address}"):
        state_of(gone).read()


def test_the_error_of_a_master_that_refuses_names_what_is_missing(master: Master) -> None:
    master.answers["/maintenance/schedule"] = (403, "")
    assert state_of(master).read().agents[0].maintenance is None
    master.answers["/slaves"] = (401, "")
    with pytest.raises(
        Unavailable, match=r"/slaves \(401\): the operator must set PREVS_PRINCIPAL"
    ):
        state_of(master).read()


def test_the_principal_is_sent_only_to_the_master_and_to_no_address_it_names(
    master: Master,
) -> None:
    basic = "Basic " + base64.b64encode(b"prevs:secret").decode()
    state_of(master, credential=("prevs", "secret")).read()
    assert {authorization for _, authorization in master.requests} == {basic}
    master.requests.clear()
    other = Master()
    elsewhere = f"//{other.address.replace('127.0.0.1', 'localhost')}/slaves"
    master.answers["/slaves"] = (307, elsewhere.encode())
    state_of(master, credential=("prevs", "secret")).read()
    other.stop()
    assert other.requests == [("/slaves", None)]
