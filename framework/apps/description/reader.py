"""Finds which files of a commit describe it, and reads them.

What a .prevs.toml says comes first. What it leaves open says a Dockerfile, else a compose file,
both in the app's folder under their usual names; without a .prevs.toml a compose file that builds
the commit comes before its Dockerfile. Else a Dockerfile at another usual place, else
a recipe for what is there. The databases of a compose file that has nothing else stand beside it.
The port is the one that these name; else the app's, if it is not the default; else one that the
Dockerfile exposes.
"""

import dataclasses
import functools
import posixpath
from collections.abc import Mapping

from framework.apps import effective_settings, manifest, recipes
from framework.apps.commit_files import CommitFiles, RepositoryFile
from framework.apps.compose import file_text
from framework.apps.description import unrecognised, watched
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


def read(
    files: CommitFiles, app: AppRecord, images: BaseImages = OFFICIAL, *, service: str = ""
) -> Description:
    """Return what describes a commit of an app; `images` are the base images of recipes.

    `service` is that of its compose file which visitors reach, whatever a .prevs.toml says. Raises
    InvalidManifest, NotDescribed, and what `files` raises.
    """
    noted = watched.NotedFiles(files)
    found = _find_with_port(noted, app, images, service)
    settings = found.manifest.settings
    watch = watched.find_watch(noted, app.folder, settings, (_DOCKERFILE, *COMPOSE_FILES))
    return _complete(found, dataclasses.replace(settings, watch=watch))


def _find_with_port(
    files: CommitFiles, app: AppRecord, images: BaseImages, service: str
) -> Description:
    found = _find(files, app, images, service)
    settings = found.manifest.settings
    if settings.port is not None:
        return found
    port = _find_exposed(files, app, settings)
    return dataclasses.replace(
        _complete(found, dataclasses.replace(settings, port=port)), exposed=port
    )


def _find(files: CommitFiles, app: AppRecord, images: BaseImages, service: str) -> Description:
    """Return what describes a commit, as `read` does, with the ports that it names itself."""
    there, bounds = files.list("."), effective_settings.bounds(app)
    data = _read_own(files) if FILE in there else b""
    named = manifest.find_compose(data, bounds)
    own = manifest.read(data, bounds) if named is None else None
    found = named or find_compose(there)
    has_build = own is not None and _has_build(own, there)
    if has_build and found and FILE not in there:
        return _read_both(bounds, _open_compose(files, found, service))
    if own is None or (found and not has_build):
        composed = _read_compose(data, bounds, _open_compose(files, found, service))
        if composed.manifest.has_application:
            return composed
        # It has databases alone, which stand beside the application that something else describes.
        own, has_build = composed.manifest, _has_build(composed.manifest, there)
        base = Description(own, compose=found)
    else:
        base = Description(own, unused=found)
    return base if has_build else _read_rest(files, app, images, base)


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


def _has_build(own: Manifest, there: Mapping[str, str]) -> bool:
    """Return whether the executor finds a Dockerfile, or says what is wrong with it."""
    is_named = own.settings.build.dockerfile != _DOCKERFILE
    return is_named or there.get(_DOCKERFILE) in {"file", "link"}


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
    source = file.path if read.has_application else ""
    found = Description(read, compose=file.path)
    return _complete(found, dataclasses.replace(read.settings, source=source))


def _open_compose(files: CommitFiles, path: str, service: str) -> ComposeFile:
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
    return ComposeFile(
        path,
        file.data,
        open=functools.partial(_open_beside, files),
        kind=functools.partial(_find_kind, files),
        service=service,
    )


def _find_kind(files: CommitFiles, path: str) -> str:
    """Return what is at a path of the commit, "" for nothing."""
    folder, name = posixpath.split(path)
    # No name is the app's folder itself, or one above it.
    return "folder" if name in {".", ".."} else files.list(folder or ".").get(name, "")


def _open_beside(files: CommitFiles, path: str) -> str | None:
    """Return the text of a small file of the commit; None if there is no such one."""
    file = files.read(path, most=file_text.MOST_BYTES)
    if file is None or file.kind != "file" or file.size > file_text.MOST_BYTES:
        return None
    return file.data.decode(errors="replace")


def _read_own(files: CommitFiles) -> bytes:
    """Return the bytes of the .prevs.toml. Raises InvalidManifest."""
    file = files.read(FILE, most=file_text.MOST_BYTES) or RepositoryFile("file", 0)
    if file.kind != "file":
        raise InvalidManifest([Mistake(1, _KINDS[file.kind])])
    if file.size > file_text.MOST_BYTES:
        raise InvalidManifest([Mistake(1, f"the file {file_text.too_large(file.size)}")])
    return file.data
