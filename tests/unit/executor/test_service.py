"""executor/service.py: the life of the process, with an agent and a docker daemon in memory."""

import base64
import dataclasses
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from executor.attempt.attempt import Attempt
from executor.attempt.course import Course, Use
from executor.attempt.image_provider import ImageProvider, ImageSources
from executor.attempt.reporter import Reporter
from executor.attempt.serve import Serve
from executor.attempt.work import Work
from executor.config import Config
from executor.mesos import Event, Killed, Launched, Lost, MessageReceived, Registered, ShutDown
from executor.ports import Answer, Exit, Left
from executor.service import EXIT_DONE, EXIT_LOST, Service
from executor.signals import StopSignal
from prevs.messages import TaskReport
from prevs.work import Work as Ordered
from tests.fakes.attempts import (
    FakeCheckout,
    FakeImages,
    FakeVolumes,
    MemoryLog,
    RecordingLink,
    ScriptedProbe,
)
from tests.fakes.containers import App, FakeContainers
from tests.unit.executor.attempt.test_attempt import ATTEMPT, ORDER

TASK: dict[str, Any] = {
    "task_id": {"value": ATTEMPT.task_id},
    "agent_id": {"value": "agent-1"},
    "data": base64.b64encode(ORDER.encode()).decode(),
}


class Agent(RecordingLink):
    """An agent that runs a service; `when` maps a task state to the events that follow it."""

    def __init__(self, app: App, when: dict[str, list[Event]], folder: Path) -> None:
        super().__init__()
        self.log = MemoryLog()
        self.containers = FakeContainers({ATTEMPT.image: app}, self.log)
        self.inbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.graces: list[float] = []
        self.states_at_stop: list[str] = []
        self.shutdown_grace = 5.0
        self.was_over = False
        self.finished = 0
        self.is_clean = True
        self._when = when
        self._folder = folder
        self.told: list[object] = []

    def send_update(self, status: Mapping[str, Any]) -> None:
        super().send_update(status)
        for event in self._when.get(status["state"], []):
            self.inbox.put(event)

    def run(self, *events: Event) -> int:
        for event in events:
            self.inbox.put(event)
        config = Config(self._folder, "c1", self.shutdown_grace)
        service = Service(config, self, self.inbox, self)
        exit_code = service.run()
        self.was_over = service.is_over
        return exit_code

    def finish(self) -> bool:
        self.finished += 1
        return self.is_clean

    def offer_ports(self, ports: Sequence[tuple[int, int]]) -> None:
        self.told.append(ports)

    def tell(self, data: bytes) -> None:
        self.told.append(data)

    def make(self, attempt: Attempt, reporter: Reporter, signals: StopSignal) -> Course:
        if attempt.agent_id != ATTEMPT.agent_id:
            raise ValueError("there is no course for this one")
        stop = signals.stop

        def keep_grace(grace: float) -> None:
            self.graces.append(grace)
            self.states_at_stop = list(self.states)
            stop(grace)

        signals.stop = keep_grace  # type: ignore[method-assign]  # to see its grace
        checkout = FakeCheckout(self._folder)
        images = FakeImages([ATTEMPT.image])
        sources = ImageSources(lambda: checkout, lambda on_start: None, images, None)
        provider = ImageProvider(attempt, sources, reports=reporter, log=self.log)
        if attempt.order.work:
            use: Use = Work(
                attempt,
                attempt.order.work,
                containers=self.containers,
                reports=reporter,
                log=self.log,
                signals=signals,
                now=time.monotonic,
                artifacts=self._folder,
            )
            return Course(attempt, provider, use, log=self.log, signals=signals)
        use = Serve(
            attempt,
            containers=self.containers,
            volumes=FakeVolumes(),
            probe=ScriptedProbe(Answer(True, 200)),
            reports=reporter,
            log=self.log,
            signals=signals,
            now=time.monotonic,
        )
        return Course(attempt, provider, use, log=self.log, signals=signals)


RAN = ["TASK_STARTING", "TASK_RUNNING"]


def test_a_task_runs_until_it_is_killed_and_then_the_process_ends(tmp_path: Path) -> None:
    agent = Agent(App(), {"TASK_RUNNING": [Killed(ATTEMPT.task_id, None)]}, tmp_path)
    assert agent.run(Launched(TASK)) == EXIT_DONE
    assert agent.states == [*RAN, "TASK_KILLING", "TASK_KILLED"]
    assert agent.graces == [ORDER.stop_grace]
    assert agent.states_at_stop[-1] == "TASK_KILLING"  # before the end can overtake it
    assert agent.was_over
    assert agent.containers.running == {}
    assert agent.stopped


def test_the_ports_of_the_agent_and_the_frameworks_messages_are_passed_on(tmp_path: Path) -> None:
    agent = Agent(App(), {"TASK_RUNNING": [MessageReceived(b"late"), ShutDown()]}, tmp_path)
    agent.run(Registered([(31000, 31999)]), MessageReceived(b"early"), Launched(TASK))
    assert agent.told == [[(31000, 31999)], b"early", b"late"]


def test_the_grace_of_a_kill_is_the_one_that_it_carries(tmp_path: Path) -> None:
    agent = Agent(App(), {"TASK_RUNNING": [Killed(ATTEMPT.task_id, 3.0)]}, tmp_path)
    agent.run(Launched(TASK))
    assert agent.graces == [3.0]


