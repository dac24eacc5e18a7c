"""The files that a commit keeps in Git LFS: pointers in the repository, content on its host.

The content comes into the mirror with `git lfs fetch`, and git itself writes it into the tree:
`git lfs checkout` follows links that a repository has put there.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from executor.errors import LargeFilesMissing, LargeFilesUnsupported
from executor.git.mirror import AS_POINTERS, Mirror
from executor.git.submodules import printable
from prevs.messages import Credential
from program.git_addresses import NotAllowed, find_large_files
from program.git_credentials import find_advice
from program.git_messages import find_reason, redact

_LONGEST_POINTER = 1024
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:[a-z0-9.-]+ [^\n]*\n)*?"
    rb"oid sha256:[0-9a-f]{64}\nsize (\d{1,18})\n(?:[a-z0-9.-]+ [^\n]*\n)*"
)
_WRITE = (
    *("-c", "filter.lfs.smudge=git-lfs smudge -- %f"),
    *("-c", "filter.lfs.process=git-lfs filter-process"),
    *("-c", "filter.lfs.required=true"),
    *("checkout-index", "--all", "--quiet"),
)
_LIMITS = ("lfs.skipdownloaderrors=false", "lfs.transfer.maxretries=3")
_REMOTE = "prevs"


class Place(NamedTuple):
    """Where a commit's files are: the tree, and settings with which git works on it."""

    tree: Path
    settings: Mapping[str, str]


class Server(NamedTuple):
    """Where large files are, and how git asks there, by `credential` if there is one."""

    address: str
    environment: Mapping[str, str]
    credential: Credential | None


def find_pointers(mirror: Mirror, place: Place) -> Mapping[str, int]:
    """Return the files of a tree that are pointers to large ones, with the bytes of those."""
    command = (*AS_POINTERS, "ls-files", "-z", "--", ":(top,attr:filter=lfs)")
    listed = mirror.run(*command, more=place.settings).split(b"\0")
    found = {}
    for name in filter(None, listed):
        path = os.fsdecode(name)
        if (size := _read_size(place.tree / path)) is not None:
            found[path] = size
    return found


def find_server(mirror: Mirror, named: str | None) -> str:
    """Return where the large files of a repository are; `named` is the address in its .lfsconfig.

    Raises LargeFilesMissing.
    """
    try:
        return find_large_files(mirror.address, named)
    except NotAllowed as exc:
        why = f"the server that .lfsconfig names {exc}"
        advice = "Keep the files where the repository is, push, then open the new commit's address"
        raise LargeFilesMissing(redact(mirror.address), why, advice) from exc


def fetch_large_files(mirror: Mirror, place: Place, sha: str, *, server: Server) -> None:
    """Bring the large files of a commit into the mirror, which is held.

    Raises LargeFilesMissing, RepositoryUnreachable.
    """
    remote = ("-c", f"remote.{_REMOTE}.url={mirror.address}")
    _ask(mirror, place, (*remote, "lfs", "fetch", _REMOTE, sha), server)


def write_large_files(
    mirror: Mirror, place: Place, pointers: Sequence[str], *, server: Server
) -> None:
    """Put what was fetched in the place of the pointers.

    git-lfs asks for what is not there any more, so it has the limits that the fetch has. Raises
    LargeFilesMissing, RepositoryUnreachable.
    """
    for path in pointers:
        (place.tree / path).unlink()
    _ask(mirror, place, _WRITE, server)


def require_git_lfs(pointers: Mapping[str, int], environ: Mapping[str, str]) -> None:
    """Raise LargeFilesUnsupported where there is no git-lfs."""
    if shutil.which("git-lfs", path=environ.get("PATH")) is None:
        raise LargeFilesUnsupported(len(pointers), printable(min(pointers)))


def _ask(mirror: Mirror, place: Place, arguments: Sequence[str], server: Server) -> None:
    """Run git with settings that stand above the repository's own .lfsconfig."""
    limits = (f"lfs.url={server.address}", *_LIMITS)
    flags = [part for limit in limits for part in ("-c", limit)]
    more = {**server.environment, **place.settings, "GIT_LFS_SKIP_SMUDGE": "0"}
    done = mirror.ask(*flags, *arguments, more=more)
    if done.code != 0:
        shown = redact(mirror.address)
        why, advice = find_advice(done.said, server.credential) or (_find_reason(done.said), "")
        raise LargeFilesMissing(shown, why, advice)


def _read_size(path: Path) -> int | None:
    """Return the size that a pointer tells, None for what is none. Follows no link."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return None
        with path.open("rb") as file:
            found = _POINTER.fullmatch(file.read(_LONGEST_POINTER))
    except OSError:
        return None
    return int(found.group(1)) if found else None


def _find_reason(said: str) -> str:
    """Return the line of git-lfs that tells why: its last ones only sum up."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(("error: failed to", "Errors logged"))]
    return find_reason(telling[0] if telling else said)
