"""What pymesos gets wrong in calls and events of a scheduler: a test or more each.

The master is a fake on real sockets that can be made to fail. The numbers are those of
the table in driver/__init__.py.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from driver.errors import CallFailed, NotConnected
from driver.scheduler import Credential, SchedulerDriver
from tests.contract.driver.schedulers import FRAMEWORK, Json, Make, address_of, listen
from tests.fakes.driver_events import RecordedScheduler
from tests.fakes.mesos_master import AGENT_ID, FRAMEWORK_ID, FakeMaster
from tests.fakes.mesos_stream import Answer

pytestmark = pytest.mark.contract


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
    driver = make(master.address, http_timeout=2.0)
    events.wait("subscribed")
    master.hangs = True
    failures: list[CallFailed] = []

    def call() -> None:
        with pytest.raises(CallFailed) as caught:
            driver.revive()
        failures.append(caught.value)

    caller = threading.Thread(target=call)
    begun = time.monotonic()
    caller.start()
    master.wait_call("REVIVE")
    assert driver.connected
    assert not failures  # the call waits still
    caller.join(30)
    assert time.monotonic() - begun < 15
    assert (failures[0].outcome_unknown, failures[0].status) == (True, None)


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("Framework has been removed", "FrameworkRemoved"),
        ("Framework failed over", "FailedOver"),
        ("Role 'x' is not allowed", "Rejected"),
    ],
)
def test_an_error_event_ends_the_driver_with_the_reason_p5(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler, message: str, error: str
) -> None:
    """P5: pymesos subscribes again, for ever."""
    master.stream.send({"type": "ERROR", "error": {"message": message}})
    master.stream.end()

    (aborted,) = events.wait("aborted")
    assert type(aborted).__name__ == error
    assert message in str(aborted)
    with pytest.raises(NotConnected, match=message):
        driver.revive()
    driver.stop()
    assert [call.type for call in master.calls] == ["SUBSCRIBE"]


@pytest.mark.parametrize(
    ("failure", "expected"),
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
def test_a_failure_is_reported_with_the_fields_that_it_has_p8(
    driver: SchedulerDriver,
    master: FakeMaster,
    events: RecordedScheduler,
    failure: Json,
    expected: Any,
) -> None:
    """P8: each of its parts may be missing."""
    master.stream.send({"type": "FAILURE", "failure": failure})
    assert events.wait("agent_failed") == expected


def test_the_framework_is_sent_as_it_was_given_p14(
    master: FakeMaster, events: RecordedScheduler, make: Make
) -> None:
    """P14: pymesos requests GPUs, and drops them if the framework requests them."""
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
        lambda d: d.accept_inverse(["i"], refuse_seconds=5),
        lambda d: d.kill("t", "a", grace_seconds=1),
        lambda d: d.acknowledge({"task_id": {}, "agent_id": {}, "uuid": "u"}),
        lambda d: d.reconcile([]),
        lambda d: d.teardown(),
    ],
)
def test_a_call_without_a_link_reports_that_nothing_was_sent_p15(
    master: FakeMaster, make: Make, call: Callable[[SchedulerDriver], None]
) -> None:
    """P15: pymesos returns as if it was."""
    master.subscribe_answer = Answer(503)
    driver = make(master.address)
    with pytest.raises(NotConnected):
        call(driver)
    assert {one.type for one in master.calls} <= {"SUBSCRIBE"}


@pytest.mark.parametrize("answers", ["with a no", "not at all"])
def test_a_call_to_a_master_that_has_just_gone_reports_that_nothing_was_sent_p3_p15(
    master: FakeMaster, events: RecordedScheduler, make: Make, unanswered: str, answers: str
) -> None:
    """P15: also before the link has noticed. P3: the connect counts for the timeout, too."""
    driver = make(master.address, http_timeout=0.3)
    events.wait("subscribed")
    with listen(backlog=1) as nobody:
        address = address_of(nobody)
    gone = unanswered if answers == "not at all" else address
    driver._link._subscribed_at = (gone, "stream")
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


def test_no_text_of_a_credential_has_the_secret_p16() -> None:
    """P16: an accidental log line shows nothing."""
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


def test_a_new_subscription_repeats_the_last_suppress_or_revive_p18(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler
) -> None:
    """P18: otherwise every lost link brings unwanted offers."""
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


def test_a_new_subscription_repeats_what_holds_for_each_role_p18(
    master: FakeMaster, events: RecordedScheduler, make: Make
) -> None:
    """P18: of several roles, each is suppressed or not by itself."""
    driver = make(master.address, framework={**FRAMEWORK, "roles": ["r", "s"]})
    events.wait("subscribed")
    steps: list[tuple[Callable[[Sequence[str]], None], list[str], list[str] | None]] = [
        (driver.suppress, [], ["r", "s"]),
        (driver.revive, ["s"], ["r"]),
        (driver.suppress, ["s"], ["r", "s"]),
        (driver.revive, ["r", "s"], None),
        (driver.suppress, ["s"], ["s"]),
    ]
    for number, (call, roles, quiet) in enumerate(steps, 2):
        call(roles)
        master.stream.end()
        events.wait("disconnected")
        events.wait("subscribed")
        subscribe = master.wait_call("SUBSCRIBE", number).body["subscribe"]
        assert subscribe.get("suppressed_roles") == quiet


def test_suppress_or_revive_without_a_link_holds_for_the_next_one_p18(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler
) -> None:
    """P18: the call fails, and its effect is applied with the next link."""
    calls: list[tuple[Callable[[], None], object]] = [
        (driver.suppress, ["r"]),
        (driver.revive, None),
    ]
    for call, roles in calls:
        master.subscribe_answer = Answer(503)
        master.stream.cut()
        events.wait("disconnected")
        with pytest.raises(NotConnected):
            call()
        # One of these may have begun before the call.
        master.wait_call("SUBSCRIBE", len(master.of_type("SUBSCRIBE")) + 2)
        master.subscribe_answer = None
        events.wait("subscribed")
        subscribe = master.of_type("SUBSCRIBE")[-1].body["subscribe"]
        assert subscribe.get("suppressed_roles") == roles


def test_inverse_offers_are_reported_and_accepted(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler
) -> None:
    """Not a defect, but a real master needs a maintenance schedule for it."""
    offers = [{"id": {"value": "i"}, "agent_id": {"value": AGENT_ID}, "unavailability": {}}]
    inverse = {"inverse_offers": offers}
    master.stream.send({"type": "INVERSE_OFFERS", "inverse_offers": inverse})
    assert events.wait("inverse_offered") == (offers,)
    rescind = {"inverse_offer_id": {"value": "i"}}
    master.stream.send({"type": "RESCIND_INVERSE_OFFER", "rescind_inverse_offer": rescind})
    assert events.wait("inverse_rescinded") == ("i",)

    driver.accept_inverse(["i"], refuse_seconds=7)
    assert master.wait_call("ACCEPT_INVERSE_OFFERS").body["accept_inverse_offers"] == {
        "inverse_offer_ids": [{"value": "i"}],
        "filters": {"refuse_seconds": 7},
    }


def test_every_subscription_is_reported_and_every_loss_once_p19(
    master: FakeMaster, events: RecordedScheduler, make: Make
) -> None:
    """P19: pymesos reports only the first as `registered`, and a loss for every failed try."""
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


def test_an_update_that_was_reported_is_not_acknowledged_by_that_p23(
    driver: SchedulerDriver, master: FakeMaster, events: RecordedScheduler
) -> None:
    """P23: it may be acknowledged only once it is stored."""
    master.update("t", "TASK_RUNNING")
    (status,) = events.wait("updated")
    # The next callback comes after all that follows from the update.
    master.stream.send({"type": "RESCIND", "rescind": {"offer_id": {"value": "o"}}})
    events.wait("rescinded")
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
def test_a_failed_call_reports_whether_it_may_have_been_done_p24(
    driver: SchedulerDriver, master: FakeMaster, answer: Answer, status: int | None, unknown: bool
) -> None:
    """P24: pymesos raises one RuntimeError for all of them, into the callback (P1)."""
    master.call_answer = answer
    master.subscribe_answer = Answer(503)  # a link that is left stays so
    with pytest.raises(CallFailed) as caught:
        driver.accept(["o"], [{"type": "LAUNCH"}], refuse_seconds=5)
    assert (caught.value.status, caught.value.outcome_unknown) == (status, unknown)
    assert "ACCEPT" in str(caught.value)
    assert len(master.of_type("ACCEPT")) == 1
    assert driver.connected == (status is not None)


def test_a_call_of_an_older_subscription_is_refused_p24(
    driver: SchedulerDriver, master: FakeMaster
) -> None:
    """P24: the stream id keeps a late call from counting for a later leader."""
    driver._link._subscribed_at = (master.address, "the stream before")
    with pytest.raises(CallFailed) as caught:
        driver.revive()
    assert caught.value.status == 400
