"""Companions that visitors reach: who publishes their ports, and what tells their addresses."""

import dataclasses
from pathlib import Path

import pytest

from executor.attempt.attempt import Attempt
from executor.companions.readiness import goal, has_check
from executor.ports import PublishedPort
from prevs.companions import Companion
from prevs.messages import PublishedService
from tests.unit.executor.attempt.test_attempt import ATTEMPT
from tests.unit.executor.companions.world import DB, CompanionWorld

RESULT = Companion("result", image="result:1", port=80)
ADMIN = Companion("admin-ui", image="admin:1", port=80, ready=("true",))
URLS = {
    "PREVS_URL_RESULT": "http://result--main.hello.localhost/",
    "PREVS_URL_ADMIN_UI": "http://admin-ui--main.hello.localhost/",
}
SERVICES = {
    "result": PublishedService(31001, URLS["PREVS_URL_RESULT"]),
    "admin-ui": PublishedService(31002, URLS["PREVS_URL_ADMIN_UI"]),
}
OF_APP = PublishedPort(8080, "127.0.0.1", 31000)
OF_RESULT, OF_ADMIN = (PublishedPort(80, "127.0.0.1", port) for port in (31001, 31002))


def attempt() -> Attempt:
    return ATTEMPT._replace(order=dataclasses.replace(ATTEMPT.order, services=SERVICES))


@pytest.fixture
def world(tmp_path: Path) -> CompanionWorld:
    made = CompanionWorld(tmp_path, DB, RESULT, ADMIN)
    made.stop_at(1000.0)
    return made


def test_who_owns_the_one_network_publishes_all_ports(world: CompanionWorld) -> None:
    assert world.run(attempt()) is None
    db, *others = world.containers.specs
    assert db.ports == (OF_APP, OF_RESULT, OF_ADMIN)
    assert [one.ports for one in others] == [()] * 3


def test_apart_each_container_publishes_its_own_port(world: CompanionWorld) -> None:
    world.settings = dataclasses.replace(world.settings, apart=True)
    assert world.run(attempt()) is None
    assert [one.ports for one in world.containers.specs] == [
        (),
        (OF_RESULT,),
        (OF_ADMIN,),
        (OF_APP,),
    ]


def test_all_containers_know_the_addresses_of_all(world: CompanionWorld) -> None:
    world.settings = dataclasses.replace(world.settings, service="vote")
    assert world.run(attempt()) is None
    for spec in world.containers.specs:
        found = {name: url for name, url in spec.environment.items() if "PREVS_URL_" in name}
        assert found == {**URLS, "PREVS_URL_VOTE": spec.environment["PREVS_URL"]}
    world.stop_at(1000.0)
    assert world.run() is None
    assert not any("PREVS_URL_" in name for name in world.containers.specs[-1].environment)


def test_a_service_without_a_check_is_ready_once_something_listens_at_its_port() -> None:
    assert has_check(RESULT)
    assert goal(RESULT) == "result (port 80)"
    assert goal(ADMIN) == "admin-ui (true)"
    assert not has_check(dataclasses.replace(RESULT, port=0))
    assert dataclasses.replace(RESULT, ready_port=81).listens_on == 81
