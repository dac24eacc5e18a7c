"""What pymesos gets wrong for an executor and the driver does not: a test or more each.

The agent is a fake on real sockets that can be made to fail. The numbers are those of
the table in driver/__init__.py.
"""

import time
from collections.abc import Callable, Iterator

import pytest

from driver.executor import ExecutorDriver
from driver.pace import Pace
from tests.contract.driver.schedulers import QUICK, Json
from tests.fakes.driver_events import RecordedExecutor
from tests.fakes.mesos_agent import FakeAgent
from tests.fakes.mesos_stream import Answer

pytestmark = pytest.mark.contract

Make = Callable[..., ExecutorDriver]
RUNNING: Json = {"task_id": {"value": "t"}, "state": "TASK_RUNNING"}
FAILED: Json = {"task_id": {"value": "t"}, "state": "TASK_FAILED"}


@pytest.fixture
def agent() -> Iterator[FakeAgent]:
    """A correct agent, until a test changes it."""
    agent = FakeAgent()
    yield agent
    agent.close()


@pytest.fixture
def events() -> RecordedExecutor:
    """The driver's callbacks, recorded."""
    return RecordedExecutor()


@pytest.fixture
def make(events: RecordedExecutor) -> Iterator[Make]:
    """Start a driver in an environment, which is stopped after the test."""
    drivers: list[ExecutorDriver] = []

    def make_one(environ: dict[str, str], pace: Pace | None = QUICK) -> ExecutorDriver:
        drivers.append(ExecutorDriver(events, environ, pace=pace, http_timeout=10.0))
        drivers[-1].start()
        return drivers[-1]

    yield make_one
    for driver in drivers:
        driver.stop()


def launch(agent: FakeAgent, events: RecordedExecutor) -> None:
    """Launch the task t."""
    events.wait("registered")
    agent.launch({"task_id": {"value": "t"}})
    events.wait("launched")


def test_an_update_given_while_the_agent_is_away_comes_with_the_next_subscription_e1(
    events: RecordedExecutor, make: Make
) -> None:
    """E1: pymesos raises, and forgets it: the task seems to run for ever."""
    first = FakeAgent(acknowledges=False)
    driver = make(first.environ())
    launch(first, events)
    driver.send_update(RUNNING)
    first.wait_call("UPDATE")
    first.close()

    driver.send_update(FAILED)
    assert not driver.wait_acknowledged(0.05)
    second = FakeAgent(first.port)
    try:
        subscribe = second.wait_call("SUBSCRIBE").body["subscribe"]
        updates = [update["status"] for update in subscribe["unacknowledged_updates"]]
        assert [status["state"] for status in updates] == ["TASK_RUNNING", "TASK_FAILED"]
        assert updates[0]["uuid"] == first.statuses[0]["uuid"]
        assert subscribe["unacknowledged_tasks"] == [{"task_id": {"value": "t"}}]
        assert driver.wait_acknowledged(30)
    finally:
        second.close()


def test_an_acknowledged_update_is_not_sent_again_e1(
    agent: FakeAgent, events: RecordedExecutor, make: Make
) -> None:
    """E1: the counterpart of the test above."""
    driver = make(agent.environ())
    launch(agent, events)
    driver.send_update(RUNNING)
    assert driver.wait_acknowledged(30)
    agent.stream.cut()

    subscribe = agent.wait_call("SUBSCRIBE", 2).body["subscribe"]
    assert subscribe == {"unacknowledged_tasks": [], "unacknowledged_updates": []}


@pytest.mark.parametrize("answer", [Answer(503), Answer(500), Answer(403), Answer(drop=True)])
def test_an_update_that_failed_is_sent_again_with_the_same_uuid_e1(
    agent: FakeAgent, events: RecordedExecutor, make: Make, answer: Answer
) -> None:
    """E1, E4: also while the link stays up."""
    driver = make(agent.environ())
    launch(agent, events)
    agent.call_answer = answer
    driver.send_update(RUNNING)
    driver.send_update(FAILED)
    first = agent.wait_call("UPDATE").body["update"]["status"]
    agent.call_answer = None

    assert driver.wait_acknowledged(30)
    assert agent.states() == ["TASK_RUNNING", "TASK_FAILED"]
    assert agent.statuses[0]["uuid"] == first["uuid"]


