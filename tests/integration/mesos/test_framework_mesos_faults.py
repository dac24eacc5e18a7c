"""What the framework does when a part that it needs is killed and comes back."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from local.mesos.installation import Installation
from local.mesos.parts import Address, Agent, agent_part, master_part
from local.parts import ProcessPart, bring_up
from local.zookeeper import zookeeper_part
from prevs.paths import Paths
from prevs.records import AppRecord
from prevs.states import State
from tests import times
from tests.fakes.framework import Framework
from tests.running_parts import running
from tests.waits import wait_for

pytestmark = pytest.mark.integration

A, B = "a" * 40, "b" * 40


class Parts(NamedTuple):
    """A Mesos and a ZooKeeper of this test's own."""

    master: ProcessPart
    agent: ProcessPart
    zookeeper: ProcessPart


@pytest.fixture
def parts(
    mesos_installation: Installation, free_port: Callable[[], int], tmp_path: Path
) -> Iterator[Parts]:
    environ = os.environ
    address = Address("127.0.0.1", free_port())
    agent = Agent(
        name="agent",
        address=Address("127.0.0.1", free_port()),
        resources="cpus:4;mem:4096;disk:1000;ports:[21000-21099]",
        folder=tmp_path / "agent",
        executor_environ={"PATH": os.environ["PATH"], "HOME": "/"},
    )
    master = master_part(
        mesos_installation, address, folder=tmp_path, environ=environ, log=tmp_path / "master.log"
    )
    parts = Parts(
        master,
        agent_part(
            mesos_installation,
            agent,
            master=address,
            environ=environ,
            log=tmp_path / "agent.log",
            patience=times.PATIENCE,
        ),
        zookeeper_part(tmp_path / "zookeeper", free_port(), environ, tmp_path / "zookeeper.log"),
    )
    with running((parts.zookeeper, parts.master, parts.agent)):
        yield parts


@pytest.fixture
def framework(parts: Parts) -> Iterator[Framework]:
    framework = Framework(parts.master.address, parts.zookeeper.address, Paths())
    app = AppRecord(name="hello", repository="/srv/hello", mem=64, health="/runs")
    framework.previews.add_app(app)
    framework.previews.start("hello", A, "main")
    framework.wait(A, State.RUNNING)
    yield framework
    framework.previews.stop("hello", A)
    framework.wait(A, State.STOPPED)
    framework.kill()


def kill(part: ProcessPart) -> None:
    assert part.pid is not None
    os.kill(part.pid, 9)
    # `stop` ends an agent that still runs together with its executors, which are to live on.
    while part.problem() is None:
        time.sleep(0.01)
    part.stop()


def watch(framework: Framework, seconds: float) -> set[tuple[str | None, State, int]]:
    """Return every (task, state, number of placements) that was seen meanwhile."""
    seen = set()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        preview = framework.previews.preview("hello", A)
        seen.add((preview.task_id, preview.state, len(framework.placed("hello").placements)))
        time.sleep(0.05)
    return seen


def test_a_new_master_finds_every_preview_where_it_was(parts: Parts, framework: Framework) -> None:
    task = framework.previews.preview("hello", A).task_id
    kill(parts.master)
    seen = watch(framework, 1)
    bring_up(parts.master)
    framework.previews.start("hello", B, "other")
    seen |= watch(framework, 5)
    framework.wait(B, State.RUNNING)
    assert {(one, state) for one, state, _ in seen} == {(task, State.RUNNING)}
    assert {placements for *_, placements in seen} <= {1, 2}
    framework.previews.stop("hello", B)
    framework.wait(B, State.STOPPED)


def test_an_agent_that_restarts_keeps_its_previews(parts: Parts, framework: Framework) -> None:
    task = framework.previews.preview("hello", A).task_id
    kill(parts.agent)
    seen = watch(framework, 1)
    bring_up(parts.agent)
    seen |= watch(framework, 4)
    assert {(one, state) for one, state, _ in seen} == {(task, State.RUNNING)}


def test_a_zookeeper_that_restarts_costs_a_pause_and_no_preview(
    parts: Parts, framework: Framework
) -> None:
    task = framework.previews.preview("hello", A).task_id
    kill(parts.zookeeper)
    read = framework.service.not_ready
    wait_for(read, lambda said: said == "ZooKeeper does not answer.", "it misses ZooKeeper")
    bring_up(parts.zookeeper)
    wait_for(read, lambda said: said is None, "it is ready again")
    framework.previews.start("hello", B, "other")
    framework.wait(B, State.RUNNING)
    assert framework.previews.preview("hello", A).task_id == task
    framework.previews.stop("hello", B)
    framework.wait(B, State.STOPPED)
