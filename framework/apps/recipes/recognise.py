"""Finds the recipe for a commit. Pure."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

from framework.apps.commit_files import CommitFiles
from framework.apps.recipes.images import OFFICIAL, BaseImages
from framework.apps.recipes.kinds import deno, go, java, node, php, python, ruby, rust, static
from framework.apps.recipes.listening import find_web, tell_others
from framework.apps.recipes.project import Project
from framework.apps.recipes.recipe import NotRecognised, Recipe

_Find = Callable[[Project, BaseImages], Recipe | str | None]


class _Kind(NamedTuple):
    """A kind of repository: what it looks for, and how it finds a recipe."""

    looked_for: tuple[str, ...]
    find: _Find


_KINDS = tuple(
    _Kind(module.LOOKED_FOR, module.find)
    for module in (deno, ruby, php, java, go, rust, python, node, static)
)
"""In this order: a package.json beside another language usually builds that one's pages."""
_FOLDERS = 30
"""In how many folders files are looked for that a recipe could begin with."""
_SHOWN = 4


def recognise(files: CommitFiles, images: BaseImages = OFFICIAL) -> Recipe | NotRecognised:
    """Return the recipe for a commit, or what was looked for and what nearly fits.

    Raises what `files` raises.
    """
    project = Project(files)
    near = []
    for kind in _KINDS:
        found = kind.find(project, images)
        if isinstance(found, Recipe):
            return dataclasses.replace(found, notes=(*found.notes, *tell_others(project)))
        if found:
            near.append(found)
    looked_for = tuple(dict.fromkeys(name for kind in _KINDS for name in kind.looked_for))
    return NotRecognised((*looked_for, "Procfile"), (*near, *_look_around(project)))


def _look_around(project: Project) -> tuple[str, ...]:
    """Return what else nearly fits: a Procfile alone, and what is in the next folders."""
    near = []
    if find_web(project):
        near.append("Procfile has a web line, and no file says which language it is of")
    signs = [name for kind in _KINDS for name in kind.looked_for if "/" not in name]
    for folder in project.folders[:_FOLDERS]:
        names = project.names_in(folder)
        if not folder.startswith(".") and (found := [one for one in signs if one in names]):
            near.append(f"{folder}/{found[0]} is there: --folder {folder} would use it")
    return tuple(near[: _SHOWN + 1])