def test_a_shutdown_leaves_time_to_remove_the_container(tmp_path: Path) -> None:
    agent = Agent(App(), {"TASK_RUNNING": [ShutDown()]}, tmp_path)
    assert agent.run(Launched(TASK)) == EXIT_DONE
    assert agent.states[-1] == "TASK_KILLED"
    assert agent.graces == [3.0]
    assert agent.waited == 1.0


@pytest.mark.parametrize("event", [Lost("it did not return"), ShutDown()])
def test_a_report_does_not_wait_for_an_agent_that_wants_none(event: Event, tmp_path: Path) -> None:
    agent = Agent(App(exits=Exit(3, out_of_memory=False)), {"TASK_FAILED": [event]}, tmp_path)
    agent.away = 1000
    assert agent.run(Launched(TASK)) == EXIT_DONE
    assert agent.waited < 5.0


def test_a_shutdown_is_answered_in_time_when_docker_does_not_let_go(tmp_path: Path) -> None:
    agent = Agent(App(), {"TASK_RUNNING": [ShutDown()]}, tmp_path)
    agent.shutdown_grace = 1.2
    ended = threading.Event()
    agent.containers.removing = ended.wait
    assert agent.run(Launched(TASK)) == EXIT_DONE
    assert agent.states[-1] == "TASK_KILLED"
    assert len(agent.containers.running) == 1
    assert not agent.was_over
    ended.set()


def test_an_application_that_exits_is_one_failure_which_waits_for_an_agent_that_is_away(
    tmp_path: Path,
) -> None:
    agent = Agent(App(exits=Exit(3, out_of_memory=False)), {}, tmp_path)
    agent.away = 1000
    assert agent.run(Launched(TASK)) == EXIT_DONE
    assert agent.waited > 500.0
    assert agent.states == ["TASK_STARTING", "TASK_FAILED"]
    assert agent.containers.running == {}


def job(timeout: float) -> Launched:
    """Return the launch of a job."""
    order = dataclasses.replace(ORDER, work=Ordered("k3j9x0q2ab", ("report",), timeout))
    return Launched({**TASK, "data": base64.b64encode(order.encode()).decode()})


def test_a_job_that_succeeds_is_reported_with_its_result_and_ends_the_process(
    tmp_path: Path,
) -> None:
    app = App(exits=Exit(0, out_of_memory=False), left=Left(b"42"))
    agent = Agent(app, {}, tmp_path)
    assert agent.run(job(60.0)) == EXIT_DONE
    assert agent.states == [*RAN, "TASK_FINISHED"]
    report = TaskReport.decode(base64.b64decode(agent.statuses[-1]["data"]))
    assert (report.exit_code, base64.b64decode(report.result)) == (0, b"42")
    assert agent.was_over


def test_an_agent_that_acknowledges_nothing_does_not_lengthen_a_job(tmp_path: Path) -> None:
    agent = Agent(App(), {}, tmp_path)
    agent.away = 1000
    began = time.monotonic()
    assert agent.run(job(0.2)) == EXIT_DONE
    assert agent.states == [*RAN, "TASK_FAILED"]
    assert agent.statuses[-1]["message"].startswith("It ran longer than its timeout of 0.2 s.")
    assert agent.containers.running == {}
    assert 0.2 <= time.monotonic() - began < 10.0


def test_a_lost_agent_ends_the_container_and_sets_the_exit_code(tmp_path: Path) -> None:
    agent = Agent(App(), {"TASK_RUNNING": [Lost("recovery timeout")]}, tmp_path)
    assert agent.run(Launched(TASK)) == EXIT_LOST
    assert agent.containers.running == {}
    assert "TASK_KILLED" not in agent.states


@pytest.mark.parametrize(
    "task",
    [{**TASK, "data": ""}, {**TASK, "agent_id": {"value": "agent-2"}}],
    ids=["without an order", "it cannot even begin"],
)
def test_a_task_that_cannot_be_begun_fails_and_starts_nothing(
    tmp_path: Path, task: dict[str, Any]
) -> None:
    agent = Agent(App(), {}, tmp_path)
    assert agent.run(Launched(task)) == EXIT_DONE
    assert agent.states == ["TASK_FAILED"]
    assert agent.containers.specs == []


def test_a_second_task_changes_nothing(tmp_path: Path) -> None:
    second = Launched({**TASK, "task_id": {"value": "other"}})
    agent = Agent(App(), {"TASK_RUNNING": [second, Killed(ATTEMPT.task_id, None)]}, tmp_path)
    agent.run(Launched(TASK))
    assert {status["task_id"]["value"] for status in agent.statuses} == {ATTEMPT.task_id}
    assert agent.states == [*RAN, "TASK_KILLING", "TASK_KILLED"]


@pytest.mark.parametrize(("event", "code"), [(ShutDown(), EXIT_DONE), (Lost("x"), EXIT_LOST)])
def test_an_executor_without_a_task_just_ends(event: Event, code: int, tmp_path: Path) -> None:
    before = set(threading.enumerate())
    agent = Agent(App(), {}, tmp_path)
    assert agent.run(event) == code
    assert agent.statuses == []
    assert set(threading.enumerate()) <= before
