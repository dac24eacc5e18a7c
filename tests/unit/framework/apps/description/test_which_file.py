"""Which files of a commit describe it."""

import dataclasses
from collections.abc import Mapping

import pytest

from framework.apps import description
from framework.apps.description import NotDescribed
from framework.apps.manifest import InvalidManifest
from prevs.records import AppRecord
from tests.fakes.trees import Tree

APP = AppRecord("shop", "/srv/shop", max_mem=512, max_cpus=1.0)
DOCKERFILE = {"Dockerfile": "FROM scratch"}
BUILT = "services: {web: {build: ., ports: ['8000']}}"


RELEASED = "services: {web: {image: 'example.org/shop:1', ports: ['80:8000']}}"


def find(texts: Mapping[str, str | None]) -> tuple[str, int | None, str]:
    """Return what describes a commit, its port, and which Dockerfile is built."""
    settings = description.read(Tree(texts), APP).manifest.settings
    return settings.source, settings.port, settings.build.dockerfile


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (DOCKERFILE, ("", None, "Dockerfile")),
        ({"Dockerfile": "-> docker/Dockerfile"}, ("", None, "Dockerfile")),
        ({**DOCKERFILE, ".prevs.toml": "port = 1"}, ("", 1, "Dockerfile")),
        ({**DOCKERFILE, "compose.yaml": BUILT}, ("compose.yaml", 8000, "Dockerfile")),
        ({**DOCKERFILE, "compose.yaml": RELEASED}, ("", None, "Dockerfile")),
        ({**DOCKERFILE, "compose.yaml": BUILT, ".prevs.toml": ""}, ("", None, "Dockerfile")),
        (
            {".prevs.toml": '[build]\ndockerfile = "x"', "compose.yaml": BUILT},
            ("", None, "x"),
        ),
        ({"docker-compose.yml": BUILT}, ("docker-compose.yml", 8000, "Dockerfile")),
        ({"compose.yml": BUILT, ".prevs.toml": "port = 1"}, ("compose.yml", 1, "Dockerfile")),
        ({"compose.yaml": BUILT, "docker-compose.yml": "?"}, ("compose.yaml", 8000, "Dockerfile")),
        (
            {".prevs.toml": 'compose = "dev.yaml"', "dev.yaml": BUILT, "compose.yaml": "?"},
            ("dev.yaml", 8000, "Dockerfile"),
        ),
        (
            {**DOCKERFILE, ".prevs.toml": 'compose = "compose.yaml"', "compose.yaml": BUILT},
            ("compose.yaml", 8000, "Dockerfile"),
        ),
        ({"docker/Dockerfile": "FROM x"}, ("docker/Dockerfile", None, "docker/Dockerfile")),
        ({"Containerfile": "FROM x"}, ("Containerfile", None, "Containerfile")),
    ],
)
def test_what_the_file_of_settings_says_comes_first_then_a_dockerfile_then_a_compose_file(
    texts: Mapping[str, str | None], found: tuple[str, int | None, str]
) -> None:
    assert find(texts) == found


def test_a_compose_file_that_a_dockerfile_comes_before_is_named() -> None:
    both = Tree({**DOCKERFILE, "compose.yml": RELEASED})
    assert description.read(both, APP).unused == "compose.yml"


def test_a_compose_file_with_mistakes_keeps_no_dockerfile_from_running_and_they_are_told() -> None:
    both = {**DOCKERFILE, "compose.yaml": "services: {web: {build: ., privileged: true}}"}
    source, _, dockerfile = find(both)
    assert dockerfile == "Dockerfile"
    assert source.startswith("its Dockerfile alone: compose.yaml, line 1: services.web.privileged")
    with pytest.raises(InvalidManifest):
        description.read(Tree(both), dataclasses.replace(APP, service="web"))


def test_databases_of_a_compose_file_stand_beside_a_dockerfile() -> None:
    found = description.read(Tree({**DOCKERFILE, "compose.yaml": DATABASES}), APP)
    settings = found.manifest.settings
    assert ([one.name for one in settings.run.companions], settings.run.image) == (["db"], "")


