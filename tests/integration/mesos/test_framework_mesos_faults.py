"""What the framework does when a part that it needs is killed and comes back."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.mesos.installation import Installation
from local.parts.part import Part, bring_up
from prevs.paths import Paths
from prevs.records import AppRecord
from prevs.states import State
from program.http import health
from tests.fakes.framework import Framework
from tests.integration.mesos.own_mesos import Parts, kill, own_mesos
from tests.running_parts import running
from tests.waits import wait_for

pytestmark = pytest.mark.integration

A, B = "a" * 40, "b" * 40


@pytest.fixture
def parts(mesos_installation: Installation, tmp_path: Path) -> Iterator[Parts]:
    parts = own_mesos(mesos_installation, tmp_path)
    with running(parts):
        yield parts


@pytest.fixture
def framework(parts: Parts, own_zookeeper: Part) -> Iterator[Framework]:
    framework = Framework(parts.master.address, own_zookeeper.address, Paths())
    app = AppRecord(name="hello", repository="/srv/hello", mem=64, health="/runs")
    framework.previews.add_app(app)
    framework.run(A)
    yield framework
    framework.previews.command(lambda commands: commands.stop("hello", A))
    framework.wait(A, State.STOPPED)
    framework.kill()


def watch(framework: Framework, seconds: float) -> set[tuple[str | None, State, int]]:
    """Return every (task, state, number of placements) that was seen meanwhile."""
    seen = set()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        preview = framework.previews.snapshot.preview("hello", A)
        seen.add((preview.task_id, preview.state, len(framework.placed("hello").placements)))
        time.sleep(0.05)
    return seen


def test_a_new_master_finds_every_preview_where_it_was(parts: Parts, framework: Framework) -> None:
    task = framework.previews.snapshot.preview("hello", A).task_id
    kill(parts.master)
    seen = watch(framework, 1)
    bring_up(parts.master)
    framework.previews.command(lambda commands: commands.start("hello", B, "other"))
    seen |= watch(framework, 5)
    framework.wait(B, State.RUNNING)
    assert {(one, state) for one, state, _ in seen} == {(task, State.RUNNING)}
    assert {placements for *_, placements in seen} <= {1, 2}
    framework.previews.command(lambda commands: commands.stop("hello", B))
    framework.wait(B, State.STOPPED)


def test_an_agent_that_restarts_keeps_its_previews(parts: Parts, framework: Framework) -> None:
    task = framework.previews.snapshot.preview("hello", A).task_id
    kill(parts.agent)
    seen = watch(framework, 1)
    bring_up(parts.agent)
    seen |= watch(framework, 4)
    assert {(one, state) for one, state, _ in seen} == {(task, State.RUNNING)}


def test_a_zookeeper_that_restarts_costs_a_pause_and_no_preview(
    own_zookeeper: Part, framework: Framework
) -> None:
    task = framework.previews.snapshot.preview("hello", A).task_id
    kill(own_zookeeper)

    def read() -> str | None:
        return health.why_not(framework.service.readiness())

    wait_for(read, lambda problem: problem == "ZooKeeper does not answer.", "it misses ZooKeeper")
    bring_up(own_zookeeper)
    wait_for(read, lambda problem: problem is None, "it is ready again")
    framework.run(B, "other")
    assert framework.previews.snapshot.preview("hello", A).task_id == task
    framework.previews.command(lambda commands: commands.stop("hello", B))
    framework.wait(B, State.STOPPED)
