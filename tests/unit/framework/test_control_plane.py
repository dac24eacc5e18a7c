"""The machines that no preview may reach, as the framework's parts know them."""

import threading
from collections.abc import Iterable

import pytest

from framework import control_plane, events
from framework.control_plane import ControlPlane
from framework.mesos import machines
from framework.state.snapshot import Snapshot
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState
from tests.fakes.asgi import ApiInProcess
from tests.fakes.driven import A, Driven
from tests.fakes.offers import offer

NAMES = {"zk.example": ["10.0.0.1", "fd00::1"], "localhost": ["127.0.0.1", "::1"]}


def test_machines_are_known_by_their_addresses_and_names() -> None:
    plane = ControlPlane(resolve=lambda name: NAMES.get(name, ()))
    plane.note(["10.0.0.9", "zk.example", "nobody.example", "localhost", "0.0.0.0", ""])
    assert plane.addresses() == ("10.0.0.9",)
    plane.look()
    assert plane.addresses() == ("10.0.0.1", "10.0.0.9", "fd00::1")


def test_a_nameserver_that_is_away_takes_no_machine_away() -> None:
    names = dict(NAMES)
    plane = ControlPlane(resolve=lambda name: names.get(name, ()))
    plane.note(["zk.example"])
    plane.look()
    names.clear()
    plane.look()
    assert plane.addresses() == ("10.0.0.1", "fd00::1")


def test_every_source_of_machines_is_queried_and_one_that_fails_affects_no_other() -> None:
    def fail() -> Iterable[str]:
        raise RuntimeError("a defect")

    plane = ControlPlane([fail, lambda: ["10.0.0.2"]])
    plane.look()
    assert plane.addresses() == ("10.0.0.2",)


def test_an_address_that_is_not_named_for_a_day_is_released() -> None:
    now = [0.0]
    plane = ControlPlane(clock=lambda: now[0])
    plane.note(["10.0.0.1", "10.0.0.2"])
    now[0] = control_plane.KEPT_SECONDS
    plane.note(["10.0.0.2"])
    plane.look()
    assert plane.addresses() == ("10.0.0.2",)


@pytest.mark.parametrize(("name", "found"), [("127.0.0.1", ["127.0.0.1"]), ("a..b", [])])
def test_names_are_resolved_by_the_machine(name: str, found: list[str]) -> None:
    assert control_plane.resolve(name) == found


def test_a_start_waits_for_the_first_lookup_and_not_for_a_nameserver_that_is_away() -> None:
    plane = ControlPlane([lambda: ["zk.example"]], resolve=NAMES.__getitem__)
    plane.start()
    plane.stop()
    assert plane.addresses() == ("10.0.0.1", "fd00::1")
    called, answered = threading.Event(), threading.Event()

    def hang(name: str) -> list[str]:
        called.set()
        answered.wait(60)
        return NAMES[name]

    slow = ControlPlane([lambda: ["zk.example", "10.0.0.9"]], resolve=hang)
    slow.start(patience=0.0)
    assert called.wait(60)
    assert slow.addresses() == ("10.0.0.9",)
    slow.stop()
    answered.set()


def test_every_order_has_the_agents_that_have_made_an_offer(driven: Driven) -> None:
    driven.start(A)
    offers = [
        offer("o1", host="10.0.0.1"),
        offer("o2", agent="agent-2", host="10.0.0.2", cpus=0.01),
    ]
    driven.step(events.Offered(offers))
    assert driven.order.control_plane == ("10.0.0.1", "10.0.0.2")


def test_machines_next_to_each_other_are_one_network() -> None:
    plane = ControlPlane()
    plane.note(f"10.0.0.{number}" for number in range(4, 9))
    assert plane.addresses() == ("10.0.0.4/30", "10.0.0.8")


def test_agents_with_running_previews_are_known_without_an_offer(driven: Driven) -> None:
    driven.start(A)
    driven.offer("o1", host="10.0.0.1")
    assert machines.find_agents(driven.service.snapshot) == ["10.0.0.1"]
    driven.stop(A)
    driven.update("TASK_KILLED")
    assert machines.find_agents(driven.service.snapshot) == []


def test_agents_with_jobs_are_known_without_an_offer() -> None:
    terms = JobSettings(("true",))
    jobs = [
        JobRecord("hello", state.name, A, "main", terms, state, agent_host=f"10.0.0.{number}")
        for number, state in enumerate(JobState)
    ]
    snapshot = Snapshot({}, {}, jobs={(job.app, job.id): job for job in jobs})
    assert machines.find_agents(snapshot) == [f"10.0.0.{number}" for number in (1, 2, 3, 4)]


def test_a_host_that_reports_as_a_proxy_is_one_of_the_machines() -> None:
    api = ApiInProcess()
    api.call("POST", "/v1/uses", json={"proxy": "p1", "uses": []})
    assert api.proxies == ["127.0.0.1"]
