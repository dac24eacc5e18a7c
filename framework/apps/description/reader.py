"""Finds which files of a commit describe it, and reads them.

What a .prevs.toml says comes first. What it leaves open says a Dockerfile, else a compose file,
both in the app's folder under their usual names; without a .prevs.toml a compose file that builds
the commit comes before its Dockerfile. Else a Dockerfile at another usual place, else
a recipe for what is there. The databases of a compose file that has nothing else stand beside it.
The port is the one that these name; else the app's, if it is not the default; else one that the
Dockerfile exposes.
"""

import dataclasses
import posixpath
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from framework.apps import effective_settings, manifest, recipes
from framework.apps.commit_files import CommitFiles, RepositoryFile
from framework.apps.compose import file_text
from framework.apps.description import unrecognised, watched
from framework.apps.description.beside import Beside
from framework.apps.manifest import Bounds, ComposeFile, InvalidManifest, Manifest
from framework.apps.recipes import OFFICIAL, BaseImages, Found, Recipe
from prevs.commit_settings import FILE, CommitSettings
from prevs.containers import BuildSettings
from prevs.records import AppRecord, Mistake

COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
"""The usual names of a compose file, the first that is there counts, as for compose itself."""

_DOCKERFILE = BuildSettings().dockerfile
_KINDS = {
    "link": "is a symbolic link; it must be a regular file",
    "folder": "is a folder; it must be a file",
    "submodule": "is a submodule; it must be a file",
}


@dataclasses.dataclass(frozen=True)
class Description:
    """What a commit says.

    `compose` is the path of the compose file that it is read from, from the app's folder on;
    `unused` that of one which is there and not used, as a Dockerfile comes first.
    """

    manifest: Manifest
    compose: str = ""
    unused: str = ""
    recipe: Recipe | None = None
    """The recipe that it is built by; None if it has a Dockerfile or an image."""
    elsewhere: Found | None = None
    """Its Dockerfile, if that is at another place than the usual one and nothing names it."""
    exposed: int | None = None
    """The port, if its Dockerfile exposes it and nothing names one."""


class Asked(NamedTuple):
    """What is said about a commit outside of it."""

    images: BaseImages = OFFICIAL
    """The base images of recipes."""
    given: Collection[str] | None = None
    """The names of the app's variables, None if they are not known."""


_NOTHING = Asked()


def read(files: CommitFiles, app: AppRecord, asked: Asked = _NOTHING) -> Description:
    """Return what describes a commit of an app.

    Raises InvalidManifest, NotDescribed, and what `files` raises.
    """
    noted = watched.NotedFiles(files)
    found = _find_with_port(noted, app, asked)
    settings = found.manifest.settings
    watch = watched.find_watch(noted, app.folder, settings, (_DOCKERFILE, *COMPOSE_FILES))
    return _complete(found, dataclasses.replace(settings, watch=watch))


def _find_with_port(files: CommitFiles, app: AppRecord, asked: Asked) -> Description:
    found = _find(files, app, asked)
    settings = found.manifest.settings
    if settings.port is not None:
        return found
    port = _find_exposed(files, app, settings)
    return dataclasses.replace(
        _complete(found, dataclasses.replace(settings, port=port)), exposed=port
    )


def _find(files: CommitFiles, app: AppRecord, asked: Asked) -> Description:
    """Return what describes a commit, as `read` does, with the ports that it names itself."""
    there, bounds = files.list("."), effective_settings.bounds(app)
    data = _read_own(files) if FILE in there else b""
    named = manifest.find_named(data, bounds)
    usual = find_compose(there)
    has_build = named.dockerfile or there.get(_DOCKERFILE) in {"file", "link"}
    if has_build and usual and FILE not in there:
        return _read_both(bounds, _open_compose(files, (usual,), app, asked))
    if named.compose or (usual and not has_build):
        paths = named.compose or (usual,)
        base = _read_compose(data, bounds, _open_compose(files, paths, app, asked))
        if base.manifest.has_application:
            return base
        # It has databases alone, which stand beside the application that something else describes.
    else:
        base = Description(manifest.read(data, bounds), unused=usual)
    return base if has_build else _read_rest(files, app, asked.images, base)


def _read_both(bounds: Bounds, file: ComposeFile) -> Description:
    """Return what a compose file and the Dockerfile beside it say, where nothing chooses.

    The compose file counts if it builds the commit, has databases alone, or is asked for by its
    service. Else it keeps no commit from running that has a Dockerfile, whatever is wrong with it.
    """
    alone = Description(manifest.read(b"", bounds), unused=file.path)
    try:
        both = _read_compose(b"", bounds, file)
    except InvalidManifest as error:
        if file.service:
            raise
        settings = dataclasses.replace(
            alone.manifest.settings, source=f"its Dockerfile alone: {file.path}, {error}"
        )
        return _complete(alone, settings)
    return both if file.service or not both.manifest.settings.run.image else alone


