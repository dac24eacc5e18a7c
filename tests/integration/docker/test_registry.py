"""executor/builds/registry.py on a real docker daemon and Debian's docker-registry."""

import contextlib
import io
import os
import secrets
import shutil
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from docker.api import APIClient

from executor.builds import registry as edge
from executor.builds.registry import DockerRegistry
from executor.docker.daemon import Daemon
from executor.errors import RegistryFailed, Stopped
from executor.ports import ImageSpec
from executor.signals import StopSignal
from tests.fakes.registry import OwnRegistry, own_registry
from tests.fakes.samples import remove_image
from tests.waits import wait_until

pytestmark = pytest.mark.integration

APP = f"registry-test-{secrets.token_hex(3)}"
SHA = "5c80e7d" + "0" * 33
TAG = f"prevs/{APP}:{SHA}"
LABELS = {"prevs.app": APP, "prevs.commit": SHA}
SPEC = ImageSpec(TAG, LABELS)
THERE = f"previews/{APP}"
LIMIT = 60.0


class World:
    """An agent's docker with an image, and a registry."""

    def __init__(self, host: str, registry: OwnRegistry, **environ: str) -> None:
        self.environ = {"DOCKER_HOST": host, **environ}
        self.server = registry
        self.daemon = Daemon({"DOCKER_HOST": host})
        self.client: APIClient = self.daemon.client()
        self.signals = StopSignal()
        self.registry = self.at(registry.address)

    def at(self, address: str) -> DockerRegistry:
        """Return the edge for a registry of some address."""
        name = f"{address}/previews"
        return DockerRegistry(self.daemon, name, self.environ, signals=self.signals)

    def make(self, labels: dict[str, str]) -> None:
        """Have the image, of one layer that no other has: none is left when it is removed."""
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as tar:
            unique = tarfile.TarInfo("unique")
            unique.size = 100_000
            tar.addfile(unique, io.BytesIO(os.urandom(unique.size)))
        repository, _, version = TAG.rpartition(":")
        changes = [f"LABEL {name}={value}" for name, value in labels.items()]
        self.client.import_image_from_data(
            data.getvalue(), repository=repository, tag=version, changes=changes
        )

    def names(self) -> list[str]:
        """Return all names that this agent's docker has for the app's images."""
        images = self.client.images(all=True)
        names = (name for image in images for name in image["RepoTags"] + image["RepoDigests"])
        return sorted(name for name in names if APP in name)

    def id(self) -> str:
        """Return the image's id."""
        found = self.client.inspect_image(TAG)  # type: ignore[no-untyped-call]
        return str(found["Id"])

    def pushed(self) -> str:
        """Push the image and remove it here; return its digest."""
        digest = self.registry.push(TAG, limit=LIMIT)
        remove_image(self.client, TAG)
        return digest


@contextlib.contextmanager
def made(host: str, registry: OwnRegistry, **environ: str) -> Iterator[World]:
    """A world with its image, and an empty registry."""
    shutil.rmtree(registry.root, ignore_errors=True)
    world = World(host, registry, **environ)
    try:
        world.make(LABELS)
        yield world
    finally:
        for name in world.names():
            remove_image(world.client, name)


@pytest.fixture(scope="module")
def registry(
    tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]
) -> Iterator[OwnRegistry]:
    with own_registry(tmp_path_factory.mktemp("registry"), free_port()) as registry:
        yield registry


@pytest.fixture
def world(docker_host: str, registry: OwnRegistry) -> Iterator[World]:
    with made(docker_host, registry) as world:
        yield world


@pytest.fixture
def failing(docker_host: str, tmp_path: Path, free_port: Callable[[], int]) -> Iterator[World]:
    """A world whose registry may be stopped."""
    with (
        own_registry(tmp_path / "registry", free_port()) as registry,
        made(docker_host, registry) as world,
    ):
        yield world


def push_and_pull(world: World, *, by_digest: bool = True) -> None:
    """Push an image and pull it; fail if it is not the same under its only name."""
    before = world.id()
    digest = world.pushed()
    assert world.server.tags(THERE) == [SHA]
    assert world.names() == []
    assert world.registry.pull(SPEC, digest if by_digest else "", limit=LIMIT) == digest
    assert world.id() == before
    assert world.names() == [TAG]


@pytest.mark.parametrize("known", [True, False], ids=["by digest", "by tag"])
def test_an_image_pushed_by_one_agent_is_pulled_by_another(world: World, known: bool) -> None:
    push_and_pull(world, by_digest=known)


def test_a_push_leaves_one_name_and_a_needless_one_has_the_same_digest(
    world: World,
) -> None:
    first = world.registry.push(TAG, limit=LIMIT)
    assert world.names() == [TAG]
    assert world.registry.push(TAG, limit=LIMIT) == first


