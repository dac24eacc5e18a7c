"""executor/builds/registry.py while a credential helper does not answer: nothing waits for it."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from docker.api import APIClient

from executor.builds.registry import DockerRegistry
from executor.docker.daemon import Daemon
from executor.errors import RegistryFailed, Stopped
from executor.ports import ImageSpec
from executor.signals import StopSignal
from tests.waits import wait_until

TAG = "prevs/hello:5c80e7d"
LONG = 60.0
SHORT = 0.3


class TaggingDaemon(Daemon):
    """Adds and removes tags, and does nothing else."""

    def client(self) -> APIClient:
        """Return the docker client for calls without a registry."""
        client = SimpleNamespace(tag=lambda *_: None, remove_image=lambda *_, **__: None)
        return cast(APIClient, client)


class World:
    """An agent whose credential helper hangs; the file `begun` exists once it has begun."""

    def __init__(self, folder: Path) -> None:
        self.begun = folder / "begun"
        (folder / "config.json").write_text(json.dumps({"credsStore": "test"}))
        program = folder / "docker-credential-test"
        program.write_text(f"#!/bin/sh\n: > {self.begun}\nexec sleep 20\n")
        program.chmod(0o755)
        environ = {"DOCKER_HOST": f"unix://{folder}/none", "DOCKER_CONFIG": str(folder)}
        self.signals = StopSignal()
        self.registry = DockerRegistry(
            TaggingDaemon(environ), "127.0.0.1:1/previews", environ, signals=self.signals
        )

    def pull(self, limit: float = LONG) -> str:
        """Add an image with a tag."""
        return self.registry.pull(ImageSpec(TAG, {}), "", limit=limit)

    def push(self, limit: float = LONG) -> str:
        """Pull an image."""
        return self.registry.push(TAG, limit=limit)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return World(tmp_path)


def test_a_stop_ends_a_pull(world: World) -> None:
    with ThreadPoolExecutor(1) as pool:
        pulling = pool.submit(world.pull)
        wait_until(world.begun.exists)
        world.signals.stop(0)
        with pytest.raises(Stopped):
            pulling.result()


def test_the_end_of_an_attempt_ends_its_push(world: World) -> None:
    with ThreadPoolExecutor(1) as pool:
        pushing = pool.submit(world.push)
        wait_until(world.begun.exists)
        world.registry.end()
        with pytest.raises(RegistryFailed, match="cut off"):
            pushing.result()


@pytest.mark.parametrize("call", [World.pull, World.push])
def test_the_limit_holds_for_the_login_too(world: World, call: Callable[..., str]) -> None:
    with pytest.raises(RegistryFailed, match="cut off"):
        call(world, limit=SHORT)
