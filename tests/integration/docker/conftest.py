"""What several files of this folder need: an agent in this process, builders, the bundle."""

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from framework import executor_bundle
from tests.fakes.registry import OwnRegistry, own_registry
from tests.fakes.samples import nothing_left, remove_image
from tests.integration.docker.attempts import APP, Agent
from tests.integration.docker.builds import BUILDERS, World, keeping_base, making, removing_network


@pytest.fixture(autouse=True)
def words_of_executors(caplog: pytest.LogCaptureFixture) -> None:
    """Have a failed test show what executors log: they run in this process."""
    caplog.set_level(logging.INFO)


@pytest.fixture(scope="module")
def agents_network(docker_host: str) -> Iterator[None]:
    """Remove the network that the agents of a file have in turn."""
    with removing_network(docker_host, APP):
        yield


@pytest.fixture
def agent(
    docker_host: str, agents_network: None, tmp_path: Path, free_port: Callable[[], int]
) -> Iterator[Agent]:
    """An agent that leaves nothing at the end, except its network."""
    made = Agent(docker_host, tmp_path, free_port)
    with nothing_left(made.client, f"prevs.app={APP}"):
        yield made
    for end in made.watchdog:
        os.close(end)
    for tag in made.tags:
        remove_image(made.client, tag)
    for name in made.volumes():
        made.client.remove_volume(name)


@pytest.fixture(scope="module")
def builds_network(docker_host: str) -> Iterator[None]:
    """Remove the network that the builds of a file have in turn."""
    with removing_network(docker_host):
        yield


@pytest.fixture(scope="module")
def classic_base(
    docker_host: str, builds_network: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Have the classic builder run the step of DOCKERFILE once for a file."""
    with keeping_base(docker_host, tmp_path_factory.mktemp("base")):
        yield


@pytest.fixture(params=BUILDERS)
def world(
    request: pytest.FixtureRequest, docker_host: str, builds_network: None, tmp_path: Path
) -> Iterator[World]:
    """The world of image tests, with each builder; other files have another world."""
    if request.param == "classic":
        request.getfixturevalue("classic_base")
    with making(request.param, docker_host, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def registry(
    tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]
) -> Iterator[OwnRegistry]:
    """A registry that requires a login."""
    folder = tmp_path_factory.mktemp("registry")
    with own_registry(folder, free_port(), closed=True) as registry:
        assert registry.get("/v2/") == 401
        yield registry


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The executor as agents fetch it."""
    file = tmp_path_factory.mktemp("bundle") / "prevs-executor.pyz"
    file.write_bytes(executor_bundle.build().data)
    return file
