"""Finds the folder and the Dockerfile of a build, and follows no link out of the commit."""

from __future__ import annotations

import hashlib
import os
import posixpath
from pathlib import Path
from typing import Optional

from executor.errors import ContextInvalid, DockerfileMissing
from executor.ports import Context
from prevs import names
from prevs.containers import BuildSettings

RECIPES = ".recipes"
"""What follows a tree's name in that of the folder with Dockerfiles that prevs wrote."""

LONGEST = 1_000_000
"""The most bytes that a Dockerfile may have; more than any written by hand."""


def find_context(tree: Path, sha: str, folder: str, settings: BuildSettings) -> Context:
    """Return what to build of the commit in `tree`, whose app is in its `folder`.

    A Dockerfile that prevs wrote is put beside the tree; the commit's .dockerignore counts for it.
    Raises DockerfileMissing or ContextInvalid unless both exist within the commit. Builders do not
    follow links inside a context. But they open the Dockerfile, .dockerignore and the context's
    folder themselves, on the agent and outside of every container. If one of these were a link out
    of the commit, the build would read the agent's own files, or a device.
    """
    commit = names.short(sha)
    if settings.text:
        dockerfile = _write(tree, settings.text)
    else:
        dockerfile = _find_dockerfile(tree, sha, folder, settings)
    context = _find_folder(tree, commit, folder, settings)
    _check_ignored(tree, sha, context / ".dockerignore")
    return Context(context, dockerfile)


def _find_dockerfile(tree: Path, sha: str, folder: str, settings: BuildSettings) -> Path:
    """Return a Dockerfile of the commit. Raises DockerfileMissing."""
    commit = names.short(sha)
    named = posixpath.normpath(posixpath.join(folder, settings.dockerfile))
    dockerfile = follow(tree, folder, settings.dockerfile)
    if dockerfile is None:
        raise DockerfileMissing(sha, f"{named} leads out of commit {commit}.")
    if not dockerfile.exists():
        raise DockerfileMissing(sha, _missing(named, commit))
    if not dockerfile.is_file():
        raise DockerfileMissing(sha, f"{named} of commit {commit} is not a file.")
    _check_ignored(tree, sha, Path(f"{dockerfile}.dockerignore"))
    return dockerfile


def _find_folder(tree: Path, commit: str, folder: str, settings: BuildSettings) -> Path:
    """Return the folder of a build, which may have a .dockerignore. Raises as find_context()."""
    context = follow(tree, folder, settings.context)
    shown = posixpath.normpath(posixpath.join(folder, settings.context))
    if context is None:
        raise ContextInvalid(shown, commit, "leads out of the commit")
    if not context.is_dir():
        raise ContextInvalid(shown, commit, "is not a folder of the commit")
    return context


def _check_ignored(tree: Path, sha: str, file: Path) -> None:
    if follow(tree, str(file)) is None:
        why = f"{file.name} is a link that leads out of commit {names.short(sha)}."
        raise DockerfileMissing(sha, why)


def _write(tree: Path, text: str) -> Path:
    """Return a file with the Dockerfile that prevs wrote, beside the tree: nothing can copy it."""
    folder = tree.with_name(f"{tree.name}{RECIPES}")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / hashlib.sha256(text.encode()).hexdigest()[:24]
    file.write_text(text)
    return file


def read_dockerfile(context: Context) -> str:
    """Return the text of a Dockerfile; if it is too long, its beginning."""
    with context.dockerfile.open("rb") as file:
        return file.read(LONGEST + 1).decode(errors="replace")


def _missing(named: str, commit: str) -> str:
    where = "Dockerfile at the root" if named == "Dockerfile" else f"file {named}, a Dockerfile,"
    return f"There is no {where} of commit {commit}."


def follow(tree: Path, *parts: str) -> Optional[Path]:
    """Return the real path of a path in the tree, None if it leads out of the tree."""
    root = Path(os.path.realpath(tree))
    try:
        # Unlike Path.resolve, it never raises for a link, not even for one to itself.
        target = Path(os.path.realpath(root.joinpath(*parts)))
    except ValueError:  # a zero byte
        return None
    return target if target == root or root in target.parents else None
