"""Images of companions from Debian's docker-registry that requires a login: pulled, and removed."""

import secrets
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from executor.cleanup.docker_artifacts import PulledStore
from executor.companions.companion_errors import CompanionImageMissing
from executor.companions.image_names import read_name
from executor.companions.image_pull import ImagePull, Wanted
from executor.docker.daemon import Daemon
from executor.docker.outbound import Outbound
from executor.limits.confinement import Confinement
from executor.signals import StopSignal
from executor.workspace import usage_locks
from executor.workspace.usage_locks import UsageLocks
from prevs import names
from prevs.commit_settings import RunSettings
from prevs.companions import Companion
from prevs.states import Cause
from tests.fakes.registry import OwnRegistry, log_in, own_registry
from tests.fakes.samples import SERVE, remove_image
from tests.integration.docker.attempts import APP, Agent

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

REPOSITORY = f"team/db-{secrets.token_hex(3)}"
UP = "echo up as $WHO; exec sleep 1000"


class World:
    """An agent that may pull from a registry on loopback, and is logged in to it."""

    def __init__(self, agent: Agent, registry: OwnRegistry, home: Path) -> None:
        self.agent = agent
        self.server = registry
        self.image = f"{registry.address}/{REPOSITORY}:17"
        self.sha = agent.image(SERVE)
        agent.environ["DOCKER_CONFIG"] = str(home)
        confined = Confinement(allowed=(ip_network("127.0.0.1/32"),))
        agent.config = agent.config._replace(confined=confined)

    def push(self, command: str, tag: str = "17") -> None:
        """Put an image into the registry that runs a command; nothing of it stays here."""
        name, made = f"{self.server.address}/{REPOSITORY}", f"{REPOSITORY}:made"
        self.agent.images.add(made, command)
        self.agent.client.tag(made, name, tag)
        # What an executor does before a pull: the daemon may have the rules of another one.
        confined, environ = self.agent.config.confined, self.agent.environ
        assert Outbound(Daemon(environ), environ, confined).close() is None
        login = {"username": "an-agent", "password": "what the registry asks for"}
        for line in self.agent.client.push(name, tag, auth_config=login, stream=True, decode=True):
            assert "error" not in line, line
        for one in (f"{name}:{tag}", made):
            remove_image(self.agent.client, one)

    def run(self, image: str = "") -> None:
        """Run an attempt until its application answers, with a companion of that image."""
        db = Companion("db", image=image or self.image, environment={"WHO": "db"})
        self.agent.when["TASK_RUNNING"] = self.agent.kill
        self.agent.run(self.sha, run=RunSettings(companions=(db,)))

    @property
    def tag(self) -> str:
        return names.pulled_tag(self.image, APP, trusted=True)

    def names(self) -> list[str]:
        """Return all names that docker has for images of this repository, and for ours."""
        images = self.agent.client.images(all=True)
        found = (
            name
            for one in images
            for name in [*(one["RepoTags"] or ()), *(one["RepoDigests"] or ())]
        )
        ours = names.pulled_repository(APP)
        return sorted(name for name in found if REPOSITORY in name or ours in name)

    @property
    def wanted(self) -> Wanted:
        """The image as a stranger's commit wants it."""
        name = read_name(self.image)
        assert name is not None
        return Wanted("db", self.image, name, names.pulled_tag(self.image, APP, trusted=False))

    def pull(self, *, anonymous: bool) -> ImagePull:
        agent, signals = self.agent, StopSignal()
        folder = agent.config.dir
        return ImagePull(
            self._daemon(), agent.environ, folder, signals=signals, anonymous=anonymous
        )

    def store(self) -> PulledStore:
        return PulledStore(self._daemon(), APP, UsageLocks(self.agent.config.dir), Path("/"))

    def _daemon(self) -> Daemon:
        return Daemon({"DOCKER_HOST": self.agent.environ["DOCKER_HOST"]})


@pytest.fixture
def world(agent: Agent, registry: OwnRegistry, tmp_path: Path) -> Iterator[World]:
    log_in(tmp_path / "home", registry.address)
    made = World(agent, registry, tmp_path / "home")
    made.push(UP)
    yield made
    for name in made.names():
        remove_image(agent.client, name)


def test_an_image_is_pulled_with_the_agents_login_and_only_once(world: World) -> None:
    world.run()
    assert world.agent.states[-1] == "TASK_KILLED", world.agent.message
    assert b"db | up as db\n" in world.agent.log.data
    assert f"pulled {world.image}: 1/1 layers" in "".join(world.agent.log.headers)
    messages = [status["message"] for status in world.agent.statuses]
    assert f"Pulling {world.image} for db." in messages
    (digest,) = (name for name in world.names() if "@" in name)
    assert f"pulling {world.image} for db ({digest.partition('@')[2]})" in world.agent.log.headers
    assert world.names() == sorted([digest, world.tag])
    world.agent.environ["DOCKER_CONFIG"] = "/nowhere"
    world.agent.log.headers.clear()
    world.run()
    assert world.agent.states[-1] == "TASK_KILLED"
    assert not any("pull" in header for header in world.agent.log.headers)


def test_the_registry_is_asked_again_for_an_image_without_a_tag(world: World) -> None:
    floating = world.image.removesuffix(":17")
    world.push("echo the first; exec sleep 1000", "latest")
    world.run(floating)
    world.push("echo the second; exec sleep 1000", "latest")
    world.run(floating)
    assert b"db | the first\n" in world.agent.log.data
    assert b"db | the second\n" in world.agent.log.data
    world.server.stop()
    try:
        world.run(floating)
    finally:
        world.server.start()
    assert world.agent.states[-1] == "TASK_KILLED", world.agent.message
    assert f"{floating} is as it was pulled before" in "".join(world.agent.log.headers)
    store = world.store()
    for artifact in store.artifacts():
        assert store.remove(artifact)
    assert world.names() == [], "the first image would stay for good"


