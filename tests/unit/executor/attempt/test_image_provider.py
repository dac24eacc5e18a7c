"""executor/attempt/image_provider.py: where an image comes from, and that it is shared."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from executor.attempt.image_provider import ImageProvider
from executor.errors import BuildExposed
from prevs.containers import BuildSettings
from prevs.states import Cause, Phase
from tests.fakes.attempts import FakeImages, FakeRegistry
from tests.unit.executor.attempt.test_attempt import ATTEMPT
from tests.unit.executor.attempt.world import World
from tests.waits import wait_until

DIGEST = "sha256:" + "d" * 64


class ImageWorld(World):
    """An agent without images, with a registry that has nothing yet."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.images = FakeImages()
        self.registry = FakeRegistry(self.images)

    @property
    def shared(self) -> FakeRegistry:
        assert self.registry is not None
        return self.registry

    def provider(self, **order: Any) -> ImageProvider:
        return self.provide(ATTEMPT._replace(order=dataclasses.replace(ATTEMPT.order, **order)))

    def fetch(self, digest: str = "") -> None:
        provider = self.provider(digest=digest)
        provider.ensure()
        with provider.sharing():
            pass
        provider.wait_for_push()


@pytest.fixture
def world(tmp_path: Path) -> ImageWorld:
    return ImageWorld(tmp_path)


def test_an_image_on_the_agent_is_neither_pulled_nor_built(world: ImageWorld) -> None:
    world.images.tags.add(ATTEMPT.image)
    world.provider(digest=DIGEST).ensure()
    assert (world.shared.requested, world.images.built, world.reports.phases) == ([], [], [])


@pytest.mark.parametrize("digest", ["", DIGEST])
def test_a_pull_is_tried_before_a_build(world: ImageWorld, digest: str) -> None:
    world.shared.digest = DIGEST
    world.fetch(digest)
    assert world.shared.requested == [digest]
    assert world.images.built == []
    assert world.images.exists(ATTEMPT.image)
    assert world.reports.details == ["from the registry"]
    assert world.reports.digests == [DIGEST]
    assert world.shared.pushed == []


@pytest.mark.parametrize("digest", ["", DIGEST])
def test_an_image_that_the_registry_lacks_is_built_and_pushed(
    world: ImageWorld, digest: str
) -> None:
    world.fetch(digest)
    assert world.images.built == world.shared.pushed == [ATTEMPT.image]
    assert world.reports.digests == [world.shared.digest]
    assert world.reports.phases == [Phase.FETCHING, Phase.FETCHING, Phase.BUILDING]
    assert "no image from the registry: manifest unknown" in world.log.headers


def test_where_builds_are_off_no_commit_is_fetched(world: ImageWorld) -> None:
    world.images.exposed = "iptables refused"
    with pytest.raises(BuildExposed, match="iptables refused") as caught:
        world.provider().ensure()
    assert world.log.headers == ["no image from the registry: manifest unknown"]
    # With that the preview is tried again, and on another agent.
    assert caught.value.cause is Cause.AGENT_UNFIT


def test_where_builds_are_off_images_of_the_registry_are_used(world: ImageWorld) -> None:
    world.images.exposed = "iptables refused"
    world.shared.digest = DIGEST
    world.fetch()
    assert world.images.exists(ATTEMPT.image)


def test_without_a_registry_nothing_is_pulled_or_pushed(world: ImageWorld) -> None:
    world.registry = None
    world.fetch(DIGEST)
    assert world.images.built == [ATTEMPT.image]
    assert world.reports.digests == world.reports.details == []


def test_a_failed_push_is_only_logged(world: ImageWorld) -> None:
    world.shared.error = "connection refused"
    provider = world.provider()
    provider.ensure()
    with provider.sharing():
        wait_until(lambda: "the image is not in the registry" in world.log.headers[-1])
    assert world.log.headers[-1] == "the image is not in the registry: connection refused"
    assert world.reports.digests == []


@pytest.mark.parametrize(("digest", "pushed"), [("", [ATTEMPT.image]), (DIGEST, [])])
def test_a_local_image_is_pushed_unless_it_is_known_to_be_there(
    world: ImageWorld, digest: str, pushed: list[str]
) -> None:
    world.images.tags.add(ATTEMPT.image)
    world.fetch(digest)
    assert world.shared.pushed == pushed


def test_a_push_is_ended_with_the_application(world: ImageWorld) -> None:
    provider = world.provider()
    provider.ensure()
    with pytest.raises(KeyError), provider.sharing():
        raise KeyError
    assert world.shared.ended


def test_an_app_in_a_folder_is_built_from_it(world: ImageWorld) -> None:
    web = world.folder / "web"
    web.mkdir()
    (web / "Prod").write_text("FROM scratch\n")
    world.provider(folder="web", build=BuildSettings("Prod")).ensure()
    (context,) = world.images.contexts
    assert (context.folder, context.dockerfile) == (web, web / "Prod")
    assert world.images.built[0].startswith(f"{ATTEMPT.image}-")
    assert world.images.labels["prevs.folder"] == "web"
