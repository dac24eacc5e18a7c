"""A repository of each kind without a Dockerfile is built by its recipe, and answers."""

import contextlib
from collections.abc import Iterator

import pytest
from docker.api import APIClient

from framework.apps import recipes
from framework.apps.recipes import BaseImages, Recipe
from tests.fakes.trees import Tree
from tests.integration.docker.attempts import Agent
from tests.integration.docker.recipe_apps import (
    APPS,
    COMPILED,
    COMPILED_APPS,
    INTERPRETED,
    Files,
    base_images,
)

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]  # makes their bases


@pytest.fixture(scope="module")
def interpreted(docker_host: str) -> Iterator[BaseImages]:
    client = APIClient(base_url=docker_host, timeout=600)
    with contextlib.closing(client) as docker, base_images(docker, INTERPRETED) as found:
        yield found


@pytest.fixture(scope="module")
def compiled(docker_host: str) -> Iterator[BaseImages]:
    client = APIClient(base_url=docker_host, timeout=600)
    with contextlib.closing(client) as docker, base_images(docker, COMPILED) as found:
        yield found


def answer(agent: Agent, files: Files, images: BaseImages) -> str:
    """Return what a repository answers that is built by its recipe."""
    recipe = recipes.recognise(Tree(files), images)
    assert isinstance(recipe, Recipe), recipe
    sha = agent.repository.commit(
        {path: text.encode() if text.startswith("#!") else text for path, text in files.items()}
    )
    return agent.answer(sha, build=recipes.settings(recipe).build, mem=512, start_limit=120.0)


@pytest.mark.parametrize("kind", APPS)
def test_a_repository_without_a_dockerfile_answers(
    agent: Agent, interpreted: BaseImages, kind: str
) -> None:
    expected, files = APPS[kind]
    assert answer(agent, files, interpreted) == expected


@pytest.mark.night
@pytest.mark.parametrize("kind", COMPILED_APPS)
def test_a_repository_that_is_compiled_answers(
    agent: Agent, compiled: BaseImages, kind: str
) -> None:
    expected, files = COMPILED_APPS[kind]
    assert answer(agent, files, compiled) == expected
