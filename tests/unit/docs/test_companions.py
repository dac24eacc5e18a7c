"""The examples of docs/companions.md are accepted, and its messages are those that people get."""

import re
from pathlib import Path

import pytest

from framework.apps.manifest import Bounds, ComposeFile, InvalidManifest, Manifest, read
from prevs.containers import Keep
from prevs.service_names import service_labels, url_variable

PAGE = (Path(__file__).parents[3] / "docs" / "companions.md").read_text()
BOUNDS = Bounds("shop", "", 1.0, 1024)


def blocks(language: str) -> list[bytes]:
    """Return the blocks of the page in a language."""
    return [one.encode() for one in re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)]


SHORT, WHOLE, SERVICE, KEEP, SEED, NAMING = blocks("toml")
(COMPOSE,) = blocks("yaml")


def read_both() -> Manifest:
    return read(NAMING, BOUNDS, ComposeFile("compose.yaml", COMPOSE))


def test_the_short_example_is_one_companion() -> None:
    (db,) = read(SHORT, BOUNDS).settings.run.companions
    assert db.name == "db"
    assert db.keep is Keep.BRANCH
    (cache,) = read(KEEP, BOUNDS).settings.run.companions
    assert cache.keep is Keep.COMMIT
    assert read(SEED, BOUNDS).settings.run.seed == "main"


def test_the_service_is_at_the_addresses_of_the_page() -> None:
    (result,) = read(SERVICE, BOUNDS).settings.run.services
    (label,) = service_labels(result.name, "main", "shop")
    assert f"| `{label}.shop.prevs.example` |" in PAGE
    assert f"| `{label}--shop.prevs.example` |" in PAGE
    assert f"`{url_variable(result.name)}` has" in PAGE


def test_both_forms_of_the_example_mean_the_same_containers() -> None:
    own, composed = read(WHOLE, BOUNDS).settings.run, read_both().settings.run
    assert [one.name for one in own.companions] == ["db", "cache", "worker"]
    assert own.command == composed.command
    assert own.environment == composed.environment
    by_name = {one.name: one for one in composed.companions}
    for one in own.companions:
        other = by_name[one.name]
        assert (one.image, one.target, one.command) == (other.image, other.target, other.command)
        assert (one.environment, one.volumes) == (other.environment, other.volumes)
        assert (one.keep, other.keep) == (Keep.BRANCH, Keep.BRANCH)
    assert by_name["db"].mem == 256


def test_what_the_example_takes_and_what_the_file_says_of_it() -> None:
    with pytest.raises(InvalidManifest) as raised:
        read(WHOLE, BOUNDS._replace(mem=512))
    (mistake,) = raised.value.mistakes
    assert f".prevs.toml has a mistake in line {mistake.line}." in PAGE
    assert f"line {mistake.line}  {mistake.message}" in PAGE


def test_the_messages_about_a_compose_file_are_as_shown() -> None:
    volumes = b'    ports: ["8000:8000"]\n    volumes: ["/srv/files:/app"]\n'
    wrong = COMPOSE.replace(b'    ports: ["8000:8000"]\n', volumes)
    image = b"    image: postgres:17\n"
    wrong = wrong.replace(image, image + b"    privileged: true\n")
    with pytest.raises(InvalidManifest) as raised:
        read(NAMING, BOUNDS, ComposeFile("compose.yaml", wrong))
    lines = [one.line for one in raised.value.mistakes]
    assert f"compose.yaml has 2 mistakes, in lines {lines[0]} and {lines[1]}." in PAGE
    for one in raised.value.mistakes:
        assert f"{f'line {one.line}':<9}{one.message}" in PAGE
