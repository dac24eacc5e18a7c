"""What the executor relies on of containers: the same for the fake and for a real docker daemon."""

import dataclasses
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from executor.errors import ImageMissing
from executor.ports import Container, Containers, ContainerSpec, Exit, Left, PublishedPort
from tests.fakes.attempts import MemoryLog
from tests.fakes.containers import App, FakeContainers
from tests.integration.docker.builds import removing_network
from tests.integration.docker.machine import Machine, machine
from tests.waits import wait_until

pytestmark = pytest.mark.contract

OUTPUT = b"hello from inside\n"
LOOP = "while :; do sleep 0.05; done"
# What each image does, as the fake's behaviour and as the shell command of a real one.
NAME = f"contract-{secrets.token_hex(3)}"
"""Of this run alone: several share one Docker, and each looks for containers by this name."""
STAYS = (
    f"prevs-test/{NAME}-stays",
    App(output=OUTPUT),
    f"trap 'exit 143' TERM; echo 'hello from inside'; {LOOP}",
)
EXITS = (
    f"prevs-test/{NAME}-exits",
    App(OUTPUT, Exit(3, False)),
    "echo 'hello from inside'; exit 3",
)
STUBBORN = (
    f"prevs-test/{NAME}-stubborn",
    App(output=OUTPUT, obeys_sigterm=False),
    f"trap '' TERM; echo 'hello from inside'; {LOOP}",
)
LEAVES = (
    f"prevs-test/{NAME}-leaves",
    App(exits=Exit(0, False), left=Left(b"42\n", progress=b"40 half way\n", artifacts=1)),
    "cd /run/prevs; mkdir artifacts; echo 1 > artifacts/one; echo 42 > result; "
    "echo 40 half way > progress",
)
APPS = (STAYS, EXITS, STUBBORN, LEAVES)
OTHER = ("/bin/echo", "another command")
LABEL = f"prevs.task={NAME}"


class World(Protocol):
    """Containers under test, and a way to see what is really there."""

    containers: Containers
    log: MemoryLog

    def names(self) -> list[str]: ...


class FakeWorld:
    def __init__(self) -> None:
        self.log = MemoryLog()
        apps = {image: app for image, app, _ in APPS}
        other = App(b"another command\n", Exit(0, False))
        self.fake = FakeContainers({**apps, " ".join(OTHER): other}, self.log)
        self.containers: Containers = self.fake

    def names(self) -> list[str]:
        return list(self.fake.running)


class RealWorld:
    def __init__(self, machine: Machine) -> None:
        self.log = machine.log
        self.client = machine.client
        self.containers: Containers = machine.containers()
        for image, _, command in APPS:
            machine.images.add(image, command)

    def names(self) -> list[str]:
        found = self.client.containers(all=True, filters={"label": LABEL})
        return [name.removeprefix("/") for container in found for name in container["Names"]]


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.daemons)])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "fake":
        yield FakeWorld()
        return
    host = request.getfixturevalue("docker_host")
    with removing_network(host, NAME), machine(host, NAME) as found:
        yield RealWorld(found)


@pytest.fixture
def spec(world: World, request: pytest.FixtureRequest) -> ContainerSpec:
    free_port = request.getfixturevalue("free_port") if isinstance(world, RealWorld) else int
    return ContainerSpec(
        name=f"prevs-{NAME}",
        image=STAYS[0],
        cpus=0.1,
        mem=32,
        environment={"PORT": "8080"},
        labels={"prevs.task": NAME},
        ports=(PublishedPort(8080, "127.0.0.1", free_port()),),
    )


def start(world: World, spec: ContainerSpec) -> tuple[Container, threading.Event]:
    ended = threading.Event()
    return world.containers.start(spec, on_exit=ended.set), ended


def test_a_container_that_runs_has_not_ended(world: World, spec: ContainerSpec) -> None:
    container, ended = start(world, spec)
    assert container.exit() is None
    assert not ended.is_set()
    assert world.names() == [f"prevs-{NAME}"]


def test_a_container_that_ends_by_itself_has_its_exit_code_and_its_output_in_the_log(
    world: World, spec: ContainerSpec
) -> None:
    container, ended = start(world, dataclasses.replace(spec, image=EXITS[0]))
    assert ended.wait(60)
    assert container.exit() == Exit(3, out_of_memory=False)
    container.drain(15)
    assert world.log.data == OUTPUT


def test_a_command_replaces_that_of_the_image(world: World, spec: ContainerSpec) -> None:
    container, ended = start(world, dataclasses.replace(spec, command=OTHER))
    assert ended.wait(60)
    container.drain(15)
    assert container.exit() == Exit(0, out_of_memory=False)
    assert world.log.data == b"another command\n"


def test_an_application_gets_its_stop_signal(world: World, spec: ContainerSpec) -> None:
    container, ended = start(world, spec)
    wait_until(lambda: world.log.data)
    assert container.terminate()
    assert ended.wait(60)
    assert container.exit() == Exit(143, out_of_memory=False)
    assert not container.terminate()


def test_a_container_that_ignores_the_signal_runs_until_it_is_removed(
    world: World, spec: ContainerSpec
) -> None:
    container, ended = start(world, dataclasses.replace(spec, image=STUBBORN[0]))
    wait_until(lambda: world.log.data)
    container.terminate()
    assert not ended.wait(0.3 if isinstance(world, RealWorld) else 0)
    container.remove()
    assert ended.wait(60)
    assert world.names() == []


def test_removing_a_container_that_is_gone_changes_nothing(
    world: World, spec: ContainerSpec
) -> None:
    container, _ = start(world, dataclasses.replace(spec, image=EXITS[0]))
    container.remove()
    container.remove()
    assert not container.terminate()
    assert world.names() == []


def test_what_a_command_leaves_is_taken_after_its_end(
    world: World, spec: ContainerSpec, tmp_path: Path
) -> None:
    container, ended = start(world, dataclasses.replace(spec, image=LEAVES[0], exchange={}))
    assert ended.wait(60)
    assert container.read_progress() == LEAVES[1].left.progress
    assert container.take(tmp_path) == LEAVES[1].left


def test_a_command_that_leaves_nothing_has_an_empty_result(
    world: World, spec: ContainerSpec, tmp_path: Path
) -> None:
    container, ended = start(world, dataclasses.replace(spec, image=EXITS[0], exchange={}))
    assert ended.wait(60)
    assert container.read_progress() is None
    assert container.take(tmp_path) == Left()


def test_a_container_that_cannot_be_started_is_removed(world: World, spec: ContainerSpec) -> None:
    with pytest.raises(ImageMissing) as caught:
        start(world, dataclasses.replace(spec, image=f"prevs-test/{NAME}-nothing"))
    assert f"prevs-test/{NAME}-nothing" in str(caught.value)
    assert world.names() == []


def test_the_container_of_an_earlier_executor_of_the_task_is_replaced(
    world: World, spec: ContainerSpec
) -> None:
    old, old_ended = start(world, spec)
    new, _ = start(world, spec)
    assert old_ended.wait(60)
    assert old.exit() is not None
    assert new.exit() is None
    assert world.names() == [f"prevs-{NAME}"]
