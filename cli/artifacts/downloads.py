"""Writes downloaded files: only where they belong, each whole or not at all."""

import contextlib
import secrets
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import NotDone
from prevs import artifacts

if TYPE_CHECKING:  # its imports take longer than most commands that need no API
    from cli.client.transport import Download

_LARGE = 1024 * 1024
_LONGEST_NAME = 50
"""Characters of a file's own name in that of its part, as names have a limit."""


def place(folder: Path, path: str) -> Path:
    """Return where in a folder the artifact of a path goes. Raises NotDone if that is not in it.

    Whoever chose the path may be a stranger, and links in the folder may lead out.
    """
    target = folder.joinpath(*path.split("/"))
    if not artifacts.is_path(path) or not _is_in(target.parent, folder):
        raise NotDone(f"{path!r} would lead out of {folder}.", "Choose another folder.")
    return target


def check_free(targets: Iterable[Path]) -> None:
    """Raise NotDone if one of the files is there already."""
    taken = [target for target in targets if target.is_symlink() or target.exists()]
    if taken:
        more = f" (and {len(taken) - 1} more)" if len(taken) > 1 else ""
        raise NotDone(f"{taken[0]} is there already{more}.", "--force overwrites it.")


def save(download: "Download", target: Path) -> None:
    """Write a download to a file, which gets its name once it is whole. Raises NotDone."""
    part = target.with_name(f".{target.name[:_LONGEST_NAME]}.{secrets.token_hex(4)}.part")
    try:
        with contextlib.ExitStack() as left:
            target.parent.mkdir(parents=True, exist_ok=True)
            left.callback(part.unlink, missing_ok=True)
            with part.open("xb") as file:
                copy(download, file.write, target.name)
            part.replace(target)
    except OSError as exc:
        why = exc.strerror or str(exc)
        hint = "-o and --all name another place."
        raise NotDone(f"{target} cannot be written: {why}.", hint) from exc


def copy(download: "Download", write: Callable[[bytes], object], name: str) -> None:
    """Write all pieces; show how far it is if that is much, and somebody looks."""
    if download.size < _LARGE or not sys.stderr.isatty():
        for piece in download.pieces:
            write(piece)
        return
    with click.progressbar(length=download.size, label=name, file=sys.stderr) as bar:
        for piece in download.pieces:
            write(piece)
            bar.update(len(piece))


def _is_in(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
