"""What a link lives through that pymesos does not: one test a defect, or more.

The master is a fake that can be told to be a bad one, on real sockets. The numbers are those of
the table in driver/__init__.py.
"""

import os
import resource
import time
from typing import Any

import pytest

from driver.errors import CallFailed, NotConnected
from driver.pace import Pace
from driver.scheduler import SchedulerDriver
from tests.contract.driver.schedulers import Make, address_of, listen, wait_until
from tests.fakes.driver_events import RecordedScheduler
from tests.fakes.mesos_master import FakeMaster
from tests.fakes.mesos_stream import Answer

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
    """P1: what is told without an event of Mesos may fail as well."""
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


def test_a_stream_of_nonsense_is_dropped_and_subscribed_anew_p1(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler
) -> None:
    """P1: neither JSON nor HTTP that is none may end the thread."""
    master.stream.send_record(b"5\n{no: ")
    events.wait("disconnected")
    events.wait("subscribed")
    master.stream.send_raw(b"this is no chunk\r\n")
    events.wait("disconnected")
    events.wait("subscribed")
    assert master.of_type("TEARDOWN") == []
    assert driver.connected


def test_a_master_that_is_unavailable_is_asked_in_growing_intervals_p4(
    master: FakeMaster, events: RecordedScheduler, make: Make
) -> None:
    """P4: pymesos asks thousands of times a second, and tells `disconnected` each time (P19)."""
    master.subscribe_answer = Answer(503)
    pace = Pace(first_delay=0.1, longest_delay=0.4, answer_limit=1.0)
    driver = make(master.address, pace=pace)
    master.wait_call("SUBSCRIBE", 4)
    begun = time.monotonic()
    asked = len(master.calls)
    master.wait_call("SUBSCRIBE", asked + 3)

    assert time.monotonic() - begun > 2 * 0.2
    assert "503" in driver.problem
    assert events.names() == []

    master.subscribe_answer = None
    events.wait("subscribed")


def test_a_stream_that_ends_at_once_is_not_asked_for_without_a_pause_p4(
    master: FakeMaster, make: Make
) -> None:
    """P4: every end of a stream is followed by a pause."""
    master.subscribe_answer = Answer(200, {"Transfer-Encoding": "chunked"})
    pace = Pace(first_delay=0.3, longest_delay=0.3, answer_limit=1.0)
    make(master.address, pace=pace)
    master.wait_call("SUBSCRIBE", 1)
    begun = time.monotonic()
    master.wait_call("SUBSCRIBE", 3)
    assert time.monotonic() - begun > 0.3


def test_a_master_that_falls_silent_is_left_after_five_heartbeats_p6(
    events: RecordedScheduler, make: Make
) -> None:
    """P6: pymesos waits for ever on a link that is half open."""
    master = FakeMaster(heartbeat=0.1, silent=True, offers=False)
    try:
        make(master.address)
        begun = time.monotonic()
        events.wait("disconnected")
        assert time.monotonic() - begun > 0.45
        events.wait("subscribed")
    finally:
        master.close()


def test_a_master_that_answers_no_call_is_left_at_once_p6(
    master: FakeMaster, events: RecordedScheduler, make: Make
) -> None:
    """P6: one that was stopped takes connections; each call to it would wait its whole time."""
    driver = make(master.address, http_timeout=0.3)
    events.wait("subscribed")
    master.hangs = True
    master.subscribe_answer = Answer(503)
    with pytest.raises(CallFailed):
        driver.revive()
    with pytest.raises(NotConnected):
        driver.revive()
    assert not driver.connected
    events.wait("disconnected")
    assert len(master.of_type("REVIVE")) == 1

    master.subscribe_answer = None
    events.wait("subscribed")
    assert events.names() == ["subscribed", "disconnected", "subscribed"]


def test_a_call_that_is_answered_by_a_no_leaves_the_link_as_it_is_p6(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler
) -> None:
    """P6: the other side of it: who answers is alive."""
    master.call_answer = Answer(500)
    with pytest.raises(CallFailed):
        driver.revive()
    assert driver.connected
    master.update("t", "TASK_RUNNING")
    events.wait("updated")
    assert "disconnected" not in events.names()


def test_a_master_that_has_nothing_but_heartbeats_is_not_left_p6(
    events: RecordedScheduler, make: Make
) -> None:
    """P6: the other side of it."""
    master = FakeMaster(heartbeat=0.1, offers=False)
    try:
        make(master.address)
        events.wait("subscribed")
        time.sleep(0.8)
        assert events.names() == ["subscribed"]
    finally:
        master.close()


