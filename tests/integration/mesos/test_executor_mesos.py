"""The executor as a program, started by a real Mesos agent, with real git and docker."""

import dataclasses
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prevs import names
from tests.conftest import Mesos
from tests.fakes.registry import own_registry
from tests.fakes.samples import serving
from tests.integration.mesos.executors import World, executor_pid, report
from tests.waits import wait_until

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]


@pytest.fixture
def world(
    mesos: Mesos, docker_host: str, tmp_path: Path, free_port: Callable[[], int]
) -> Iterator[World]:
    made = World(mesos.master, docker_host, tmp_path, free_port)
    with made.cleaned_up():
        yield made


def test_a_task_builds_runs_and_is_gone_after_a_kill(world: World) -> None:
    sha = world.repository.commit_app(serving("hello"))
    task_id, agent_id = world.launch(world.order(sha))
    world.wait_for("TASK_RUNNING")
    assert world.answers()
    (container,) = world.containers()
    assert container["Names"] == [f"/{names.container_name(task_id)}"]
    assert container["Labels"]["prevs.task"] == task_id
    assert container["Labels"]["prevs.agent"] == agent_id
    world.driver.kill(task_id, agent_id, grace_seconds=None)
    world.wait_for("TASK_KILLING")
    world.wait_for("TASK_KILLED")
    assert world.containers() == []
    # Of one that takes its time, there are more reports of how far it is.
    assert [state for state, _ in itertools.groupby(world.states())] == [
        *["TASK_STARTING", "TASK_RUNNING"],
        *["TASK_KILLING", "TASK_KILLED"],
    ]


def test_the_digest_of_a_pushed_image_comes_while_the_task_runs(
    world: World, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    sha = world.repository.commit_app(serving("hello"))
    with own_registry(tmp_path / "registry", free_port()) as registry:
        order = dataclasses.replace(world.order(sha), registry=f"{registry.address}/previews")
        task_id, agent_id = world.launch(order)
        assert report(world.wait_for("TASK_RUNNING")).digest == ""
        again = world.wait_for("TASK_RUNNING")
        assert registry.blob(report(again).digest).exists()
        assert again["healthy"] is True
        world.driver.kill(task_id, agent_id, grace_seconds=None)
        ended = world.wait_for("TASK_KILLED")
        assert report(ended).digest == report(again).digest


def test_an_executor_that_is_shut_down_takes_its_container_along(world: World) -> None:
    sha = world.repository.commit_app(serving("hello"))
    world.launch(world.order(sha))
    world.wait_for("TASK_RUNNING")
    assert len(world.containers()) == 1
    # Mesos ends the executors of a framework that is removed with SHUTDOWN.
    world.driver.teardown()
    wait_until(lambda: world.containers() == [])


def test_an_executor_that_gets_sigterm_ends_its_task_first(world: World) -> None:
    sha = world.repository.commit_app(serving("hello"))
    task_id, _ = world.launch(world.order(sha))
    world.wait_for("TASK_RUNNING")
    os.kill(executor_pid(task_id), signal.SIGTERM)
    world.wait_for("TASK_KILLED")
    assert world.containers() == []
    assert world.states()[-2:] == ["TASK_KILLING", "TASK_KILLED"]


def test_an_executor_without_an_agent_reports_every_missing_setting() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "executor"],
        cwd=ROOT,
        env={"PREVS_EXECUTOR_DIR": "relative"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "PREVS_EXECUTOR_DIR must be an absolute path" in done.stderr
    assert done.stdout == ""
