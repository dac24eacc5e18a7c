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

from prevs.messages import Credential
from program import git_redirects, git_safety
from program.git_addresses import read_address
from program.git_credentials import Access, CredentialUnusable, find_advice, give_access
from program.git_messages import find_reason

# With windowMemory gc takes 106 MB and not 414, for the files of program/git_safety.py.
# What a fetch stores by itself, and whole where it came as a difference, it stores uncompressed: a
# visitor waits for it, 35 ms for a megabyte. gc compresses it, where nobody waits.
# The low speed limits end a transfer that stands still, where the time limit alone would allow it.
_SETTINGS = {
    **git_safety.SETTINGS_IN_FILE,
    **git_safety.SETTINGS,
    "credential.helper": "",
    "pack.windowMemory": "64m",
    "fetch.writeCommitGraph": "true",
    "gc.autoDetach": "false",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "30",
}
_ENVIRONMENT = {
    **git_safety.ENVIRONMENT,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_PARAMETERS": "",
    "GIT_CONFIG_COUNT": "0",
    "GIT_SSH_COMMAND": git_safety.SSH_COMMAND,
    "GIT_ALLOW_PROTOCOL": git_safety.OWN_PROTOCOLS,
    "GIT_OPTIONAL_LOCKS": "0",
}
_KEYS = "keys-"
_TIMED_OUT = (124, 137)

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
        settings.write_text(git_safety.write_file(_SETTINGS))
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

        def ask(place: str) -> tuple[str, str]:
            try:
                return self.run(repository, [*before, place, *after], limit=limit)
            except GitFailed as exc:
                if git_redirects.is_redirected(exc.output):
                    raise git_redirects.Redirected from exc
                raise

        try:
            return git_redirects.follow(
                address, ask, lambda place: self._trace(repository, place, limit)
            )
        except git_redirects.RedirectRefused as exc:
            raise GitFailed(str(exc), "") from exc

    def _trace(self, repository: Path, address: str, limit: int) -> str:
        git = copy.copy(self)
        git._environment = {**self._environment, **git_redirects.TRACE}
        try:
            return git.run(repository, [*git_redirects.QUESTION, address], limit=limit)[1]
        except GitFailed as exc:
            return exc.output

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
            raise GitFailed(find_reason(errors), errors)
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
