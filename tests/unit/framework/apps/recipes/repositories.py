"""Small repositories as tables, and what recipes say of them."""

import json
from collections.abc import Mapping

from framework.apps import recipes
from framework.apps.recipes import OFFICIAL, BaseImages, NotRecognised, Recipe
from tests.fakes.trees import Tree

Files = Mapping[str, str | None]


def package(**fields: object) -> str:
    """Return a package.json."""
    return json.dumps(fields)


def built_by(tool: str, script: str, **more: object) -> str:
    """Return the package.json of pages that a tool builds."""
    scripts = {"dev": tool, "build": script, "start": more.pop("start", "")}
    return package(scripts=scripts, devDependencies={tool: "1"}, **more)


def recipe(files: Files, images: BaseImages = OFFICIAL) -> Recipe:
    """Return the recipe of a repository that has one."""
    found = recipes.recognise(Tree(files), images)
    assert isinstance(found, Recipe), found
    return found


def near(files: Files) -> str:
    """Return what is told of a repository without a recipe."""
    found = recipes.recognise(Tree(files))
    assert isinstance(found, NotRecognised), found
    return "; ".join(found.near)
