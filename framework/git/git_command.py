"""Running git, for repositories that are not trusted. The only module that knows GitPython.

git reads one settings file, ours; it never asks for anything, and speaks only the protocols below.
"""

from __future__ import annotations

import contextlib
import copy
import io
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import git

from framework.apps import repository_url
from prevs.messages import Credential
from program import git_redirects
from program.git_addresses import read_address
from program.git_credentials import Access, CredentialUnusable, find_advice, give_access

# safe.directory has to be in a file: git empties the environment's settings for the upload-pack
# that serves a repository on this machine, and that one refuses other users' repositories.
# The low speed limits end a transfer that stands still, where the time limit alone would allow it.
# The limits of memory are for a unit with 2 GB, in which the framework runs too; git's own are for
# machines. Measured with git 2.47 on two cores: a random file of 100 MB takes index-pack 4 MB and
# not 99, unpack-objects 5 and not 100; twelve files of 7 MB in five versions each take index-pack
# 24 MB and not 91, and gc 106 and not 414. A large file that a server sends as a difference from
# another is still made in memory, whole, beside that one (195 MB with files of 100 MB).
# What a fetch stores by itself, and whole where it came as a difference, it stores uncompressed: a
# visitor waits for it, 35 ms for a megabyte. gc compresses it, where nobody waits.
_SETTINGS = """\
[safe]
\tdirectory = *
[credential]
\thelper =
[core]
\thooksPath = /dev/null
\tbigFileThreshold = 8m
\tdeltaBaseCacheLimit = 16m
[pack]
\tthreads = 1
\twindowMemory = 64m
\tdeltaCacheSize = 16m
[fetch]
\twriteCommitGraph = true
\trecurseSubmodules = false
[gc]
\tautoDetach = false
[http]
\tfollowRedirects = false
\tlowSpeedLimit = 1
\tlowSpeedTime = 30
"""
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_PARAMETERS": "",
    "GIT_CONFIG_COUNT": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=10 "
    "-oServerAliveInterval=15 -oServerAliveCountMax=2",
    "GIT_ALLOW_PROTOCOL": "http:https:ssh:git:file",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
}
_KEYS = "keys-"
_TIMED_OUT = (124, 137)
_BOILERPLATE = (
    "Could not read from remote repository.",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
)


LONGEST_LINE = 8192
"""A commit's subject may have a megabyte, and a repository thousands of such commits."""


class GitFailed(Exception):
    """git ended with an error; `why` is its last line that says something, `output` all of it."""

    def __init__(self, why: str, output: str) -> None:
        super().__init__(why)
        self.why = why
        self.output = output


class NotGiven(GitFailed):
    """The app's credential is not to be had here, so git was not run."""