def test_an_update_that_is_refused_does_not_hold_up_the_next_e1(
    agent: FakeAgent, events: RecordedExecutor, make: Make
) -> None:
    """E1: a terminal update must not wait behind one that the agent refuses."""
    driver = make(agent.environ())
    launch(agent, events)
    agent.call_answer = Answer(400, body=b"no")
    driver.send_update(RUNNING)
    agent.wait_call("UPDATE")
    driver.send_update({**RUNNING, "state": "TASK_KILLING"})
    agent.wait_call("UPDATE", 2)
    agent.call_answer = None
    driver.send_update(FAILED)
    assert agent.wait(lambda: agent.statuses)[0]["state"] == "TASK_FAILED"
    assert not driver.wait_acknowledged(0.01)


def test_an_agent_that_comes_back_gets_a_subscription_within_its_window_e2(
    events: RecordedExecutor, make: Make
) -> None:
    """E2: pymesos takes up to 15 s; the agent destroys the container after 2 s."""
    window = 5.0
    first = FakeAgent()
    environ = first.environ(MESOS_SUBSCRIPTION_BACKOFF_MAX=f"{window:g}secs")
    make(environ, pace=None)
    events.wait("registered")
    first.close()
    time.sleep(1.5)

    begun = time.monotonic()
    second = FakeAgent(first.port)
    try:
        second.wait_stream()
        assert time.monotonic() - begun < window
    finally:
        second.close()


def test_an_agent_that_stays_away_is_given_up_after_the_recovery_timeout_e3(
    agent: FakeAgent, events: RecordedExecutor, make: Make
) -> None:
    """E3: pymesos waits for a day."""
    driver = make(agent.environ(MESOS_RECOVERY_TIMEOUT="2secs"))
    launch(agent, events)
    driver.send_update(RUNNING)
    time.sleep(2.2)
    assert "lost" not in events.names()

    begun = time.monotonic()
    agent.close()

    (error,) = events.wait("lost")
    assert time.monotonic() - begun > 1.9
    assert (type(error).__name__, error.seconds) == ("AgentLost", 2.0)
    assert "refused" in str(error)


def test_an_agent_that_comes_back_in_time_restarts_the_count_e3(
    agent: FakeAgent, events: RecordedExecutor, make: Make
) -> None:
    """E3: the timeout counts for each absence on its own."""
    make(agent.environ(MESOS_RECOVERY_TIMEOUT="2secs"))
    events.wait("registered")
    for number in (2, 3, 4):
        agent.stream.cut()
        agent.wait_stream(number)
        time.sleep(0.7)
    assert events.names() == ["registered"]


@pytest.mark.parametrize("status", [503, 404, 500])
def test_an_agent_that_is_not_ready_yet_is_tried_again_with_pauses_e4(
    agent: FakeAgent, events: RecordedExecutor, make: Make, status: int
) -> None:
    """E4: pymesos sends thousands of requests a second while an agent recovers."""
    agent.subscribe_answer = Answer(status)
    make(agent.environ(), Pace(first_delay=0.2, longest_delay=0.2, answer_limit=5.0))
    assert agent.wait_call("SUBSCRIBE", 3).at - agent.wait_call("SUBSCRIBE").at > 0.2
    assert events.names() == []
    agent.subscribe_answer = None
    events.wait("registered")


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_lasting_refusal_is_reported_at_once_e5(
    agent: FakeAgent, events: RecordedExecutor, make: Make, status: int
) -> None:
    """E5: pymesos's thread ends, and the process goes on with its container."""
    agent.subscribe_answer = Answer(status, body=b"Executor cannot be found")
    make(agent.environ())
    (error,) = events.wait("lost")
    assert (type(error).__name__, error.status) == ("Refused", status)
    assert "Executor cannot be found" in str(error)
    assert len(agent.calls) == 1


def test_an_error_event_is_reported_as_a_loss_e5(
    agent: FakeAgent, events: RecordedExecutor, make: Make
) -> None:
    """E5: another way in which an agent refuses."""
    make(agent.environ())
    events.wait("registered")
    agent.stream.send({"type": "ERROR", "error": {"message": "enough"}})
    assert "enough" in str(events.wait("lost")[0])


def test_a_thread_that_dies_is_reported_e5(
    agent: FakeAgent, events: RecordedExecutor, make: Make
) -> None:
    """E5, P9: nobody else would notice."""
    make(agent.environ())
    events.raises["launched"] = SystemExit()
    events.wait("registered")
    agent.launch({"task_id": {"value": "t"}})
    assert type(events.wait("lost")[0]).__name__ == "ThreadDied"


