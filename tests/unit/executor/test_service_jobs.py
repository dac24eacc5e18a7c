"""executor/service.py with jobs: one executor takes them one after another, or ends."""

import base64
import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from executor.mesos import Event, Killed, Launched, Lost, ShutDown
from executor.ports import Exit
from executor.service import EXIT_DONE, EXIT_LOST
from prevs import names
from prevs.work import Work
from tests.fakes.containers import App
from tests.unit.executor.attempt.test_attempt import ORDER
from tests.unit.executor.test_service import RAN, TASK, Agent

DONE = App(exits=Exit(0, out_of_memory=False))
ONE, TWO, THREE, FOUR = (
    names.task_id(ORDER.app, ORDER.sha, names.job_attempt("k3j9x0q2ab", number))
    for number in (1, 2, 3, 4)
)
LINGER = 0.3
_ENDS = ("TASK_FINISHED", "TASK_FAILED", "TASK_KILLED")


def job(task_id: str, *, linger: float = LINGER, timeout: float = 60.0) -> Launched:
    """Return the launch of a job."""
    work = Work("k4z7q2n5v3", ("report",), timeout, linger=linger)
    order = dataclasses.replace(ORDER, work=work)
    data = base64.b64encode(order.encode()).decode()
    return Launched({**TASK, "task_id": {"value": task_id}, "data": data})


def reported(agent: Agent) -> list[tuple[str, str]]:
    """Return the states that were reported, each with its task."""
    return [(status["task_id"]["value"], status["state"]) for status in agent.statuses]


class JobAgent(Agent):
    """An agent that answers the end of each task with the next of some events."""

    def __init__(self, app: App, folder: Path, *events: Event) -> None:
        super().__init__(app, {}, folder)
        self._events = list(events)

    def send_update(self, status: Mapping[str, Any]) -> None:
        super().send_update(status)
        if status["state"] in _ENDS and self._events:
            self.inbox.put(self._events.pop(0))


@pytest.mark.parametrize("code", [0, 3])
def test_after_the_own_end_of_a_command_comes_another_job(code: int, tmp_path: Path) -> None:
    app = App(exits=Exit(code, out_of_memory=False))
    agent = JobAgent(app, tmp_path, job(TWO), job(THREE, linger=0.0), job(FOUR))
    assert agent.run(job(ONE)) == EXIT_DONE
    end = "TASK_FAILED" if code else "TASK_FINISHED"
    # That its command starts, only the first one reports.
    assert reported(agent) == [
        *((ONE, state) for state in (*RAN, end)),
        *((task, state) for task in (TWO, THREE) for state in (RAN[-1], end)),
    ]
    assert agent.containers.running == {}
    assert (agent.finished, agent.was_over) == (2, True)


def test_without_another_job_the_process_ends_after_a_while(tmp_path: Path) -> None:
    agent = JobAgent(DONE, tmp_path)
    began = time.monotonic()
    assert agent.run(job(ONE)) == EXIT_DONE
    assert time.monotonic() - began >= LINGER


@pytest.mark.parametrize(
    ("event", "code"),
    [(ShutDown(), EXIT_DONE), (Lost("it is gone"), EXIT_LOST), (Killed(ONE, None), EXIT_DONE)],
    ids=["shut down", "lost", "killed"],
)
def test_while_it_waits_an_order_to_end_ends_it_at_once(
    event: Event, code: int, tmp_path: Path
) -> None:
    agent = JobAgent(DONE, tmp_path, event)
    began = time.monotonic()
    assert agent.run(job(ONE, linger=60.0)) == code
    assert time.monotonic() - began < 10.0
    assert agent.states[-1] == "TASK_FINISHED"


def test_a_late_kill_of_an_earlier_job_does_not_concern_the_one_that_runs(tmp_path: Path) -> None:
    agent = Agent(App(), {"TASK_RUNNING": [Killed(ONE, 0.0)]}, tmp_path)
    agent.run(job(TWO, timeout=0.3))
    assert reported(agent)[-1] == (TWO, "TASK_FAILED")
    assert agent.statuses[-1]["message"].startswith("It ran longer than its timeout")


def test_a_late_kill_of_an_earlier_job_does_not_end_an_executor_that_waits(tmp_path: Path) -> None:
    agent = JobAgent(DONE, tmp_path, job(TWO), Killed(ONE, 0.0))
    began = time.monotonic()
    agent.run(job(ONE))
    assert time.monotonic() - began >= LINGER


@pytest.mark.parametrize(
    "app", [App(), App(exits=Exit(137, out_of_memory=True)), App(exits=Exit(None, False))]
)
def test_an_executor_in_which_something_went_wrong_takes_no_other_job(
    app: App, tmp_path: Path
) -> None:
    agent = JobAgent(app, tmp_path, job(TWO))
    assert agent.run(job(ONE, timeout=0.1)) == EXIT_DONE
    assert {task for task, _ in reported(agent)} == {ONE}


def test_an_executor_that_leaves_something_behind_takes_no_other_job(tmp_path: Path) -> None:
    agent = JobAgent(DONE, tmp_path, job(TWO))
    agent.is_clean = False
    assert agent.run(job(ONE)) == EXIT_DONE
    assert {task for task, _ in reported(agent)} == {ONE}


def test_a_job_that_comes_while_the_agent_is_silent_is_not_lost(tmp_path: Path) -> None:
    agent = JobAgent(DONE, tmp_path, job(TWO))
    agent.away = 2
    agent.run(job(ONE))
    assert reported(agent)[-1] == (TWO, "TASK_FINISHED")


def test_a_job_that_was_stopped_is_the_last_one_even_if_it_had_succeeded(tmp_path: Path) -> None:
    agent = Agent(App(), {"TASK_RUNNING": [Killed(ONE, 5.0)]}, tmp_path)
    assert agent.run(job(ONE, linger=60.0)) == EXIT_DONE
    assert agent.states[-1] == "TASK_KILLED"


def test_two_jobs_never_run_at_a_time(tmp_path: Path) -> None:
    agent = JobAgent(App(), tmp_path)
    agent.run(job(ONE, timeout=0.2), job(TWO))
    assert {task for task, _ in reported(agent)} == {ONE}
