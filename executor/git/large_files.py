"""Git LFS: the repository has pointers to large files, its host has their content.

`git lfs fetch` brings the content into the mirror, and git itself writes it into the tree: `git lfs
checkout` follows symbolic links of the repository.
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
from program.git.addresses import NotAllowed, find_large_files
from program.git.credentials import find_advice
from program.git.messages import find_reason, redact

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
    """A commit's tree, and the environment with which git works on it."""

    tree: Path
    settings: Mapping[str, str]


class Server(NamedTuple):
    """The server of large files, and git's environment for it, with its `credential` if any."""

    address: str
    environment: Mapping[str, str]
    credential: Credential | None


def find_pointers(mirror: Mirror, place: Place) -> Mapping[str, int]:
    """Return the files of a tree that are pointers, with the sizes of their large files."""
    command = (*AS_POINTERS, "ls-files", "-z", "--", ":(top,attr:filter=lfs)")
    listed = mirror.run(*command, more=place.settings).split(b"\0")
    found = {}
    for name in filter(None, listed):
        path = os.fsdecode(name)
        if (size := _read_size(place.tree / path)) is not None:
            found[path] = size
    return found


def find_server(mirror: Mirror, named: str | None) -> str:
    """Return the address of a repository's large files; `named` is the one in its .lfsconfig.

    Raises LargeFilesMissing.
    """
    try:
        return find_large_files(mirror.address, named)
    except NotAllowed as exc:
        why = f"the server that .lfsconfig names {exc}"
        advice = "Keep the files where the repository is, push, then open the new commit's address"
        raise LargeFilesMissing(redact(mirror.address), why, advice) from exc


def fetch_large_files(mirror: Mirror, place: Place, sha: str, *, server: Server) -> None:
    """Fetch the large files of a commit into the mirror. The caller holds its lock.

    Raises LargeFilesMissing, RepositoryUnreachable.
    """
    remote = ("-c", f"remote.{_REMOTE}.url={mirror.address}")
    _run_lfs(mirror, place, (*remote, "lfs", "fetch", _REMOTE, sha), server)


def write_large_files(
    mirror: Mirror, place: Place, pointers: Sequence[str], *, server: Server
) -> None:
    """Replace the pointers by the files that were fetched.

    git-lfs fetches files again that are no longer there, so it has the limits of the fetch. Raises
    LargeFilesMissing, RepositoryUnreachable.
    """
    for path in pointers:
        (place.tree / path).unlink()
    _run_lfs(mirror, place, _WRITE, server)


def require_git_lfs(pointers: Mapping[str, int], environ: Mapping[str, str]) -> None:
    """Raise LargeFilesUnsupported if there is no git-lfs."""
    if shutil.which("git-lfs", path=environ.get("PATH")) is None:
        raise LargeFilesUnsupported(len(pointers), printable(min(pointers)))


def _run_lfs(mirror: Mirror, place: Place, arguments: Sequence[str], server: Server) -> None:
    """Run git with settings that override the repository's own .lfsconfig."""
    limits = (f"lfs.url={server.address}", *_LIMITS)
    flags = [part for limit in limits for part in ("-c", limit)]
    more = {**server.environment, **place.settings, "GIT_LFS_SKIP_SMUDGE": "0"}
    done = mirror.execute(*flags, *arguments, more=more)
    if done.code != 0:
        shown = redact(mirror.address)
        why, advice = find_advice(done.stderr, server.credential) or (_find_reason(done.stderr), "")
        raise LargeFilesMissing(shown, why, advice)


def _read_size(path: Path) -> int | None:
    """Return the size in a pointer, None if the file is none. Follows no link."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return None
        with path.open("rb") as file:
            found = _POINTER.fullmatch(file.read(_LONGEST_POINTER))
    except OSError:
        return None
    return int(found.group(1)) if found else None


def _find_reason(stderr: str) -> str:
    """Return the line of git-lfs that has the reason: its last lines only sum up."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    reasons = [line for line in lines if not line.startswith(("error: failed to", "Errors logged"))]
    return find_reason(reasons[0] if reasons else stderr)
