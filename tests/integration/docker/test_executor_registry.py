"""Whole attempts that share their image by Debian's docker-registry: two agents with one docker.

Between them the image is removed from that, so that the second agent has it from the registry.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from executor.service import EXIT_DONE
from prevs import names
from prevs.states import Phase
from tests.fakes.registry import OwnRegistry, log_in, own_registry
from tests.fakes.samples import SERVE, nothing_left, remove_image, serving
from tests.integration.docker.attempts import APP, Agent

pytestmark = pytest.mark.integration


class World:
    """Two agents, whose repositories are the same, and a registry."""

    def __init__(self, agents: list[Agent], registry: OwnRegistry) -> None:
        self.first, self.second = agents
        self.server = registry
        self.sha = self.first.repository.commit_app(serving("hello"))
        self.tag = names.image_tag(APP, self.sha)

    def run(self, agent: Agent, digest: str = "", *, until: Callable[[], object]) -> str:
        """Run an attempt until its application answers and `until` holds; return its digest."""

        def look() -> None:
            if agent.report.phase is Phase.RUNNING and until():
                assert agent.get() == "hello\n"
                agent.kill()

        agent.when["TASK_RUNNING"] = look
        self._run(agent, digest)
        return agent.report.digest

    def _run(self, agent: Agent, digest: str) -> None:
        repository = str(self.first.repository.folder)
        registry = f"{self.server.address}/previews"
        code = agent.run(self.sha, repository=repository, registry=registry, digest=digest)
        assert (code, agent.states[-1]) == (EXIT_DONE, "TASK_KILLED"), agent.statuses

    def have(self) -> None:
        """Have the image of the commit here, as if it was built."""
        labels = {"prevs.app": APP, "prevs.commit": self.sha, "prevs.cluster": APP}
        lines = [f"LABEL {name}={value}" for name, value in labels.items()]
        self.first.images.add(self.tag, SERVE, *lines)

    def share(self) -> str:
        """Have the first agent push the image, and remove it; return its digest."""
        digest = self.run(self.first, until=lambda: self.first.report.digest)
        remove_image(self.first.client, self.tag)
        return digest

    def names(self) -> list[str]:
        """Return all names that docker has for the app's images."""
        images = self.first.client.images(all=True)
        found = (name for image in images for name in image["RepoTags"] + image["RepoDigests"])
        return sorted(name for name in found if APP in name)


@contextlib.contextmanager
def made(
    docker_host: str, folder: Path, free_port: Callable[[], int], *, closed: bool
) -> Iterator[World]:
    """A world whose registry may be `closed`; its agents' users have no settings of docker."""
    with own_registry(folder / "registry", free_port(), closed=closed) as registry:
        agents = [Agent(docker_host, folder / name, free_port) for name in ("one", "two")]
        for agent in agents:
            agent.environ["DOCKER_CONFIG"] = str(agent.config.dir.with_name("settings"))
        world = World(agents, registry)
        client = world.first.client
        with nothing_left(client, f"prevs.app={APP}"):
            yield world
        for name in world.names():
            remove_image(client, name)
        for network in client.networks(filters={"label": f"prevs.cluster={APP}"}):
            client.remove_network(network["Id"])


@pytest.fixture
def world(docker_host: str, tmp_path: Path, free_port: Callable[[], int]) -> Iterator[World]:
    with made(docker_host, tmp_path, free_port, closed=False) as world:
        yield world


@pytest.fixture
def closed(docker_host: str, tmp_path: Path, free_port: Callable[[], int]) -> Iterator[World]:
    """A world whose registry asks for a login."""
    with made(docker_host, tmp_path, free_port, closed=True) as world:
        yield world


def test_what_one_agent_has_built_another_runs_without_the_repository(world: World) -> None:
    digest = world.share()
    assert digest.startswith("sha256:")
    assert world.first.states.count("TASK_RUNNING") == 2
    assert world.names() == []
    world.first.repository.folder.rename(world.first.repository.folder.with_name("gone"))
    assert world.run(world.second, digest, until=lambda: True) == digest
    assert not any(header.startswith("building") for header in world.second.log.headers)
    assert world.second.states.count("TASK_RUNNING") == 1
    assert world.names() == [world.tag]


def test_the_commits_tag_is_asked_for_where_no_digest_is_known(world: World) -> None:
    world.have()
    digest = world.share()
    assert world.run(world.second, until=lambda: True) == digest
    assert not any(header.startswith("building") for header in world.second.log.headers)


def test_what_the_registry_does_not_have_any_more_is_built_and_pushed_again(world: World) -> None:
    world.have()
    digest = world.share()
    world.server.blob(digest).unlink()
    world.run(world.second, digest, until=lambda: len(world.second.statuses) and pushed(world))
    assert any(header.startswith("building") for header in world.second.log.headers)
    assert world.second.log.headers[0].startswith("no image from the registry: ")


def pushed(world: World) -> bool:
    return world.second.states.count("TASK_RUNNING") == 2


def test_a_registry_that_is_away_fails_no_preview_and_the_next_attempt_pushes(
    world: World,
) -> None:
    world.server.stop()
    assert world.run(world.first, until=lambda: True) == ""
    assert "no image from the registry: " in world.first.log.headers[0]
    assert world.names() == [world.tag]
    world.server.start()
    assert world.run(world.first, until=lambda: world.first.report.digest).startswith("sha256:")
    assert world.server.tags(f"previews/{APP}") == [world.sha]
    assert sum(header.startswith("building") for header in world.first.log.headers) == 1


def test_agents_that_log_in_share_by_a_registry_that_asks_for_it(closed: World) -> None:
    for agent in (closed.first, closed.second):
        log_in(Path(agent.environ["DOCKER_CONFIG"]), closed.server.address)
    closed.have()
    digest = closed.share()
    assert closed.run(closed.second, digest, until=lambda: True) == digest
    assert not any(header.startswith("building") for header in closed.second.log.headers)
