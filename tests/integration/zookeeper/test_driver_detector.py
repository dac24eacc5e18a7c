"""The leading master, by a real ZooKeeper. P20: pymesos's detector does none of this."""

import json
import queue
import socket
import time
import uuid
from collections.abc import Callable, Iterator

import pytest
from kazoo.client import KazooClient
from kazoo.protocol.states import WatchedEvent
from kazoo.security import make_digest_acl

from driver.detector import Detector
from driver.scheduler import SchedulerDriver
from tests.fakes.driver_events import RecordedScheduler
from tests.fakes.mesos_master import FakeMaster
from tests.waits import wait_until

pytestmark = pytest.mark.integration

LIMIT = 60.0


Appointments = queue.Queue[str | None]
"""Who was appointed."""


class Masters:
    """The znodes of masters below a path of a test's own."""

    def __init__(self, zookeeper: str) -> None:
        self.path = f"/driver-{uuid.uuid4().hex}/mesos"
        self.url = f"zk://{zookeeper}{self.path}"
        self.client = KazooClient(zookeeper)
        self.client.start()

    def announce(self, address: str) -> str:
        """Write a master's znode, and return its path."""
        host, _, port = address.partition(":")
        info = {"id": "m", "address": {"hostname": "m", "ip": host, "port": int(port)}}
        data = json.dumps(info).encode()
        path = f"{self.path}/json.info_"
        return self.client.create(path, data, ephemeral=True, sequence=True, makepath=True)


@pytest.fixture
def masters(zookeeper: str) -> Iterator[Masters]:
    """No master yet, and no znode for them."""
    masters = Masters(zookeeper)
    yield masters
    masters.client.stop()
    masters.client.close()


@pytest.fixture
def appointments() -> Appointments:
    return queue.Queue()


@pytest.fixture
def detector(masters: Masters, appointments: Appointments) -> Iterator[Detector]:
    """A detector that relies on watches: it does not poll within a test."""
    detector = Detector(masters.url, appointments.put, tick=3600.0)
    detector.start()
    yield detector
    detector.stop()


def test_a_master_that_could_not_be_used_is_used_at_the_next_look(
    masters: Masters, appointments: Appointments
) -> None:
    failures = [OSError("a defect")]

    def appoint(master: str | None) -> None:
        if failures:
            raise failures.pop()
        appointments.put(master)

    masters.announce("127.0.0.1:5050")
    detector = Detector(masters.url, appoint, tick=0.05)
    detector.start()
    try:
        assert appointments.get(timeout=LIMIT) == "127.0.0.1:5050"
    finally:
        detector.stop()


def test_a_master_is_found_whose_znode_is_made_later_p20(
    detector: Detector, masters: Masters, appointments: Appointments
) -> None:
    """P20: kazoo's ChildrenWatch stops silently where there is no znode."""
    time.sleep(0.2)
    masters.client.ensure_path(masters.path)
    time.sleep(0.1)
    masters.announce("127.0.0.1:5050")
    assert appointments.get(timeout=LIMIT) == "127.0.0.1:5050"


def test_a_master_is_found_whose_znode_is_made_between_two_reads(
    masters: Masters, appointments: Appointments, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = Detector(masters.url, appointments.put, tick=3600.0)
    exists = detector._client.exists

    def announce_first(path: str, watch: Callable[[WatchedEvent], None]) -> object:
        masters.announce("127.0.0.1:5050")
        return exists(path, watch=watch)

    monkeypatch.setattr(detector._client, "exists", announce_first)
    detector.start()
    try:
        assert appointments.get(timeout=10) == "127.0.0.1:5050"
    finally:
        detector.stop()


def test_the_oldest_master_leads_and_the_next_follows_p20(
    masters: Masters, detector: Detector, appointments: Appointments
) -> None:
    """P20: it also reports when none is left."""
    first = masters.announce("127.0.0.1:5050")
    assert appointments.get(timeout=LIMIT) == "127.0.0.1:5050"
    second = masters.announce("127.0.0.2:5050")
    masters.client.create(f"{masters.path}/log_replicas", b"")
    masters.client.create(f"{masters.path}/aaa", b"")
    wait_until(lambda: detector.masters == ("127.0.0.1:5050", "127.0.0.2:5050"))

    masters.client.delete(first)
    assert appointments.get(timeout=LIMIT) == "127.0.0.2:5050"
    masters.client.delete(second)
    assert appointments.get(timeout=LIMIT) is None
    assert detector.masters == ()
    masters.announce("127.0.0.3:5050")
    assert appointments.get(timeout=LIMIT) == "127.0.0.3:5050"


def test_znodes_that_only_a_password_opens_are_read_p20(
    masters: Masters, zookeeper: str, appointments: Appointments
) -> None:
    """P20: kazoo drops the credentials of a host list."""
    acl = [make_digest_acl("mesos", "s3cret", all=True)]
    masters.client.add_auth("digest", "mesos:s3cret")
    masters.client.ensure_path(masters.path)
    masters.client.set_acls(masters.path, acl)
    masters.announce("127.0.0.1:5050")

    detector = Detector(f"zk://mesos:s3cret@{zookeeper}{masters.path}", appointments.put)
    detector.start()
    try:
        assert appointments.get(timeout=LIMIT) == "127.0.0.1:5050"
    finally:
        detector.stop()


def test_start_and_stop_do_not_wait_for_a_zookeeper_that_is_away_p20(
    appointments: Appointments,
) -> None:
    """P20: pymesos raises after 15 s, with its thread left running."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        detector = Detector(f"zk://127.0.0.1:{mute.getsockname()[1]}/mesos", appointments.put)
        begun = time.monotonic()
        detector.start()
        detector.stop()
        assert time.monotonic() - begun < 10.0


def test_a_scheduler_follows_the_masters_p20(masters: Masters) -> None:
    """P20: from a leader to none, and to the next one."""
    first, second = FakeMaster(), FakeMaster()
    events = RecordedScheduler()
    framework = {"user": "u", "name": "n", "failover_timeout": 60.0}
    driver = SchedulerDriver(events, framework, masters.url)
    assert driver.problem == "not started"
    driver.start()
    try:
        assert driver.problem == "no master is known yet"
        path = masters.announce(first.address)
        events.wait("subscribed")
        masters.client.delete(path)
        events.wait("disconnected")
        masters.announce(second.address)
        events.wait("subscribed")
        second.wait_stream()
        assert driver.master == second.address
    finally:
        driver.stop()
        first.close()
        second.close()
