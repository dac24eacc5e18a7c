"""The base images of recipes: one table, whose rows an operator may replace."""

import pytest

from framework.apps.recipes import images
from framework.apps.recipes.images import DEFAULTS, choose_version
from tests.unit.framework.apps.recipes.repositories import package, recipe

GO = {"go.mod": "", "main.go": "package main"}


def test_every_row_names_an_image_with_a_tag() -> None:
    for kind, row in DEFAULTS.items():
        assert ":" in row.reference, kind
        assert ("{version}" not in row.reference) or row.version, kind


def test_an_operators_image_is_used_and_the_others_stay() -> None:
    digest = f"registry.example.org:5000/go@sha256:{'a' * 64}"
    text = recipe(GO, images.parse(f" go = {digest} , node=mirror.example/node:{{version}},")).text
    assert f"FROM {digest} AS build\n" in text
    assert "FROM buildpack-deps:bookworm-curl\n" in text
    node = {"package.json": package(scripts={"start": "x"}, engines={"node": "20"})}
    own = images.parse("node=mirror.example/node:{version}")
    assert "FROM mirror.example/node:20\n" in recipe(node, own).text


def test_an_image_of_another_version_than_the_commit_asks_for_is_told() -> None:
    node = {"package.json": package(scripts={"start": "x"}, engines={"node": "20"})}
    found = recipe(node, images.parse("node=mirror.example/node:22"))
    assert "FROM mirror.example/node:22\n" in found.text
    assert any("version 20 of node" in note for note in found.notes)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("nodes=a:1", "'nodes' is no kind; there are node, python"),
        ("node", "node needs the name of an image, as node:{version}-bookworm"),
        ("node=a b", "needs the name of an image"),
        ("node=a\nRUN x", "needs the name of an image"),
        ("node={x}", "needs the name of an image"),
        ("node=--platform", "needs the name of an image"),
    ],
)
def test_what_is_no_image_is_refused_with_what_to_write(value: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"needs|no kind") as caught:
        images.parse(value)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("^3.2", "3.4"),
        ("~3.2", "3.2"),
        ("~> 3.2.1", "3.2"),
        (">3.1,<3.4", "3.3"),
        ("<3.4.5", "3.4"),
        ("<=3.2", "3.2"),
        ("==3.1.*", "3.1"),
        ("3.3.7", "3.3"),
        ("3", "3.4"),
        ("!=3.4.1", "3.4"),
        ("3.1 | 3.2", "3.2"),
        (">4", ""),
    ],
)
def test_a_range_of_versions_allows_one(wanted: str, found: str) -> None:
    assert choose_version(wanted, ("3.1", "3.2", "3.3", "3.4"), "3.4") == found