class GitCommand:
    """git with its settings in `folder`. Thread safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        settings = folder / "gitconfig"
        settings.write_text(_SETTINGS)
        # What a framework that was killed has left.
        for left in folder.glob(f"{_KEYS}*"):
            shutil.rmtree(left, ignore_errors=True)
        self._environment = {**_ENVIRONMENT, "GIT_CONFIG_GLOBAL": str(settings)}

    def read(self, repository: Path, arguments: Sequence[str], *, limit: int) -> str:
        """Return what git wrote to stdout, of each line LONGEST_LINE bytes at most; else as `run`.

        For what says little of errors: those are read last.
        """
        lines = _Lines()
        self._execute(repository, arguments, limit=limit, output_stream=lines)
        return lines.kept.decode("utf-8", "surrogateescape")

    def run(self, repository: Path, arguments: Sequence[str], *, limit: int) -> tuple[str, str]:
        """Return what git wrote to stdout and stderr, in the bare `repository`.

        Blocks for at most `limit` seconds. Bytes that are not UTF-8 come as surrogates. Raises
        GitFailed.
        """
        return self._execute(repository, arguments, limit=limit)

    def run_there(
        self,
        repository: Path,
        before: Sequence[str],
        address: str,
        after: Sequence[str],
        *,
        limit: int,
    ) -> tuple[str, str]:
        """Run on what is at `address`, wherever on its own server that has moved to; else as `run`.

        Each of a few redirects has the limit anew.
        """
        for _ in range(git_redirects.MOST):
            try:
                return self.run(repository, [*before, address, *after], limit=limit)
            except GitFailed as exc:
                if not git_redirects.is_redirected(exc.output):
                    raise
                address = self._find_moved(repository, address, limit)
        raise GitFailed("its server sends on from one address to the next, without an end", "")

    def _find_moved(self, repository: Path, address: str, limit: int) -> str:
        git = copy.copy(self)
        git._environment = {**self._environment, **git_redirects.TRACE}
        try:
            _, traced = git.run(
                repository, ["ls-remote", "--quiet", "--end-of-options", address], limit=limit
            )
        except GitFailed as exc:
            traced = exc.output
        try:
            return git_redirects.find_moved(address, traced)
        except git_redirects.LedElsewhere as exc:
            why = f"its server sends on to {exc}. {git_redirects.ADVICE}"
            raise GitFailed(why, "") from exc

    @contextlib.contextmanager
    def asking(self, address: str, credential: Credential | None) -> Iterator[GitCommand]:
        """Give a git that may ask the repository at `address` with a credential, for a while.

        Raises GitFailed where it cannot be used; one that is raised within says what is to be done.
        """
        place = read_address(address)
        with tempfile.TemporaryDirectory(prefix=_KEYS, dir=self._folder) as keys:
            try:
                access = give_access(credential, place, Path(keys)) if place else Access({})
            except CredentialUnusable as exc:
                raise GitFailed(str(exc), "") from exc
            for path, text in access.files.items():
                path.touch(mode=0o600)
                path.write_text(text)
            git = self
            if credential is not None:
                git = copy.copy(self)
                git._environment = {**self._environment, **access.environment}
            try:
                yield git
            except GitFailed as exc:
                if found := find_advice(exc.output, credential):
                    raise GitFailed(". ".join(found), exc.output) from exc
                raise

    def _execute(
        self,
        repository: Path,
        arguments: Sequence[str],
        *,
        limit: int,
        **more: Any,
    ) -> tuple[str, str]:
        # timeout(1) ends all of git's children too, and gently, so that git removes its locks;
        # GitPython's own limit kills, and needs a program that not every machine has.
        command = ["timeout", "--kill-after=5", str(limit), "git", f"--git-dir={repository}"]
        try:
            status, output, errors = git.Git().execute(
                [*command, *arguments],
                with_extended_output=True,
                with_exceptions=False,
                env=self._environment,
                **more,
            )
        except git.GitCommandNotFound as exc:
            raise GitFailed("git could not be started", str(exc)) from exc
        if status in _TIMED_OUT:
            raise GitFailed(f"it did not answer within {limit} s", str(errors))
        if status:
            raise GitFailed(_find_reason(errors), errors)
        return str(output), errors


class _Lines(io.RawIOBase):
    """Keeps the beginning of each line that is written here."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = bytearray()
        self._room = LONGEST_LINE

    def write(self, data: Any) -> int:
        first, *others = bytes(data).split(b"\n")
        self._keep(first)
        for line in others:
            self.kept += b"\n"
            self._room = LONGEST_LINE
            self._keep(line)
        return len(data)

    def _keep(self, piece: bytes) -> None:
        self.kept += piece[: self._room]
        self._room -= min(self._room, len(piece))


def _find_reason(errors: str) -> str:
    """Return the last line that says what happened, without credentials."""
    lines = [
        line.strip().removeprefix("fatal: ").removeprefix("error: ") for line in errors.splitlines()
    ]
    telling = [line for line in lines if line and line not in _BOILERPLATE]
    return repository_url.redact((telling or ["git could not read it"])[-1])
