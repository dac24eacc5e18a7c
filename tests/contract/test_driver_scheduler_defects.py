"""What pymesos gets wrong for a scheduler, and the driver does not: one test a defect, or more.

The master is a fake that can be told to be a bad one, on real sockets. The numbers are those of
the table in driver/__init__.py.
"""

import os
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from driver.errors import CallFailed, NotConnected
from driver.pace import Pace
from driver.scheduler import Credential, SchedulerDriver
from tests.fakes.driver_events import RecordedScheduler
from tests.fakes.mesos_master import AGENT_ID, FRAMEWORK_ID, FakeMaster
from tests.fakes.mesos_stream import Answer

pytestmark = pytest.mark.contract

Json = dict[str, Any]
Make = Callable[..., SchedulerDriver]
FRAMEWORK: Json = {"user": "u", "name": "n", "roles": ["r"], "failover_timeout": 2419200.0}
QUICK = Pace(first_delay=0.02, longest_delay=0.08, connect_limit=0.3, silence_limit=5.0)


@pytest.fixture
def master() -> Iterator[FakeMaster]:
    """A good master, until a test changes it."""
    master = FakeMaster(offers=False)
    yield master
    master.close()


@pytest.fixture
def events() -> RecordedScheduler:
    """What the driver tells."""
    return RecordedScheduler()


@pytest.fixture
def make(events: RecordedScheduler) -> Iterator[Make]:
    """Start a driver of a master, which is stopped after the test."""
    drivers: list[SchedulerDriver] = []

    def make_one(address: str, *, framework: Json = FRAMEWORK, **more: Any) -> SchedulerDriver:
        more = {"pace": QUICK, "http_timeout": 2.0, **more}
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


def wait_until(look: Callable[[], object], limit: float = 5.0) -> None:
    """Wait for what nothing tells."""
    until = time.monotonic() + limit
    while not look():
        assert time.monotonic() < until
        time.sleep(0.005)


def listen(backlog: int) -> socket.socket:
    """Return a socket that takes connections, and never answers."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)
    listener.settimeout(5.0)
    return listener


def address_of(listener: socket.socket) -> str:
    """Return host:port of a socket."""
    return f"127.0.0.1:{listener.getsockname()[1]}"


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


def test_stop_never_sends_teardown_and_teardown_does_p2(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler, make: Make
) -> None:
    """P2: pymesos's stop(), which abort() calls too, tears the framework down."""
    driver.stop()
    assert master.of_type("TEARDOWN") == []

    other = RecordedScheduler()
    second = make(master.address, events=other)
    other.wait("subscribed")
    second.teardown()
    assert master.wait_call("TEARDOWN").body["framework_id"] == {"value": FRAMEWORK_ID}
    assert other.names() == ["subscribed"]


def test_a_call_that_is_not_answered_ends_after_the_timeout_p3(
    master: FakeMaster, events: RecordedScheduler, make: Make
) -> None:
    """P3: pymesos waits a day, and holds a lock that `connected` needs."""
    driver = make(master.address, http_timeout=0.3)
    events.wait("subscribed")
    master.hangs = True
    begun = time.monotonic()
    failures: list[CallFailed] = []

    def call() -> None:
        with pytest.raises(CallFailed) as caught:
            driver.revive()
        failures.append(caught.value)

    caller = threading.Thread(target=call)
    caller.start()
    master.wait_call("REVIVE")
    assert driver.connected
    assert time.monotonic() - begun < 0.3
    caller.join()
    assert time.monotonic() - begun < 2.0
    assert (failures[0].outcome_unknown, failures[0].status) == (True, None)


def test_a_master_that_is_unavailable_is_asked_in_growing_intervals_p4(
    master: FakeMaster, events: RecordedScheduler, make: Make
) -> None:
    """P4: pymesos asks thousands of times a second, and tells `disconnected` each time (P19)."""
    master.subscribe_answer = Answer(503)
    pace = Pace(first_delay=0.1, longest_delay=0.4, connect_limit=1.0, silence_limit=5.0)
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
    pace = Pace(first_delay=0.3, longest_delay=0.3, connect_limit=1.0, silence_limit=5.0)
    make(master.address, pace=pace)
    master.wait_call("SUBSCRIBE", 1)
    begun = time.monotonic()
    master.wait_call("SUBSCRIBE", 3)
    assert time.monotonic() - begun > 0.3


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("Framework has been removed", "FrameworkRemoved"),
        ("Framework failed over", "FailedOver"),
        ("Role 'x' is not allowed", "Rejected"),
    ],
)
def test_an_error_event_ends_the_driver_and_tells_why_p5(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler, message: str, error: str
) -> None:
    """P5: pymesos subscribes again, for ever."""
    master.stream.send({"type": "ERROR", "error": {"message": message}})
    master.stream.end()

    (told,) = events.wait("aborted")
    assert type(told).__name__ == error
    assert message in str(told)
    with pytest.raises(NotConnected, match=message):
        driver.revive()
    driver.stop()
    assert [call.type for call in master.calls] == ["SUBSCRIBE"]


