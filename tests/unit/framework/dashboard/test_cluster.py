import pytest

from framework.errors import Unavailable
from framework.matching.agents import Unfit
from framework.ports.mesos_agents import Amount, MesosAgent
from prevs.messages import Isolation
from prevs.states import State
from tests.fakes.dashboard import Dashboard, Visitor
from tests.unit.framework.dashboard.conftest import SHA

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def dashboard(dashboard: Dashboard) -> Dashboard:
    dashboard.previews.change_app("hello", {"cpus": 0.99, "mem": 960})
    dashboard.previews.put("hello", SHA, State.RUNNING, labels=("main",), agent_id="S1")
    total, used = Amount(4.0, 4096.0), Amount(2.0, 2048.0)
    attributes = {"zone": HOSTILE}
    agent = MesosAgent("S1", HOSTILE, True, False, 2000.0, attributes, total, used)
    idle = MesosAgent("S2", "10.0.0.8", False, False, None, {}, total, Amount(0.0, 0.0))
    dashboard.agents.known = [agent, idle]
    return dashboard


def test_an_agent_shows_the_resources_of_previews_of_others_and_the_free_ones(
    visitor: Visitor,
) -> None:
    page = visitor.get("/cluster").text
    assert 'aria-label="CPUs: previews 1, others 1, free 2"' in page
    assert 'aria-label="Memory: previews 1 GB, others 1 GB, free 2 GB"' in page
    assert 'aria-label="CPUs: previews 1, others 1, free 6"' in page
    assert "2 of 4 free" in page
    assert "Maintenance is planned for 1970-01-01 00:33:20 UTC." in page
    assert f"/apps/hello/previews/{SHA}" in page
    assert "not active" in page
    assert HOSTILE not in page


def test_a_master_that_does_not_answer_is_shown(dashboard: Dashboard, visitor: Visitor) -> None:
    dashboard.agents.error = Unavailable("The Mesos master")
    for path in ("/cluster", "/"):
        answer = visitor.get(path)
        assert answer.status_code == 200
        assert "The Mesos master does not answer now." in answer.text


def test_an_agent_shows_what_previews_reach(dashboard: Dashboard, visitor: Visitor) -> None:
    assert "PREVS_ALLOW" not in visitor.get("/cluster").text
    isolated = dashboard.previews.isolated_agents
    isolated["S1"] = Isolation(allowed=("10.1.0.0/16", "10.2.0.7/32"))
    page = visitor.get("/cluster").text
    assert "private networks: <bdi>10.1.0.0/16, 10.2.0.7/32</bdi>" in page
    isolated["S1"] = Isolation(open=f"there is no iptables {HOSTILE}")
    page = visitor.get("/cluster").text
    assert "not kept apart from the agent and from each other: <bdi>there is no iptables" in page
    assert HOSTILE not in page


def test_an_unfit_agent_is_shown_with_the_reason(dashboard: Dashboard, visitor: Visitor) -> None:
    assert ">unfit<" not in visitor.get("/cluster").text
    unfit = Unfit(f"Its bridge is gone. {HOSTILE}", 900.0, 1000.0, builds=True)
    dashboard.previews.unfit_agents["S1"] = unfit
    page = visitor.get("/cluster").text
    assert page.count(">unfit<") == 1
    assert "Its bridge is gone." in page
    assert "Nothing starts here before 1970-01-01 00:16:40 UTC" in page
    assert HOSTILE not in page
