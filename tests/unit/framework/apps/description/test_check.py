"""What a check of a commit finds before anything is built."""

import dataclasses
from collections.abc import Mapping

import pytest

from framework.apps.description import Checked, Note, check
from prevs.records import AppRecord
from tests.fakes.trees import Tree

APP = AppRecord("", "https://git.example.org/shop.git", folder="web")
PAGE = {"web/index.html": "<h1>x</h1>"}
COMPOSE = """services:
  web: {build: ., ports: ["8000:8000"], restart: always}
  admin: {build: {context: ./admin}, ports: ["9000:9000"]}
  db: {image: "postgres:17"}
"""
WHOLE = {
    "web/compose.yaml": COMPOSE,
    "web/Dockerfile.x": "",
    "web/admin/Dockerfile": "FROM a",
}


def look(texts: Mapping[str, str], service: str = "") -> Checked:
    """Return what a check finds."""
    return check(Tree(texts, "web"), dataclasses.replace(APP, service=service))


def test_keys_of_a_compose_file_without_effect_are_notes_with_their_lines() -> None:
    found = look({**WHOLE, "web/x": ""})
    assert found.description is not None
    (restart,) = (one for one in found.notes if "restart" in one.message)
    assert (restart.file, restart.line) == ("web/compose.yaml", 2)


def test_a_file_to_build_that_is_not_in_the_commit_is_a_mistake() -> None:
    assert look(WHOLE).mistakes == (Note("There is no file Dockerfile, which would be built"),)
    texts = {"web/.prevs.toml": '[build]\ncontext = "x"', "web/Dockerfile": "FROM a"}
    assert look(texts).mistakes == (
        Note("There is no folder x, in which Dockerfile would be built"),
    )


def test_the_service_that_visitors_reach_may_be_tried() -> None:
    found = look(WHOLE, "admin")
    assert found.description is not None
    settings = found.description.manifest.settings
    assert (settings.run.service, settings.port, found.mistakes) == (
        *("admin", 9000),
        (Note("There is no file Dockerfile, which would be built"),),
    )
    (wrong,) = look(WHOLE, "wep").mistakes
    assert wrong == Note(
        "the app's service wep is no service of the file; there are web, admin, db",
        *("web/compose.yaml", 1),
    )
    (none,) = look(PAGE, "web").mistakes
    assert none.message == "No compose file is read, so there is no service web"


def test_a_commit_that_names_its_service_says_more_than_the_app() -> None:
    found = look({**WHOLE, "web/.prevs.toml": 'compose_service = "web"'}, "admin")
    assert found.description is not None
    assert found.description.manifest.settings.run.service == "web"


def test_mistakes_are_told_with_their_file_and_line() -> None:
    found = look({"web/compose.yaml": "services:\n  web: {build: ., privileged: true}"})
    (one,) = found.mistakes
    assert (found.description, one.file, one.line) == (None, "web/compose.yaml", 2)
    assert look({"web/.prevs.toml": "prot = 1"}).mistakes[0][1:] == ("web/.prevs.toml", 1)


def test_a_compose_file_that_is_not_used_and_what_a_recipe_says_are_notes() -> None:
    released = "services: {web: {image: 'example.org/shop:1'}}"
    (unused,) = look({"web/Dockerfile": "FROM a", "web/compose.yaml": released}).notes
    assert unused.message.startswith("compose.yaml is not used, as there is a Dockerfile.")
    (other,) = look({**PAGE, "web/Procfile": "worker: x"}).notes
    assert other.message.startswith("The Procfile's worker do not run")


@pytest.mark.parametrize(
    ("texts", "found", "near"),
    [
        ({"web/Makefile": "", "web/x": ""}, ("Makefile",), False),
        ({"web/package.json": "{}"}, ("package.json",), True),
    ],
)
def test_what_nothing_recognises_is_told_in_parts(
    texts: Mapping[str, str], found: tuple[str, ...], near: bool
) -> None:
    unknown = look(texts).unknown
    assert unknown is not None
    assert unknown.why == "Nothing in web says how to run it."
    assert (unknown.found, bool(unknown.near), len(unknown.ways)) == (found, near, 3)
    assert "add it with --folder FOLDER" in unknown.ways[1]