def _read_rest(
    files: CommitFiles, app: AppRecord, images: BaseImages, base: Description
) -> Description:
    """Return what is built by a Dockerfile at another place than the usual one, or by a recipe."""
    if elsewhere := recipes.find_dockerfile(files):
        return _read_elsewhere(base, elsewhere)
    recipe = recipes.recognise(files, images)
    if isinstance(recipe, Recipe):
        return _read_recipe(base, recipe, app)
    alone = [f"{base.compose} has databases alone"] if base.compose else []
    raise unrecognised.explain(files, files.list("."), app, [*alone, *recipe.near])


def find_compose(there: Mapping[str, str]) -> str:
    """Return the compose file among the entries of a folder that is used without being named."""
    return next((name for name in COMPOSE_FILES if there.get(name) == "file"), "")


def _read_elsewhere(base: Description, found: Found) -> Description:
    said = base.manifest.settings
    build = dataclasses.replace(said.build, dockerfile=found.path, context=found.context)
    settings = dataclasses.replace(said, build=build, source=found.path)
    return dataclasses.replace(_complete(base, settings), elsewhere=found)


def _find_exposed(files: CommitFiles, app: AppRecord, settings: CommitSettings) -> int | None:
    """Return a port that a commit's Dockerfile exposes, for one that names none.

    None for that of the app: it was set, or is exposed, or nothing better is.
    """
    build, run = settings.build, settings.run
    if app.port != AppRecord.port or run.image or build.text:
        return None
    file = files.read(build.dockerfile, most=file_text.MOST_COMPOSE_BYTES)
    text = file.data.decode(errors="replace") if file else ""
    # Without addresses of their own, two containers cannot listen at one port.
    taken = set() if run.apart else {one.listens_on for one in run.companions}
    exposed = [port for port in recipes.exposed_ports(text, build) if port not in taken]
    return exposed[0] if exposed and app.port not in exposed else None


def _read_recipe(base: Description, recipe: Recipe, app: AppRecord) -> Description:
    """Return what is built by a recipe, below the settings of the commit and of the app."""
    said, made = base.manifest.settings, recipes.settings(recipe)
    settings = dataclasses.replace(
        said,
        port=made.port if said.port is None and app.port == AppRecord.port else said.port,
        health=made.health if said.health is None else said.health,
        build=dataclasses.replace(said.build, text=made.build.text, recipe=made.build.recipe),
        source=f"a recipe: {recipe.name}",
    )
    return dataclasses.replace(_complete(base, settings), recipe=recipe)


def _complete(base: Description, settings: CommitSettings) -> Description:
    found = dataclasses.replace(base.manifest, settings=settings)
    return dataclasses.replace(base, manifest=found)


def _read_compose(data: bytes, bounds: Bounds, file: ComposeFile) -> Description:
    read = manifest.read(data, bounds, file)
    if not file.over and (other := _find_override(file)):
        note = Mistake(1, f"{other} is not read: compose in {FILE} names files that override it")
        read = dataclasses.replace(read, notes=(note, *read.notes))
    paths = (file.path, *(one.path for one in file.over))
    source = ", ".join(paths) if read.has_application else ""
    found = Description(read, compose=file.path)
    return _complete(found, dataclasses.replace(read.settings, source=source))


def _find_override(file: ComposeFile) -> str:
    """Return the file that compose itself would take beside one; "" if there is none."""
    stem = posixpath.splitext(file.path)[0]
    others = (f"{stem}.override{ending}" for ending in (".yaml", ".yml"))
    return next((one for one in others if file.kind(one) == "file"), "")


def _open_compose(
    files: CommitFiles, paths: Sequence[str], app: AppRecord, asked: Asked
) -> ComposeFile:
    """Return a compose file with those that override it, from the app's folder on."""
    first, *over = (_open_file(files, path) for path in paths)
    beside = Beside(files)
    whole = first._replace(over=tuple(over), open=beside.read, kind=beside.find_kind)
    return whole._replace(service=app.service, given=asked.given)


def _open_file(files: CommitFiles, path: str) -> ComposeFile:
    """Return a compose file, from the app's folder on."""
    file = files.read(path, most=file_text.MOST_COMPOSE_BYTES)
    if file is None:
        return ComposeFile(path, problem="is not in the commit")
    if file.kind != "file":
        return ComposeFile(path, problem=_KINDS[file.kind])
    if file.size > file_text.MOST_COMPOSE_BYTES:
        return ComposeFile(
            path, problem=file_text.too_large(file.size, file_text.MOST_COMPOSE_BYTES)
        )
    return ComposeFile(path, file.data)


def _read_own(files: CommitFiles) -> bytes:
    """Return the bytes of the .prevs.toml. Raises InvalidManifest."""
    file = files.read(FILE, most=file_text.MOST_BYTES) or RepositoryFile("file", 0)
    if file.kind != "file":
        raise InvalidManifest([Mistake(1, _KINDS[file.kind])])
    if file.size > file_text.MOST_BYTES:
        raise InvalidManifest([Mistake(1, f"the file {file_text.too_large(file.size)}")])
    return file.data