def test_the_token_goes_with_every_request_e6(
    agent: FakeAgent, events: RecordedExecutor, make: Make
) -> None:
    """E6: pymesos does not know it."""
    driver = make(agent.environ(MESOS_EXECUTOR_AUTHENTICATION_TOKEN="t0ken"))
    launch(agent, events)
    driver.send_update(RUNNING)
    agent.wait_call("UPDATE")
    assert [call.headers["authorization"] for call in agent.calls] == ["Bearer t0ken"] * 2


def test_a_kill_without_a_policy_has_no_grace_of_its_own_e6(
    agent: FakeAgent, events: RecordedExecutor, make: Make
) -> None:
    """E6: the executor then knows best."""
    make(agent.environ())
    launch(agent, events)
    agent.kill("t", None)
    assert events.wait("killed") == ("t", None)


def test_after_a_shutdown_the_last_updates_still_go_e7(
    agent: FakeAgent, events: RecordedExecutor, make: Make
) -> None:
    """E7: pymesos leaves at once, and kills its process group after the grace (0 s if unset)."""
    driver = make(agent.environ(MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD="10ms"))
    launch(agent, events)
    agent.shutdown()
    events.wait("shutdown")
    time.sleep(0.05)
    driver.send_update({**RUNNING, "state": "TASK_KILLED"})
    assert driver.wait_acknowledged(30)
    assert agent.states() == ["TASK_KILLED"]


def test_a_first_connect_that_fails_is_tried_again_e8(
    agent: FakeAgent, events: RecordedExecutor, make: Make
) -> None:
    """E8: pymesos shuts down on it, unless the framework checkpoints."""
    port = agent.port
    environ = agent.environ(MESOS_CHECKPOINT="0")
    agent.close()
    make(environ)
    time.sleep(0.1)
    late = FakeAgent(port)
    try:
        events.wait("registered")
        assert events.names() == ["registered"]
    finally:
        late.close()


def test_without_checkpointing_a_lost_agent_is_reported_at_once_e8(
    agent: FakeAgent, events: RecordedExecutor, make: Make
) -> None:
    """E8: a returning agent does not know the executor; MESOS_CHECKPOINT=0 means off."""
    make(agent.environ(MESOS_CHECKPOINT="0"))
    events.wait("registered")
    agent.stream.cut()
    assert type(events.wait("lost")[0]).__name__ == "AgentLost"


def test_a_task_that_comes_twice_is_launched_once(
    agent: FakeAgent, events: RecordedExecutor, make: Make
) -> None:
    driver = make(agent.environ())
    launch(agent, events)
    agent.launch({"task_id": {"value": "t"}})
    driver.send_update(RUNNING)
    assert driver.wait_acknowledged(30)
    agent.launch({"task_id": {"value": "t"}})
    agent.kill("t", None)
    events.wait("killed")
    assert events.names() == ["registered", "launched", "killed"]


def test_the_tasks_of_a_group_are_launched_one_by_one(
    agent: FakeAgent, events: RecordedExecutor, make: Make
) -> None:
    make(agent.environ())
    events.wait("registered")
    tasks = [{"task_id": {"value": "a"}}, {"task_id": {"value": "b"}}]
    agent.stream.send({"type": "LAUNCH_GROUP", "launch_group": {"task_group": {"tasks": tasks}}})
    assert [events.wait("launched")[0], events.wait("launched")[0]] == tasks


def test_an_exception_in_a_callback_costs_nothing_but_that_event(
    agent: FakeAgent, events: RecordedExecutor, make: Make
) -> None:
    driver = make(agent.environ())
    events.raises["launched"] = RuntimeError("a bug")
    launch(agent, events)
    driver.send_update(FAILED)
    assert driver.wait_acknowledged(30)


def test_a_stopped_driver_is_silent_and_sends_nothing(
    agent: FakeAgent, events: RecordedExecutor, make: Make
) -> None:
    driver = make(agent.environ())
    launch(agent, events)
    driver.stop()
    driver.send_update(FAILED)
    assert not driver.wait_acknowledged(0.1)
    assert events.names() == ["registered", "launched"]
    assert agent.of_type("UPDATE") == []
