"""Companions that visitors reach: a port of the agent each, their places, and their addresses."""

import pytest

from framework.matching.agents import Space
from framework.matching.preemption import Candidate, Turn, freed
from prevs.commit_settings import CommitSettings, RunSettings
from prevs.companions import Companion
from prevs.messages import PublishedService
from prevs.records import Placement, PlacementsRecord
from prevs.states import Cause, Phase, State
from prevs.units import preview_unit
from tests.fakes.driven import APP, A, B, Driven

SETTINGS = CommitSettings(
    run=RunSettings(
        companions=(
            Companion("db", image="postgres:17", mem=16, cpus=0.01),
            Companion("result", image="result:1", port=80, mem=16, cpus=0.01),
            Companion("admin", image="admin:1", port=80, mem=16, cpus=0.01),
        )
    )
)
SERVICES = {"result": 31001, "admin": 31002}


@pytest.fixture
def shop(driven: Driven) -> Driven:
    driven.manifests.contents[A] = SETTINGS
    return driven


def placement(driven: Driven, sha: str = A) -> Placement:
    record, _ = driven.znodes.records["placements", "hello"]
    assert isinstance(record, PlacementsRecord)
    return record.placements[sha]


def test_each_service_has_a_port_of_the_agent_and_an_address(shop: Driven) -> None:
    shop.place()
    assert (shop.preview().host_port, shop.preview().service_ports) == (31000, SERVICES)
    assert shop.order.services == {
        "result": PublishedService(31001, "http://result--main.hello.localhost:8080/"),
        "admin": PublishedService(31002, "http://admin--main.hello.localhost:8080/"),
    }
    ports = [span for one in shop.cluster.tasks[-1].resources for span in one.ports]
    assert sorted(port for span in ports for port in span) == [31000, 31001, 31002]


def test_visitors_are_sent_to_a_service_at_each_label_while_the_preview_runs(shop: Driven) -> None:
    shop.run()
    shop.start(A, "v1")
    shop.tick()
    assert placement(shop).services == {
        "result--main": 31001,
        "admin--main": 31002,
        "result--v1": 31001,
        "admin--v1": 31002,
    }
    shop.stop()
    shop.tick()
    assert shop.placements() == {}


def test_a_branch_of_that_name_is_no_service_of_another_preview(shop: Driven) -> None:
    shop.run()
    shop.start(B, "result--main")
    shop.tick()
    assert placement(shop).services == {"admin--main": 31002}


def test_all_ports_are_in_use_until_proxies_have_let_go_of_them(shop: Driven) -> None:
    shop.run()
    places = {("127.0.0.1", port) for port in (31000, 31001, 31002)}
    assert set(shop.records.routes.in_use()) == places

    def withdraw() -> set[tuple[str, int]]:
        shop.service.commands.stop("hello", A)
        return set(shop.records.routes.in_use())

    assert shop.call(withdraw) == places
    shop.tick()
    shop.update("TASK_KILLED")
    shop.tick(10.0)
    assert shop.preview().state is State.STOPPED
    assert not set(shop.records.routes.in_use())


def test_an_agent_with_too_few_ports_takes_it_not_and_says_why(shop: Driven) -> None:
    shop.start()
    shop.offer(begin=31000, end=31001)
    assert shop.cluster.tasks == []
    assert shop.preview().reason == (
        "No agent with enough CPUs and memory has so many free ports: it needs 3, one for each of "
        "its services that visitors reach."
    )


def test_a_newer_commit_that_failed_is_named_at_services_too(shop: Driven) -> None:
    shop.run()
    shop.place(B)
    shop.report("TASK_FAILED", Phase.ENDED, sha=B, cause=Cause.BUILD_FAILED)
    shop.tick()
    record, _ = shop.znodes.records["placements", "hello"]
    assert isinstance(record, PlacementsRecord)
    assert record.failed == dict.fromkeys(("main", "result--main", "admin--main"), B)


def test_what_stops_leaves_all_its_ports(shop: Driven) -> None:
    idle = Candidate(Turn.IDLE, 0.0, preview_unit("hello", A), "agent-1", APP, SETTINGS)
    assert freed(Space("agent-1"), idle).ports == 3
