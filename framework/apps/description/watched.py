"""What of a repository a preview is made of: the patterns that a commit names, or a guess. Pure.

Two commits that differ in nothing of it are the same for the app. So a guess takes too much rather
than too little, and the files that describe a commit always belong to it.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from framework.apps.commit_files import CommitFiles, RepositoryFile
from framework.apps.description import copied
from framework.apps.recipes.project import MOST_BYTES
from prevs.commit_settings import FILE, CommitSettings
from prevs.containers import BuildSettings

MOST = 100
"""How many patterns a record keeps. A commit with more of them is made of everything."""

_AT_ROOT = (".gitattributes", ".gitmodules", ".lfsconfig")
"""They change what a checkout writes, wherever it is."""
_SPECIAL = re.compile(r"[*?\[\\]")
_MOST_FOLDERS = 20


class _Everything(Exception):
    """No part of the repository can be left out."""


class NotedFiles:
    """The files of a commit, with the `paths` of those that somebody wanted to read."""

    def __init__(self, files: CommitFiles) -> None:
        self._files = files
        self.paths: dict[str, None] = {}

    def read(self, path: str, *, most: int) -> RepositoryFile | None:
        """Return what is at a path, as CommitFiles says, and note it, also if nothing is there."""
        self.paths[path] = None
        return self._files.read(path, most=most)

    def list(self, folder: str) -> Mapping[str, str]:
        """Return what is in a folder, as CommitFiles says."""
        return self._files.list(folder)


def find_watch(
    files: NotedFiles, folder: str, settings: CommitSettings, usual: Iterable[str]
) -> tuple[str, ...]:
    """Return what a commit's `settings` make it consist of, as patterns from the root on.

    () is everything. `usual` are the names of files that describe an app in its `folder`. Without
    patterns of its own, an app at the root is made of everything, and nothing is read to know it.
    Raises what `files` raises.
    """
    try:
        if settings.watch:
            found = list(_find_named(settings.watch))
        elif folder:
            found = list(_guess(files, folder, settings))
        else:
            return ()
    except _Everything:
        return ()
    builds = _list_builds(settings)
    described = (FILE, *usual, *files.paths, *(one.dockerfile for one in builds))
    ignored = [f"{one.dockerfile}.dockerignore" for one in builds]
    ignored += [posixpath.join(one.context, ".dockerignore") for one in builds]
    always = [_place(folder, path) for path in (*described, *ignored)]
    inside = [path for path in (*always, *_AT_ROOT) if not path.startswith("../")]
    patterns = _reduce([*found, *(one for path in inside for one in _escape(path))])
    return patterns if len(patterns) <= MOST else ()


def _find_named(patterns: Iterable[str]) -> Iterator[str]:
    """Yield the patterns of a commit: each also covers what is in the folders that it names."""
    for pattern in patterns:
        if pattern in ("**", "."):
            raise _Everything
        escaped = pattern.replace("[", r"\[")  # as in app/[id]/page.tsx
        yield escaped
        if _SPECIAL.search(escaped) and not escaped.endswith("/**"):
            yield f"{escaped}/**"


class _Ways:
    """The paths of one commit, which must not lead through links: what these lead to is elsewhere.

    Each folder that is looked into costs a call of git, so some are enough to give up.
    """

    def __init__(self, files: CommitFiles, folder: str) -> None:
        self.files = files
        self.folder = folder
        self._kinds: dict[str, Mapping[str, str]] = {}

    def check(self, path: str) -> str:
        """Return the place of a path from the root on. Raises _Everything."""
        place = self.find_place(path)
        above = ""
        for part in place.split("/") if place else ():
            whole = posixpath.join(above, part)
            # The app's own folder is none that a link leads to: it was listed.
            if not f"{self.folder}/".startswith(f"{whole}/") and self._is_link(above, part):
                raise _Everything
            if _SPECIAL.search(part):
                break
            above = whole
        return place

    def find_place(self, path: str) -> str:
        """Return the path from the root on of one that begins at the app's folder."""
        return _place(self.folder, path)

    def _is_link(self, above: str, part: str) -> bool:
        if above not in self._kinds:
            if len(self._kinds) == _MOST_FOLDERS:
                raise _Everything
            self._kinds[above] = self.files.list(posixpath.relpath(f"/{above}", f"/{self.folder}"))
        links = (name for name, kind in self._kinds[above].items() if kind == "link")
        return any(name == part or fnmatchcase(name, part) for name in links)


def _guess(files: CommitFiles, folder: str, settings: CommitSettings) -> Iterator[str]:
    """Yield what the builds of a commit and its containers take from it."""
    ways = _Ways(files, folder)
    for build in _list_builds(settings):
        yield from _guess_build(ways, build)
    containers = [settings.run.container, *(one.container for one in settings.run.companions)]
    for file in (one for container in containers for one in container.files if one.source):
        yield from _whole(ways.check(file.source))


def _guess_build(ways: _Ways, build: BuildSettings) -> Iterator[str]:
    """Yield what a build takes: its context, or of one around the app's folder what it copies."""
    context = ways.find_place(build.context)
    is_around = not context or ways.folder.startswith(f"{context}/")
    sources = _find_sources(ways.files, build) if is_around else ()
    if not sources:
        yield from _whole(ways.check(build.context))
    for source in sources:
        ways.check(posixpath.join(build.context, source))
        pattern = posixpath.join(_escape_one(context), source)
        yield from (pattern, f"{pattern}/**") if _SPECIAL.search(pattern) else (pattern,)


def _find_sources(files: CommitFiles, build: BuildSettings) -> tuple[str, ...]:
    """Return what a Dockerfile copies of its context; nothing if that may be all of it."""
    file = None if build.text else files.read(build.dockerfile, most=MOST_BYTES)
    if file is None or file.kind != "file" or file.size > MOST_BYTES:
        return ()
    return copied.find_sources(file.data.decode(errors="replace")) or ()


def _whole(place: str) -> Iterator[str]:
    if not place:
        raise _Everything
    yield from _escape(place)


def _escape(place: str) -> Iterator[str]:
    """Yield the patterns of a path and of what is below it."""
    escaped = _escape_one(place)
    yield escaped
    if escaped != place:
        yield f"{escaped}/**"


def _escape_one(place: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", place)


def _reduce(patterns: Iterable[str]) -> tuple[str, ...]:
    """Return patterns without those in a folder that another one names."""
    wanted = dict.fromkeys(patterns)
    folders = {one for one in wanted if not _SPECIAL.search(one)}
    return tuple(one for one in wanted if not any(above in folders for above in _list_above(one)))


def _list_above(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def _list_builds(settings: CommitSettings) -> list[BuildSettings]:
    own = [] if settings.run.image else [settings.build]
    return [*own, *(one.build for one in settings.run.companions if one.build)]


def _place(folder: str, path: str) -> str:
    """Return the path from the root on of one that begins at the app's folder; "" for the root."""
    place = posixpath.normpath(posixpath.join(folder, path))
    return "" if place == "." else place
