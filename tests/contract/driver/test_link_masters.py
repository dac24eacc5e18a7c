"""What a link does about a master that refuses, redirects, hesitates or falls silent.

The master is a fake on real sockets that can be made to fail. The numbers are those of
the table in driver/__init__.py.
"""

import time

import pytest

from driver.errors import CallFailed, NotConnected
from driver.pace import Pace
from driver.scheduler import SchedulerDriver
from tests.contract.driver.schedulers import Make
from tests.fakes.driver_events import RecordedScheduler
from tests.fakes.mesos_master import FakeMaster
from tests.fakes.mesos_stream import Answer
from tests.waits import wait_until

pytestmark = pytest.mark.contract


def test_an_unavailable_master_is_tried_in_growing_intervals_p4(
    master: FakeMaster, events: RecordedScheduler, make: Make
) -> None:
    """P4: pymesos tries thousands of times a second and reports `disconnected` each time (P19)."""
    master.subscribe_answer = Answer(503)
    pace = Pace(first_delay=0.1, longest_delay=0.4, answer_limit=5.0)
    driver = make(master.address, pace=pace)
    times = [master.wait_call("SUBSCRIBE", number).at for number in range(1, 8)]

    # From the third pause on: each is half of the longest at least.
    assert times[6] - times[3] > 3 * 0.2
    assert "503" in driver.problem
    assert events.names() == []

    master.subscribe_answer = None
    events.wait("subscribed")


def test_after_a_subscription_the_intervals_are_short_again_p4(
    master: FakeMaster, events: RecordedScheduler, make: Make
) -> None:
    """P4: a long absence of a master does not lengthen the pauses of the next one."""
    master.subscribe_answer = Answer(503)
    pace = Pace(first_delay=0.02, longest_delay=60.0, answer_limit=5.0)
    driver = make(master.address, pace=pace)
    for number in range(1, 12):
        master.wait_call("SUBSCRIBE", number)
        try_at_once(driver, master)
    master.subscribe_answer = None
    try_at_once(driver, master)
    wait_until(lambda: driver.connected)
    tried = len(master.calls)
    begun = time.monotonic()
    master.stream.cut()
    master.wait_call("SUBSCRIBE", tried + 1)
    assert time.monotonic() - begun < 15  # after twelve failures it would be 20 at least


def try_at_once(driver: SchedulerDriver, master: FakeMaster) -> None:
    """End the current pause. The failures so far still count."""
    driver._link.appoint(None)
    wait_until(lambda: driver.master is None)
    driver._link.appoint(master.address)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {"Transfer-Encoding": "chunked"}),
        Answer(307, {"Location": "//{address}/"}),
    ],
    ids=["a stream that ends at once", "a redirect in a circle"],
)
def test_no_response_shortens_the_interval_p4(
    master: FakeMaster, make: Make, answer: Answer
) -> None:
    """P4: every end of a stream, and every redirect, is followed by a pause."""
    headers = {key: one.format(address=master.address) for key, one in answer.headers.items()}
    master.subscribe_answer = Answer(answer.status, headers)
    pace = Pace(first_delay=0.3, longest_delay=0.3, answer_limit=5.0)
    make(master.address, pace=pace)
    assert master.wait_call("SUBSCRIBE", 3).at - master.wait_call("SUBSCRIBE").at > 0.3


def test_a_master_that_falls_silent_is_left_after_five_heartbeats_p6(
    events: RecordedScheduler, make: Make
) -> None:
    """P6: pymesos waits for ever on a link that is half open."""
    master = FakeMaster(heartbeat=0.1, silent=True, offers=False)
    try:
        begun = time.monotonic()
        make(master.address)
        events.wait("disconnected")
        assert time.monotonic() - begun > 0.45
        events.wait("subscribed")
    finally:
        master.close()


def test_a_master_without_a_heartbeat_interval_gets_the_default_of_mesos_p6(
    events: RecordedScheduler, make: Make
) -> None:
    """P6: its default is 15 s, so 75 s of silence are too many."""
    master = FakeMaster(heartbeat=0.0, silent=True, offers=False)
    try:
        driver = make(master.address)
        events.wait("subscribed")
        assert driver._link._silence_limit == 75.0
    finally:
        master.close()


def test_a_master_that_answers_no_call_is_left_at_once_p6(
    master: FakeMaster, events: RecordedScheduler, make: Make
) -> None:
    """P6: a stopped master accepts connections; each call would wait its whole time."""
    driver = make(master.address, http_timeout=1.0)
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


def test_the_reason_for_leaving_a_master_is_the_unanswered_call_p6(
    master: FakeMaster, events: RecordedScheduler, make: Make
) -> None:
    """P6: its silence is longer than an answer may take, as between two heartbeats."""
    patient = Pace(first_delay=60, longest_delay=60, answer_limit=2.0)
    driver = make(master.address, http_timeout=2.5, pace=patient)
    events.wait("subscribed")
    master.hangs = True
    with pytest.raises(CallFailed):
        driver.revive()
    events.wait("disconnected")
    assert "REVIVE" in driver.problem


def test_a_refused_call_leaves_the_link_as_it_is_p6(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler
) -> None:
    """P6: the counterpart: a master that answers is alive."""
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
    """P6: the counterpart of the tests above."""
    master = FakeMaster(heartbeat=0.4, offers=False)
    try:
        make(master.address)
        events.wait("subscribed")
        time.sleep(2.5)  # more than five heartbeats
        assert events.names() == ["subscribed"]
    finally:
        master.close()


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        *((Answer(no, body=b"why"), f"answered HTTP {no}: why") for no in (400, 404, 500, 302)),
        (Answer(307), "answered HTTP 307"),
        (Answer(200, body=b"welcome"), "not chunked"),
    ],
    ids=["400", "404", "500", "302", "a redirect without a place", "no stream, as a proxy's"],
)
def test_a_response_other_than_success_is_reported_and_tried_again_p7(
    master: FakeMaster, events: RecordedScheduler, make: Make, answer: Answer, problem: str
) -> None:
    """P7: pymesos's thread ends on it, in silence, or with a KeyError."""
    master.subscribe_answer = answer
    driver = make(master.address)
    master.wait_call("SUBSCRIBE", 2)
    assert driver.problem.startswith(master.address)
    assert problem in driver.problem
    with pytest.raises(NotConnected, match=problem):
        driver.suppress()

    master.subscribe_answer = None
    events.wait("subscribed")
    assert driver.problem == ""


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_were_never_accepted_end_the_driver_p7(
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
def test_credentials_that_were_accepted_once_are_tried_again_p7(
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