def test_a_master_that_falls_silent_is_left_after_five_heartbeats_p6(
    events: RecordedScheduler, make: Make
) -> None:
    """P6: pymesos waits for ever on a link that is half open."""
    master = FakeMaster(heartbeat=0.1, silent=True, offers=False)
    try:
        make(master.address)
        begun = time.monotonic()
        events.wait("disconnected")
        assert 0.45 < time.monotonic() - begun < 3.0
        events.wait("subscribed")
    finally:
        master.close()


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


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 302])
def test_an_answer_that_is_no_yes_is_told_and_asked_again_p7(
    master: FakeMaster, events: RecordedScheduler, make: Make, status: int
) -> None:
    """P7: pymesos's thread ends on it, in silence."""
    master.subscribe_answer = Answer(status, body=b"the reason")
    driver = make(master.address)
    master.wait_call("SUBSCRIBE", 2)
    assert f"{status}" in driver.problem
    assert "the reason" in driver.problem
    with pytest.raises(NotConnected, match="the reason"):
        driver.suppress()

    master.subscribe_answer = None
    events.wait("subscribed")
    assert driver.problem == ""


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
    make(master.address)
    master.wait_call("SUBSCRIBE", 2)
    master.subscribe_answer = None
    events.wait("subscribed")


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        ({"agent_id": {"value": "a"}}, ("a", None, None)),
        ({"agent_id": {"value": "a"}, "executor_id": {"value": "e"}}, ("a", "e", None)),
        ({"executor_id": {"value": "e"}, "status": 9}, (None, "e", 9)),
        (
            {"agent_id": {"value": "a"}, "executor_id": {"value": "e"}, "status": 0},
            ("a", "e", 0),
        ),
        ({}, (None, None, None)),
    ],
)
def test_a_failure_is_told_with_whatever_it_has_p8(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler, failure: Json, told: Any
) -> None:
    """P8: each of its parts may be missing."""
    master.stream.send({"type": "FAILURE", "failure": failure})
    assert events.wait("agent_failed") == told


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
        driver = make(master.address)
        events.wait("subscribed")
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


def test_a_connect_that_is_never_answered_is_given_up_p12(
    events: RecordedScheduler, make: Make
) -> None:
    """P12: pymesos takes it for a connection, and waits for the kernel's two minutes."""
    with listen(backlog=0) as full:
        # A full backlog lets a SYN go unanswered.
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        driver = make(address_of(full))
        wait_until(lambda: "has said nothing for 0.3 s" in driver.problem)
        assert not driver.connected
        for filler in fillers:
            filler.close()


def test_a_master_that_takes_the_connection_and_says_nothing_is_given_up_p12(
    events: RecordedScheduler, make: Make
) -> None:
    """P12: the same when it is stopped after its kernel has answered."""
    pace = Pace(first_delay=0.02, longest_delay=0.1, connect_limit=5.0, silence_limit=0.3)
    with listen(backlog=5) as mute:
        driver = make(address_of(mute), pace=pace)
        mute.accept()[0].close()
        kept, _ = mute.accept()
        wait_until(lambda: "has said nothing for 0.3 s" in driver.problem)
        kept.close()


def test_a_master_is_subscribed_without_being_asked_for_its_version_p13(
    driver: SchedulerDriver, master: FakeMaster
) -> None:
    """P13: pymesos reads a version such as 1.12.0-rc1 as numbers, and fails (the fake has none)."""
    assert driver.connected
    assert [call.type for call in master.calls] == ["SUBSCRIBE"]