def test_the_mistakes_of_a_compose_file_that_was_found_are_in_that_file() -> None:
    with pytest.raises(InvalidManifest) as caught:
        find({"compose.yaml": "services: {web: {build: ., privileged: true}}"})
    assert caught.value.compose == "compose.yaml"


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ({"pom.txt": "", "Procfile": "web: x"}, "It found Procfile."),
        ({"a/Dockerfile": "", "b/Dockerfile": ""}, "It found a/Dockerfile and b/Dockerfile."),
        ({"compose.yaml": None, "README.md": ""}, "It found README.md and compose.yaml."),
        ({"Dockerfile/x": "", "b": ""}, "It found Dockerfile and b."),
    ],
)
def test_what_nothing_describes_is_told_with_what_was_found_and_three_ways_on(
    texts: Mapping[str, str | None], says: str
) -> None:
    with pytest.raises(NotDescribed) as caught:
        find(texts)
    message = str(caught.value)
    assert message.startswith(
        "Nothing in the root of the repository says how to run it. prevs looked for .prevs.toml, "
        "a Dockerfile, a compose file (compose.yaml or docker-compose.yml), and files that a recipe"
    )
    assert says in message
    for way in (
        "write a Dockerfile",
        "[build] dockerfile",
        "prevs app set shop --folder FOLDER",
        "write a compose.yaml",
    ):
        assert way in message


def test_a_folder_that_is_not_there_is_told() -> None:
    app = AppRecord("shop", "/srv/shop", folder="web")
    with pytest.raises(NotDescribed, match="There is no folder web in this commit"):
        description.read(Tree(DOCKERFILE, "web"), app)


def test_a_commit_without_a_dockerfile_is_built_by_a_recipe_below_its_own_settings() -> None:
    page = {"index.html": "<h1>x</h1>", ".prevs.toml": 'health = {path = "/up"}'}
    settings = description.read(Tree(page), APP).manifest.settings
    assert settings.source == f"a recipe: {settings.build.recipe}"
    assert (settings.health, "FROM " in settings.build.text) == ("/up", True)


EXPOSES = {"Dockerfile": "FROM a\nEXPOSE 3000 9000"}
SERVED = {"index.js": "x.listen(4000)", "package.json": '{"scripts": {"start": "node index.js"}}'}


@pytest.mark.parametrize(
    ("texts", "app_port", "port"),
    [
        (EXPOSES, 8080, 3000),
        ({**EXPOSES, ".prevs.toml": "port = 1"}, 8080, 1),
        (EXPOSES, 5000, None),
        ({"Dockerfile": "FROM a\nEXPOSE 9000 8080"}, 8080, None),
        ({"docker/Dockerfile": "FROM a\nEXPOSE 3000"}, 8080, 3000),
        ({**EXPOSES, "compose.yaml": "services: {web: {build: .}}", "x": ""}, 8080, 3000),
        (
            {
                "web.docker": "FROM a AS x\nEXPOSE 7000\nFROM b\nEXPOSE 1",
                "compose.yaml": "services: {web: {build: {dockerfile: web.docker, target: x}}}",
            },
            8080,
            7000,
        ),
        ({"compose.yaml": "services: {web: {image: 'nginx:1'}}"}, 8080, None),
        ({**EXPOSES, ".prevs.toml": '[companions.db]\nimage="a:1"\nready={port=3000}'}, 8080, 9000),
        (SERVED, 8080, 4000),
        (SERVED, 5000, None),
        ({"Dockerfile": "-> docker/x"}, 8080, None),
    ],
)
def test_the_port_is_the_commits_own_else_the_apps_else_one_that_is_exposed(
    texts: Mapping[str, str | None], app_port: int, port: int | None
) -> None:
    app = dataclasses.replace(APP, port=app_port)
    assert description.read(Tree(texts), app).manifest.settings.port == port


DATABASES = "services: {db: {image: 'postgres:17', ports: ['5432:5432']}}"
NODE = {"package.json": '{"scripts": {"start": "node server.js"}}'}


@pytest.mark.parametrize(
    ("texts", "source"),
    [
        ({**NODE, "compose.yaml": DATABASES}, "a recipe: "),
        ({"docker/Dockerfile": "FROM x", "compose.yaml": DATABASES}, "docker/Dockerfile"),
        (
            {**DOCKERFILE, ".prevs.toml": 'compose = "dev.yaml"', "dev.yaml": DATABASES},
            "",
        ),
    ],
)
def test_databases_alone_stand_beside_the_application_that_something_else_describes(
    texts: Mapping[str, str | None], source: str
) -> None:
    found = description.read(Tree(texts), APP)
    settings = found.manifest.settings
    assert settings.source.startswith(source)
    assert [one.name for one in settings.run.companions] == ["db"]
    assert settings.run.apart, "and db leads to the database"
    assert found.compose.endswith(".yaml")


def test_databases_alone_are_told_if_nothing_describes_an_application() -> None:
    with pytest.raises(NotDescribed, match=r"compose\.yaml has databases alone"):
        find({"compose.yaml": DATABASES})
