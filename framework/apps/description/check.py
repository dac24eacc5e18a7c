"""Finds what is wrong with a commit and what people should know of it, before a build. Pure."""

import dataclasses
import posixpath
from collections.abc import Iterator
from typing import NamedTuple

from framework.apps.commit_files import CommitFiles
from framework.apps.description.reader import Asked, Description, read
from framework.apps.description.unrecognised import NotDescribed
from framework.apps.manifest import InvalidManifest
from framework.apps.recipes import OFFICIAL, BaseImages
from prevs.commit_settings import FILE, CommitSettings
from prevs.containers import BuildSettings
from prevs.records import AppRecord


class Note(NamedTuple):
    """A sentence about a commit; `file` is from the repository's root on, "" and None for none."""

    message: str
    file: str = ""
    line: int | None = None


@dataclasses.dataclass(frozen=True)
class Checked:
    """What a check of a commit has found: its description, or why there is none."""

    description: Description | None = None
    unknown: NotDescribed | None = None
    """Why nothing describes it, if that is so."""
    mistakes: tuple[Note, ...] = ()
    """What keeps it from being built."""
    notes: tuple[Note, ...] = ()


def check(files: CommitFiles, app: AppRecord, images: BaseImages = OFFICIAL) -> Checked:
    """Return what a check of a commit finds; the arguments are those of `read`.

    It also looks whether what would be built is in the commit. Raises what `files` raises.
    """
    try:
        found = read(files, app, Asked(images))
    except NotDescribed as error:
        return Checked(unknown=error)
    except InvalidManifest as error:
        return Checked(mistakes=tuple(_list_mistakes(app, error)))
    missing = [Note(one) for one in dict.fromkeys(_find_missing(files, found.manifest.settings))]
    if app.service and not found.compose:
        missing.append(Note(f"No compose file is read, so there is no service {app.service}"))
    return Checked(found, mistakes=tuple(missing), notes=tuple(_list_notes(app, found)))


def _list_mistakes(app: AppRecord, error: InvalidManifest) -> Iterator[Note]:
    file = _place(app, error.compose or FILE)
    yield from (Note(one.message, file, one.line) for one in error.mistakes)


def _find_missing(files: CommitFiles, settings: CommitSettings) -> Iterator[str]:
    """Yield what a commit would be built of and does not have."""
    own = () if settings.run.image else (settings.build,)
    beside = (one.build for one in settings.run.companions if one.build)
    for build in (*own, *beside):
        yield from _find_missing_of(files, build)


def _find_missing_of(files: CommitFiles, build: BuildSettings) -> Iterator[str]:
    context = build.context
    if not build.text and not _is_there(files, build.dockerfile, ("file", "link")):
        yield f"There is no file {build.dockerfile}, which would be built"
    if not files.list(context) and not _is_there(files, context, ("link",)):
        yield f"There is no folder {context}, in which {build.dockerfile} would be built"


def _is_there(files: CommitFiles, path: str, kinds: tuple[str, ...]) -> bool:
    folder, name = posixpath.split(posixpath.normpath(path))
    return files.list(folder or ".").get(name) in kinds


def _list_notes(app: AppRecord, found: Description) -> Iterator[Note]:
    file = _place(app, found.compose)
    yield from (Note(one.message, file, one.line) for one in found.manifest.notes)
    if found.unused:
        yield Note(
            f"{found.unused} is not used, as there is a Dockerfile. With "
            f'compose = "{found.unused}" in {FILE} it is.'
        )
    yield from map(Note, found.recipe.notes if found.recipe else ())


def _place(app: AppRecord, path: str) -> str:
    """Return the path from the repository's root of a path from the app's folder on."""
    return posixpath.normpath(posixpath.join(app.folder, path)) if path else ""