def test_the_framework_is_sent_as_it_was_given_p14(
    master: FakeMaster, events: RecordedScheduler, make: Make
) -> None:
    """P14: pymesos asks for GPUs, and drops them if they are asked for."""
    capabilities = [{"type": "GPU_RESOURCES"}, {"type": "PARTITION_AWARE"}]
    framework = {**FRAMEWORK, "capabilities": capabilities}
    make(master.address, framework=framework)
    events.wait("subscribed")
    assert master.calls[0].body["subscribe"]["framework_info"] == framework
    assert "id" not in framework


def test_a_framework_without_a_failover_timeout_is_refused_p14(events: RecordedScheduler) -> None:
    """P14: pymesos gives it 100 s, Mesos 0 s; then every task is killed."""
    with pytest.raises(ValueError, match="failover_timeout"):
        SchedulerDriver(events, {"user": "u", "name": "n"}, "127.0.0.1:1")


@pytest.mark.parametrize(
    "call",
    [
        lambda d: d.accept(["o"], [{"type": "LAUNCH"}], refuse_seconds=5),
        lambda d: d.decline(["o"], refuse_seconds=5),
        lambda d: d.suppress(),
        lambda d: d.revive(),
        lambda d: d.kill("t", "a", grace_seconds=1),
        lambda d: d.acknowledge({"task_id": {}, "agent_id": {}, "uuid": "u"}),
        lambda d: d.reconcile([]),
        lambda d: d.teardown(),
    ],
)
def test_a_call_without_a_link_says_that_nothing_was_sent_p15(
    master: FakeMaster, make: Make, call: Callable[[SchedulerDriver], None]
) -> None:
    """P15: pymesos returns as if it was."""
    master.subscribe_answer = Answer(503)
    driver = make(master.address)
    with pytest.raises(NotConnected):
        call(driver)
    assert {one.type for one in master.calls} <= {"SUBSCRIBE"}


def test_a_call_to_a_master_that_has_just_gone_says_that_nothing_was_sent_p15(
    driver: SchedulerDriver, master: FakeMaster
) -> None:
    """P15: also before the link has noticed."""
    with listen(backlog=1) as nobody:
        address = address_of(nobody)
    driver._link._subscribed_at = (address, "stream")
    with pytest.raises(NotConnected, match="could not reach"):
        driver.revive()


def test_two_drivers_share_no_credentials_and_no_stream_p16(
    master: FakeMaster, events: RecordedScheduler, make: Make
) -> None:
    """P16: pymesos sends the first one's Authorization and stream id with the second's calls."""
    other_master = FakeMaster(offers=False)
    try:
        other = RecordedScheduler()
        first = make(master.address, credential=Credential("p", "s3cret"))
        second = make(other_master.address, events=other)
        events.wait("subscribed")
        other.wait("subscribed")
        first.revive()
        second.revive()

        with_credential = [call.headers.get("authorization") for call in master.calls]
        assert with_credential == ["Basic cDpzM2NyZXQ="] * 2
        assert [call.headers.get("authorization") for call in other_master.calls] == [None] * 2
        assert master.calls[1].headers["mesos-stream-id"] == master.stream.id
        assert other_master.calls[1].headers["mesos-stream-id"] == other_master.stream.id
    finally:
        other_master.close()


def test_a_secret_is_in_no_text_of_a_credential_p16() -> None:
    """P16: what is logged by accident tells nothing."""
    assert "s3cret" not in repr(Credential("p", "s3cret"))


def test_reconcile_names_the_agents_p17(driver: SchedulerDriver, master: FakeMaster) -> None:
    """P17: pymesos drops them."""
    driver.reconcile([("t", AGENT_ID), ("u", None)])
    assert master.wait_call("RECONCILE").body["reconcile"]["tasks"] == [
        {"task_id": {"value": "t"}, "agent_id": {"value": AGENT_ID}},
        {"task_id": {"value": "u"}},
    ]


def test_kill_names_the_agent_and_the_grace_p18(
    driver: SchedulerDriver, master: FakeMaster
) -> None:
    """P18: pymesos has neither."""
    driver.kill("t", AGENT_ID, grace_seconds=2.5)
    driver.kill("u", None, grace_seconds=None)
    assert master.wait_call("KILL").body["kill"] == {
        "task_id": {"value": "t"},
        "agent_id": {"value": AGENT_ID},
        "kill_policy": {"grace_period": {"nanoseconds": 2_500_000_000}},
    }
    assert master.wait_call("KILL", 2).body["kill"] == {"task_id": {"value": "u"}}