@pytest.mark.parametrize("digest", ["", "sha256:" + "d" * 64])
def test_a_missing_image_is_reported(world: World, digest: str) -> None:
    remove_image(world.client, TAG)
    with pytest.raises(RegistryFailed, match=r"(?i)not found|unknown"):
        world.registry.pull(SPEC, digest, limit=LIMIT)
    assert world.names() == []


@pytest.mark.parametrize("what", ["manifest", "layer"])
def test_an_image_that_does_not_match_its_digest_is_refused(world: World, what: str) -> None:
    digest = world.pushed()
    manifest = world.server.blob(digest)
    if what == "manifest":
        manifest.write_text(manifest.read_text() + " ")
    else:
        layers = [word for word in manifest.read_text().split('"') if word.startswith("sha256:")]
        for layer in layers[1:]:
            file = world.server.blob(layer)
            data = bytearray(file.read_bytes())
            data[len(data) // 2] ^= 1
            file.write_bytes(data)
    with pytest.raises(RegistryFailed):
        world.registry.pull(SPEC, digest, limit=LIMIT)
    assert world.names() == []


@pytest.mark.parametrize(
    "labels", [{**LABELS, "prevs.commit": "f" * 40}, {**LABELS, "prevs.folder": "web"}, {}]
)
def test_an_image_of_another_app_is_refused(world: World, labels: dict[str, str]) -> None:
    world.make(labels)
    digest = world.pushed()
    with pytest.raises(RegistryFailed, match="another image"):
        world.registry.pull(SPEC, digest, limit=LIMIT)
    assert world.names() == []


def test_a_registry_that_is_away_is_reported(failing: World) -> None:
    failing.server.stop()
    with pytest.raises(RegistryFailed, match="refused"):
        failing.registry.pull(SPEC, "", limit=LIMIT)
    with pytest.raises(RegistryFailed, match="refused"):
        failing.registry.push(TAG, limit=LIMIT)
    assert failing.names() == [TAG]


def test_a_registry_that_hangs_is_given_up_at_the_limit(failing: World) -> None:
    failing.server.hang()
    with pytest.raises(RegistryFailed, match="cut off"):
        failing.registry.pull(SPEC, "", limit=1.0)
    with pytest.raises(RegistryFailed, match="cut off"):
        failing.registry.push(TAG, limit=1.0)
    assert failing.names() == [TAG]
    failing.server.go_on()
    failing.registry.push(TAG, limit=LIMIT)


def test_a_start_waits_only_seconds_for_a_registry_that_hangs(
    failing: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "FIRST_RESPONSE", 1.0)
    failing.server.hang()
    with pytest.raises(RegistryFailed, match="does not answer"):
        failing.registry.pull(SPEC, "", limit=LIMIT)


def test_a_stop_ends_a_pull(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:

        def stop() -> None:
            silent.accept()
            world.signals.stop(1.0)

        stopper = threading.Thread(target=stop)
        stopper.start()
        with pytest.raises(Stopped):
            world.at(f"127.0.0.1:{silent.getsockname()[1]}").pull(SPEC, "", limit=LIMIT)
        stopper.join()


def test_a_pull_that_is_cut_off_at_its_end_leaves_no_name(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = world.pushed()

    def cut(progress: Iterator[Mapping[str, Any]]) -> str:
        assert list(progress)
        raise RegistryFailed("it was cut off")

    monkeypatch.setattr(edge, "_last_digest", cut)
    with pytest.raises(RegistryFailed, match="cut off"):
        world.registry.pull(SPEC, digest, limit=LIMIT)
    assert world.names() == []


def test_the_end_of_an_attempt_ends_its_push_and_leaves_no_name(failing: World) -> None:
    failing.server.hang()
    failed: list[str] = []

    def push() -> None:
        try:
            failing.registry.push(TAG, limit=LIMIT)
        except RegistryFailed as exc:
            failed.append(exc.why)

    pushing = threading.Thread(target=push)
    pushing.start()
    wait_until(lambda: any(failing.server.address in name for name in failing.names()))
    failing.registry.end()
    pushing.join(30)
    assert failed == ["it was cut off"]
    assert failing.names() == [TAG]
    with pytest.raises(RegistryFailed, match="has ended"):
        failing.registry.push(TAG, limit=LIMIT)


def test_a_daemon_that_is_away_is_reported_as_such(world: World) -> None:
    daemon = Daemon({"DOCKER_HOST": "unix:///nowhere"})
    environ = {"DOCKER_HOST": "unix:///nowhere"}
    registry = DockerRegistry(daemon, "127.0.0.1:1/x", environ, signals=world.signals)
    with pytest.raises(RegistryFailed):
        registry.pull(SPEC, "", limit=LIMIT)
