"""Whole attempts that share their image by Debian's docker-registry: two agents with one docker.

Between them the image is removed from that, so that the second agent has it from the registry.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from executor.service import EXIT_DONE
from prevs import names
from prevs.states import Phase
from tests.fakes.registry import OwnRegistry, log_in, own_registry
from tests.fakes.samples import nothing_left, remove_image, serving
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

    def share(self) -> str:
        """Have the first agent push the image, and remove it; return its digest."""
        digest = self.run(self.first, until=lambda: self.first.report.digest)
        remove_image(self.first.client, self.tag)
        return digest

    def names(self) -> list[str]:
        """Return all names that docker has for the commit's images."""
        # Other tests of this worker have the same app; docker may tag what they built late.
        images = self.first.client.images(all=True, filters={"label": f"prevs.commit={self.sha}"})
        found = (name for image in images for name in image["RepoTags"] + image["RepoDigests"])
        return sorted(name for name in found if APP in name)


@pytest.fixture
def world(docker_host: str, tmp_path: Path, free_port: Callable[[], int]) -> Iterator[World]:
    """A world whose registry requires a login, which the users of its agents have."""
    with own_registry(tmp_path / "registry", free_port(), closed=True) as registry:
        agents = [Agent(docker_host, tmp_path / name, free_port) for name in ("one", "two")]
        for agent in agents:
            settings = agent.config.dir.with_name("settings")
            log_in(settings, registry.address)
            agent.environ["DOCKER_CONFIG"] = str(settings)
        world = World(agents, registry)
        client = world.first.client
        with nothing_left(client, f"prevs.app={APP}"):
            yield world
        for name in world.names():
            remove_image(client, name)
        for network in client.networks(filters={"label": f"prevs.cluster={APP}"}):
            client.remove_network(network["Id"])


def test_an_image_of_one_agent_runs_on_another_without_the_repository(world: World) -> None:
    digest = world.share()
    assert digest.startswith("sha256:")
    assert world.first.states.count("TASK_RUNNING") == 2
    assert world.names() == []
    world.first.repository.folder.rename(world.first.repository.folder.with_name("gone"))
    assert world.run(world.second, digest, until=lambda: True) == digest
    assert not any(header.startswith("building") for header in world.second.log.headers)
    assert world.second.states.count("TASK_RUNNING") == 1
    assert world.names() == [world.tag]