def test_a_new_subscription_repeats_what_was_last_asked_about_offers_p18(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler
) -> None:
    """P18: otherwise every lost link brings offers that nobody wants."""
    driver.suppress()
    master.stream.end()
    events.wait("disconnected")
    events.wait("subscribed")
    assert master.wait_call("SUBSCRIBE", 2).body["subscribe"]["suppressed_roles"] == ["r"]

    driver.revive()
    master.stream.end()
    events.wait("disconnected")
    events.wait("subscribed")
    assert "suppressed_roles" not in master.wait_call("SUBSCRIBE", 3).body["subscribe"]


def test_every_subscription_is_told_and_every_loss_once_p19(
    master: FakeMaster, events: RecordedScheduler, make: Make
) -> None:
    """P19: pymesos tells only the first as `registered`, and a loss for every try that fails."""
    make(master.address, framework={**FRAMEWORK, "id": {"value": FRAMEWORK_ID}})
    events.wait("subscribed")
    master.subscribe_answer = Answer(503)
    master.stream.cut()
    master.wait_call("SUBSCRIBE", 4)
    master.subscribe_answer = None
    events.wait("subscribed")

    assert events.names() == ["subscribed", "disconnected", "subscribed"]
    again = master.of_type("SUBSCRIBE")[-1].body
    assert again["framework_id"] == {"value": FRAMEWORK_ID}
    assert again["subscribe"]["framework_info"]["id"] == {"value": FRAMEWORK_ID}


def test_a_pause_between_tries_ends_with_stop_and_with_a_new_master_p21(
    master: FakeMaster, events: RecordedScheduler, make: Make
) -> None:
    """P21: pymesos sleeps through both."""
    patient = Pace(first_delay=60, longest_delay=60, connect_limit=5, silence_limit=5)
    with listen(backlog=1) as nobody:
        address = address_of(nobody)
    driver = make(address, pace=patient)
    wait_until(lambda: "refused" in driver.problem)
    begun = time.monotonic()
    driver._link.appoint(master.address)
    events.wait("subscribed")
    assert time.monotonic() - begun < 5

    driver._link.appoint(address)
    events.wait("disconnected")
    begun = time.monotonic()
    driver.stop()
    assert time.monotonic() - begun < 2
    assert not driver._link._io_thread or not driver._link._io_thread.is_alive()


def test_an_update_is_not_acknowledged_by_having_been_told_p23(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler
) -> None:
    """P23: it may be acknowledged only once it is stored."""
    master.update("t", "TASK_RUNNING")
    (status,) = events.wait("updated")
    driver.revive()
    assert master.of_type("ACKNOWLEDGE") == []

    driver.acknowledge(status)
    driver.acknowledge({key: value for key, value in status.items() if key != "uuid"})
    assert len(master.of_type("ACKNOWLEDGE")) == 1
    assert master.unacknowledged == []


@pytest.mark.parametrize(
    ("answer", "status", "unknown"),
    [
        (Answer(400, body=b"stale stream"), 400, False),
        (Answer(403), 403, False),
        (Answer(307), 307, False),
        (Answer(503), 503, False),
        (Answer(500), 500, True),
        (Answer(drop=True), None, True),
    ],
)
def test_a_call_that_fails_says_whether_it_may_have_been_done_p24(
    driver: SchedulerDriver, master: FakeMaster, answer: Answer, status: int | None, unknown: bool
) -> None:
    """P24: pymesos raises one RuntimeError for all of them, into the callback (P1)."""
    master.call_answer = answer
    with pytest.raises(CallFailed) as caught:
        driver.accept(["o"], [{"type": "LAUNCH"}], refuse_seconds=5)
    assert (caught.value.status, caught.value.outcome_unknown) == (status, unknown)
    assert "ACCEPT" in str(caught.value)
    assert len(master.of_type("ACCEPT")) == 1
    assert driver.connected


def test_a_call_of_an_older_subscription_is_refused_p24(
    driver: SchedulerDriver, master: FakeMaster
) -> None:
    """P24: the stream id keeps a late call from counting for a later leader."""
    driver._link._subscribed_at = (master.address, "the stream before")
    with pytest.raises(CallFailed) as caught:
        driver.revive()
    assert caught.value.status == 400


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
    pace = Pace(first_delay=0.3, longest_delay=0.3, connect_limit=1.0, silence_limit=5.0)
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