@pytest.mark.parametrize("status", [400, 404, 500, 302])
def test_an_answer_that_is_no_yes_is_told_and_asked_again_p7(
    master: FakeMaster, events: RecordedScheduler, make: Make, status: int
) -> None:
    """P7: pymesos's thread ends on it, in silence."""
    master.subscribe_answer = Answer(status, body=b"the reason")
    driver = make(master.address)
    master.wait_call("SUBSCRIBE", 2)
    assert driver.problem == f"{master.address} answered HTTP {status}: the reason"
    with pytest.raises(NotConnected, match="the reason"):
        driver.suppress()

    master.subscribe_answer = None
    events.wait("subscribed")
    assert driver.problem == ""


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_were_never_taken_end_the_driver_p7(
    master: FakeMaster, events: RecordedScheduler, make: Make, status: int
) -> None:
    """P7: a rollout of wrong ones ends with a sentence."""
    master.subscribe_answer = Answer(status, body=b"the reason")
    driver = make(master.address)
    (error,) = events.wait("aborted")
    assert (type(error).__name__, error.status) == ("Unauthorized", status)
    assert "the reason" in str(error)
    with pytest.raises(NotConnected, match="credentials"):
        driver.suppress()
    assert len(master.calls) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_were_taken_once_are_tried_again_p7(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler, status: int
) -> None:
    """P7: a master that does not know them yet must not end a framework that leads."""
    master.subscribe_answer = Answer(status, body=b"not yet")
    master.stream.cut()
    master.wait_call("SUBSCRIBE", 3)
    assert "not yet" in driver.problem
    master.subscribe_answer = None
    events.wait("subscribed")
    assert events.names() == ["subscribed", "disconnected", "subscribed"]


def test_an_answer_that_is_no_stream_is_asked_again_p7(
    master: FakeMaster, events: RecordedScheduler, make: Make
) -> None:
    """P7: as what a proxy in between may say."""
    master.subscribe_answer = Answer(200, body=b"welcome")
    driver = make(master.address)
    master.wait_call("SUBSCRIBE", 2)
    assert "not chunked" in driver.problem
    master.subscribe_answer = None
    events.wait("subscribed")


def test_a_redirect_without_a_place_is_asked_again_p7(
    master: FakeMaster, events: RecordedScheduler, make: Make
) -> None:
    """P7: KeyError in pymesos."""
    master.subscribe_answer = Answer(307)
    driver = make(master.address)
    master.wait_call("SUBSCRIBE", 2)
    assert not driver.connected
    master.subscribe_answer = None
    events.wait("subscribed")
    assert driver.connected


def test_a_thread_that_dies_says_so_p9(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler
) -> None:
    """P9: pymesos interrupts the main thread, which may sleep or wait."""
    # Only what is no Exception gets past the driver.
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
def test_an_address_that_leads_nowhere_is_a_try_that_failed_p11(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler, address: str
) -> None:
    """P11: what connect() raises ends pymesos's thread, and leaks the socket."""
    driver._link.appoint(address)
    events.wait("disconnected")
    wait_until(lambda: address in driver.problem)
    driver._link.appoint(master.address)
    events.wait("subscribed")
    assert driver.connected


def test_a_connect_that_is_never_answered_is_given_up_p12(make: Make, unanswered: str) -> None:
    """P12: pymesos takes it for a connection, and waits for the kernel's two minutes."""
    driver = make(unanswered)
    wait_until(lambda: "has said nothing for 0.3 s" in driver.problem)
    assert not driver.connected


def test_a_master_that_takes_the_connection_and_says_nothing_is_given_up_p12(
    events: RecordedScheduler, make: Make
) -> None:
    """P12: the same when it is stopped after its kernel has answered."""
    pace = Pace(first_delay=0.02, longest_delay=0.1, answer_limit=0.3)
    with listen(backlog=5) as mute:
        driver = make(address_of(mute), pace=pace)
        first, _ = mute.accept()
        assert "has not answered yet" in driver.problem
        first.close()
        kept, _ = mute.accept()
        with pytest.raises(NotConnected, match="closed the stream"):
            driver.revive()
        wait_until(lambda: "has said nothing for 0.3 s" in driver.problem)
        kept.close()


def test_a_master_is_subscribed_without_being_asked_for_its_version_p13(
    driver: SchedulerDriver, master: FakeMaster
) -> None:
    """P13: pymesos asks, for up to a day, and fails on one such as 1.12.0-rc1 (as the fake's)."""
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


def test_a_redirect_is_followed_and_forgotten_with_its_link_p27(
    master: FakeMaster, events: RecordedScheduler, make: Make
) -> None:
    """P27: pymesos stays with the master that it was sent to, also when that has gone."""
    leader = FakeMaster(offers=False)
    try:
        place = f"//{leader.address}/api/v1/scheduler"
        master.subscribe_answer = Answer(307, {"Location": place})
        driver = make(master.address)
        events.wait("subscribed")
        driver.revive()
        leader.wait_call("REVIVE")
    finally:
        leader.close()
    events.wait("disconnected")
    master.subscribe_answer = None
    events.wait("subscribed")
    driver.revive()
    master.wait_call("REVIVE")


def test_masters_that_redirect_in_a_circle_are_asked_with_pauses_p4(
    master: FakeMaster, make: Make
) -> None:
    """P4: a redirect is no reason to hurry."""
    master.subscribe_answer = Answer(307, {"Location": f"//{master.address}/"})
    pace = Pace(first_delay=0.3, longest_delay=0.3, answer_limit=1.0)
    make(master.address, pace=pace)
    master.wait_call("SUBSCRIBE")
    begun = time.monotonic()
    master.wait_call("SUBSCRIBE", 3)
    assert time.monotonic() - begun > 0.3


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
