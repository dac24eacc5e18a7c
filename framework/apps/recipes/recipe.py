"""What prevs writes for a commit without a Dockerfile, and why. Pure."""

import dataclasses

from prevs.commit_settings import CommitSettings
from prevs.containers import BuildSettings


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How to build and run a commit. Its texts have nothing of the commit but plain names.

    `kind` is the name of its base image in PREVS_RECIPE_IMAGES. `why` are the files that led to it,
    from the app's folder on. `command` is what runs, for people.
    """

    kind: str
    name: str
    why: tuple[str, ...]
    text: str
    command: str
    port: int | None = None
    """The port that the command is known to choose by itself; None if it takes $PORT."""
    health: str | None = None
    """A path that the application is known to answer; None if none is known."""
    notes: tuple[str, ...] = ()
    """What people should know before it is built, in sentences."""


@dataclasses.dataclass(frozen=True)
class NotRecognised:
    """No recipe fits. Both are for people: names of files, and sentences about what nearly fits."""

    looked_for: tuple[str, ...]
    near: tuple[str, ...] = ()


def settings(recipe: Recipe) -> CommitSettings:
    """Return what a recipe says of a commit; the rest is as the app has it."""
    build = BuildSettings(text=recipe.text, recipe=recipe.name)
    return CommitSettings(port=recipe.port, health=recipe.health, build=build)