@pytest.mark.parametrize("why", ["no login", "no such tag", "away", "by an address", "no name"])
def test_an_image_that_cannot_be_pulled_is_named_with_what_to_do(world: World, why: str) -> None:
    image, cause = world.image, Cause.BUILD_FAILED
    if why == "no login":
        world.agent.environ["DOCKER_CONFIG"] = "/nowhere"
    elif why == "no such tag":
        image = f"{image.removesuffix(':17')}:99"
    elif why == "away":
        image = image.replace(world.server.address, "127.0.0.1:1")
        cause = Cause.REGISTRY_UNREACHABLE
    elif why == "by an address":
        world.agent.config = world.agent.config._replace(confined=Confinement())
    else:
        image = "UPPER CASE"
    world.run(image)
    assert world.agent.report.cause is cause, world.agent.message
    assert f"{image} of the companion db" in world.agent.message
    words = {
        "no login": "operator must log them in to its registry",
        "no such tag": "Check its name in .prevs.toml",
        "away": "make its registry reachable, or load it into the agents' Docker under",
        "by an address": "PREVS_ALLOW",
        "no name": "that is not the name of an image",
    }
    assert words[why] in world.agent.message
    assert world.agent.containers() == []


@pytest.mark.parametrize("is_here", [False, True], ids=["not here", "pulled by others"])
def test_a_strangers_pull_has_no_login(world: World, is_here: bool) -> None:
    if is_here:
        world.run()
    before = world.names()
    digest = world.pull(anonymous=False).resolve(world.wanted)
    stranger = world.pull(anonymous=True)
    by_digest = world.wanted.name._replace(digest=digest)
    for name in (world.wanted.name, by_digest):
        with pytest.raises(CompanionImageMissing):
            stranger.resolve(world.wanted._replace(name=name))
    if not is_here:
        with pytest.raises(CompanionImageMissing):
            stranger.pull(world.wanted, digest, limit=60.0, at_step=lambda _: None)
    assert world.names() == before
    assert len(before) == (2 if is_here else 0)


def test_a_stranger_gets_a_public_image_by_its_digest(
    agent: Agent, free_port: Callable[[], int], tmp_path: Path
) -> None:
    with own_registry(tmp_path / "open", free_port()) as registry:
        world = World(agent, registry, tmp_path / "home")
        world.push(UP)
        stranger = world.pull(anonymous=True)
        digest = stranger.resolve(world.wanted)
        wanted = world.wanted._replace(name=world.wanted.name._replace(digest=digest))
        assert stranger.resolve(wanted) == digest
        stranger.pull(wanted, digest, limit=60.0, at_step=lambda _: None)
        assert wanted.tag in world.names()
        for name in world.names():
            remove_image(agent.client, name)


def test_pulled_images_are_collected_unless_they_are_used_or_have_another_name(
    world: World,
) -> None:
    world.run()
    store = world.store()
    (found,) = store.artifacts()
    assert (found.name, found.used > 0) == (world.tag, True)
    uses = UsageLocks(world.agent.config.dir)
    with uses.using(usage_locks.image(world.tag)):
        assert not store.remove(found)
    assert world.tag in world.names()
    own = f"{REPOSITORY}:of-the-operator"
    world.agent.client.tag(world.tag, REPOSITORY, "of-the-operator")
    digest = next(name for name in world.names() if "@" in name)
    assert store.remove(found)
    assert world.names() == sorted([digest, own])
    remove_image(world.agent.client, own)
    for name in world.names():
        remove_image(world.agent.client, name)
    world.run()
    assert store.remove(found)
    assert world.names() == []


def test_an_application_may_be_an_image_alone_of_a_registry_or_of_the_agent(world: World) -> None:
    world.push(SERVE)
    assert world.agent.answer("ab" * 20, run=RunSettings(image=world.image)) == "hello\n"
    assert f"pulling {world.image} for app" in "".join(world.agent.log.headers)
    world.server.stop()
    try:
        local = f"{world.server.address}/{REPOSITORY}:local"
        world.agent.images.add(f"{REPOSITORY}:local", SERVE)
        world.agent.client.tag(f"{REPOSITORY}:local", local.rpartition(":")[0], "local")
        db = Companion("db", image=local, command=("sleep", "1000"))
        run = RunSettings(image=f"{REPOSITORY}:local", companions=(db,))
        assert world.agent.answer("cd" * 20, run=run) == "hello\n"
    finally:
        world.server.start()
    headers = world.agent.log.headers
    assert f"{local} for db is this agent's own image" in headers
    assert f"{REPOSITORY}:local for app is this agent's own image" in headers
    assert not any(one.startswith(("building", "fetching")) for one in headers)


def test_a_stranger_gets_an_own_image_only_if_it_never_had_a_registry(world: World) -> None:
    world.run()
    digest = next(name for name in world.names() if "@" in name)
    repository = world.image.rpartition(":")[0]
    world.agent.client.tag(digest, repository, "17")
    assert not world.pull(anonymous=True).is_own(world.wanted)
    assert world.pull(anonymous=False).is_own(world.wanted)
    world.agent.images.add(f"{REPOSITORY}:loaded", UP)
    name = read_name(f"{REPOSITORY}:loaded")
    assert name is not None
    wanted = world.wanted._replace(text=f"{REPOSITORY}:loaded", name=name)
    assert world.pull(anonymous=True).is_own(wanted)
