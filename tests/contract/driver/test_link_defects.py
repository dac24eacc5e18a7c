"""What a link survives and pymesos does not: at least one test for each defect.

The master is a fake on real sockets that can be made to fail. The numbers are those of
the table in driver/__init__.py.
"""

import os
import resource
import time
from typing import Any

import pytest

from driver.errors import NotConnected
from driver.pace import Pace
from driver.scheduler import SchedulerDriver
from tests.contract.driver.schedulers import IMPATIENT, Make, address_of, listen
from tests.fakes.driver_events import RecordedScheduler
from tests.fakes.mesos_master import FakeMaster
from tests.waits import wait_until

pytestmark = pytest.mark.contract


def test_an_exception_in_a_callback_costs_nothing_but_that_event_p1(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler
) -> None:
    """P1: it must not end the thread, and must not tear the framework down."""
    events.raises["rescinded"] = RuntimeError("a bug")
    master.stream.send({"type": "RESCIND", "rescind": {"offer_id": {"value": "o"}}})
    events.wait("rescinded")

    master.update("t", "TASK_RUNNING")

    events.wait("updated")
    driver.revive()
    master.wait_call("REVIVE")
    assert [call.type for call in master.calls] == ["SUBSCRIBE", "REVIVE"]


def test_an_exception_on_a_lost_link_does_not_keep_the_driver_from_the_next_p1(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler
) -> None:
    """P1: callbacks without an event of Mesos may fail as well."""
    events.raises["disconnected"] = RuntimeError("a bug")
    master.stream.cut()
    events.wait("disconnected")
    events.wait("subscribed")
    assert driver.connected


@pytest.mark.parametrize(
    "event",
    [
        {"type": "UPDATE", "update": {}},
        {"type": "OFFERS", "offers": []},
        {"type": "SUBSCRIBED"},
        {"type": "SOMETHING_NEW", "something_new": {}},
        {"no": "type"},
        ["a", "list"],
        7,
    ],
)
def test_an_event_that_cannot_be_read_costs_nothing_but_itself_p1(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler, event: Any
) -> None:
    """P1: events are parsed on the same thread."""
    master.stream.send(event)
    master.update("t", "TASK_RUNNING")
    assert events.wait("updated")[0]["task_id"] == {"value": "t"}
    assert driver.connected


def test_a_malformed_stream_is_closed_and_subscribed_again_p1(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler
) -> None:
    """P1: neither invalid JSON nor invalid HTTP may end the thread."""
    master.stream.send_record(b"5\n{no: ")
    events.wait("disconnected")
    events.wait("subscribed")
    master.stream.send_raw(b"this is no chunk\r\n")
    events.wait("disconnected")
    events.wait("subscribed")
    assert master.of_type("TEARDOWN") == []
    assert driver.connected


def test_a_thread_that_dies_is_reported_p9(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler
) -> None:
    """P9: pymesos interrupts the main thread, which may sleep or wait."""
    # Only a BaseException that is not an Exception gets past the driver.
    events.raises["updated"] = SystemExit()
    master.update("t", "TASK_RUNNING")

    (error,) = events.wait("aborted")

    assert type(error).__name__ == "ThreadDied"
    assert isinstance(error.__cause__, SystemExit)
    with pytest.raises(NotConnected, match="died"):
        driver.revive()
    assert master.of_type("TEARDOWN") == []


def test_more_than_a_thousand_open_files_are_no_obstacle_p10(
    master: FakeMaster, events: RecordedScheduler, make: Make
) -> None:
    """P10: select() takes no file beyond the 1024th."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        pytest.skip("this system does not allow 2048 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2048, hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        assert max(held) > 1024
        driver = make(master.address)
        events.wait("subscribed")
        assert driver.connected
        driver.stop()
    finally:
        for fd in held:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("address", ["no-such-host.invalid:5050", "127.0.0.1:x", "127.0.0.1:99999"])
def test_an_unreachable_address_is_a_failed_try_p11(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler, address: str
) -> None:
    """P11: what connect() raises ends pymesos's thread, and leaks the socket."""
    driver._link.appoint(address)
    events.wait("disconnected")
    wait_until(lambda: address in driver.problem)
    driver._link.appoint(master.address)
    events.wait("subscribed")
    assert driver.connected


def test_a_connect_without_an_answer_is_given_up_p12(make: Make, unanswered: str) -> None:
    """P12: pymesos takes it for a connection, and waits for the kernel's two minutes."""
    driver = make(unanswered, pace=IMPATIENT)
    wait_until(lambda: "has been silent for 1 s" in driver.problem)
    assert not driver.connected


def test_a_master_that_accepts_the_connection_and_stays_silent_is_given_up_p12(
    events: RecordedScheduler, make: Make
) -> None:
    """P12: the same when it is stopped after its kernel has answered."""
    with listen(backlog=5) as mute:
        driver = make(address_of(mute))
        first, _ = mute.accept()
        wait_until(lambda: "has not answered yet" in driver.problem)
        first.close()
        kept, _ = mute.accept()
        with pytest.raises(NotConnected, match="closed the stream"):
            driver.revive()
        wait_until(lambda: "has been silent for 5 s" in driver.problem)
        kept.close()


def test_the_driver_subscribes_without_a_request_for_the_version_p13(
    driver: SchedulerDriver, master: FakeMaster
) -> None:
    """P13: pymesos requests it for up to a day, and fails on 1.12.0-rc1 (the fake's)."""
    assert driver.connected
    assert master.pages == []


def test_a_pause_between_tries_ends_with_stop_and_with_a_new_master_p21(
    master: FakeMaster, events: RecordedScheduler, make: Make
) -> None:
    """P21: pymesos sleeps through both."""
    patient = Pace(first_delay=60, longest_delay=60, answer_limit=5)
    with listen(backlog=1) as nobody:
        address = address_of(nobody)
    driver = make(address, pace=patient)
    wait_until(lambda: "refused" in driver.problem)
    begun = time.monotonic()
    driver._link.appoint(master.address)
    events.wait("subscribed")
    assert time.monotonic() - begun < 30

    driver._link.appoint(address)
    events.wait("disconnected")
    begun = time.monotonic()
    driver.stop()
    assert time.monotonic() - begun < 30
    assert not driver._link._io_thread or not driver._link._io_thread.is_alive()


def test_events_in_pieces_of_any_size_arrive_whole(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler
) -> None:
    """Not a defect, but what every test above relies on."""
    event = b'{"type":"RESCIND","rescind":{"offer_id":{"value":"o"}}}'
    for byte in b"%d\n%s" % (len(event), event):
        master.stream.send_record(bytes([byte]))
    assert events.wait("rescinded") == ("o",)
    big = "x" * 300_000
    master.stream.send({"type": "RESCIND", "rescind": {"offer_id": {"value": big}}})
    assert events.wait("rescinded") == (big,)
    assert driver.connected
