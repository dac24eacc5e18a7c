"""A scheduler's driver on a fake master, for the tests of defects."""

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from driver.scheduler import SchedulerDriver
from tests.contract.driver.schedulers import FRAMEWORK, QUICK, Json, Make, address_of, listen
from tests.fakes.driver_events import RecordedScheduler
from tests.fakes.mesos_master import FakeMaster


@pytest.fixture
def master() -> Iterator[FakeMaster]:
    """A correct master, until a test changes it."""
    master = FakeMaster(offers=False)
    yield master
    master.close()


@pytest.fixture
def events() -> RecordedScheduler:
    """The driver's callbacks, recorded."""
    return RecordedScheduler()


@pytest.fixture
def make(events: RecordedScheduler) -> Iterator[Make]:
    """Start a driver of a master, which is stopped after the test."""
    drivers: list[SchedulerDriver] = []

    def make_one(address: str, *, framework: Json = FRAMEWORK, **more: Any) -> SchedulerDriver:
        more = {"pace": QUICK, "http_timeout": 10.0, **more}
        drivers.append(SchedulerDriver(more.pop("events", events), framework, address, **more))
        drivers[-1].start()
        return drivers[-1]

    yield make_one
    for driver in drivers:
        driver.stop()


@pytest.fixture
def driver(master: FakeMaster, events: RecordedScheduler, make: Make) -> SchedulerDriver:
    """A driver that is subscribed."""
    driver = make(master.address)
    events.wait("subscribed")
    return driver


@pytest.fixture
def unanswered() -> Iterator[str]:
    """host:port of a socket with a full backlog, which answers no SYN."""
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(listen(backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        yield address_of(full)
