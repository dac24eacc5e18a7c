"""Runs git on untrusted repositories. The only module that knows GitPython.

git reads our settings file alone, never prompts, and uses only the protocols below.
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
from program.git import redirects, safety
from program.git.addresses import read_address
from program.git.credentials import Access, CredentialUnusable, find_advice, give_access
from program.git.messages import find_reason

# With windowMemory gc needs 106 MB instead of 414, for the files of program/git/safety.py.
# A fetch stores loose objects and completed deltas uncompressed: compressing takes 35 ms a
# megabyte, while a visitor waits. gc compresses them later.
# The low speed limits end a transfer that stands still before the time limit does.
_SETTINGS = {
    **safety.SETTINGS_IN_FILE,
    **safety.SETTINGS,
    "credential.helper": "",
    "pack.windowMemory": "64m",
    "fetch.writeCommitGraph": "true",
    "gc.autoDetach": "false",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "30",
}
_ENVIRONMENT = {
    **safety.ENVIRONMENT,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_PARAMETERS": "",
    "GIT_CONFIG_COUNT": "0",
    "GIT_SSH_COMMAND": safety.SSH_COMMAND,
    "GIT_ALLOW_PROTOCOL": safety.OWN_PROTOCOLS,
    "GIT_OPTIONAL_LOCKS": "0",
}
_FETCH = (
    "--no-tags",
    "--update-shallow",
    "--no-recurse-submodules",
    "--no-write-fetch-head",
    "--no-auto-maintenance",
    "--end-of-options",
)
"""A mirror fetches the refs that it names, and nothing else happens by itself."""
_PACKED = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "fetch.unpackLimit",
    "GIT_CONFIG_VALUE_0": "1",
}
_KEYS = "keys-"
_TIMED_OUT = (124, 137)

LONGEST_LINE = 8192
"""In bytes: a commit's subject may have a megabyte, and a repository thousands of such commits."""


class GitFailed(Exception):
    """git failed; `why` is the reason, `output` all of its stderr."""

    def __init__(self, why: str, output: str) -> None:
        super().__init__(why)
        self.why = why
        self.output = output


class CredentialUnavailable(GitFailed):
    """The app's credential cannot be read here, so git was not run."""


class GitCommand:
    """git with its settings in `folder`. Thread safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        settings = folder / "gitconfig"
        settings.write_text(safety.write_file(_SETTINGS))
        # Files that a killed framework has left.
        for left in folder.glob(f"{_KEYS}*"):
            shutil.rmtree(left, ignore_errors=True)
        self._environment = {**_ENVIRONMENT, "GIT_CONFIG_GLOBAL": str(settings)}
        self._before: tuple[str, ...] = ()

    def limited(self, most: int) -> GitCommand:
        """Return a git none of whose files gets more than so many MB; it ends at that."""
        git = copy.copy(self)
        # A fetch writes one pack then, and not a file for each object.
        git._environment = {**self._environment, **_PACKED}
        git._before = ("prlimit", f"--fsize={most * 1_000_000}")
        return git

    def read(self, repository: Path, arguments: Sequence[str], *, limit: int) -> str:
        """Like `run`, but return stdout alone, at most LONGEST_LINE bytes of each line.

        For commands with little stderr: it is read last.
        """
        lines = _Lines()
        self._execute(repository, arguments, limit=limit, output_stream=lines)
        return lines.kept.decode("utf-8", "surrogateescape")

    def read_start(
        self, repository: Path, arguments: Sequence[str], *, limit: int, most: int
    ) -> str:
        """Like `read`, but return the first `most` bytes, however long the lines are."""
        start = _Start(most)
        self._execute(repository, arguments, limit=limit, output_stream=start)
        return start.kept.decode("utf-8", "surrogateescape")

    def run(self, repository: Path, arguments: Sequence[str], *, limit: int) -> tuple[str, str]:
        """Run git on the bare `repository`; return what it wrote to stdout and stderr.

        Blocks for at most `limit` seconds. Bytes that are not UTF-8 become surrogates. Raises
        GitFailed.
        """
        return self._execute(repository, arguments, limit=limit)

    def fetch(
        self,
        repository: Path,
        address: str,
        refspecs: Sequence[str],
        *,
        limit: int,
        prune: bool = False,
        depth: int = 0,
    ) -> bool:
        """Fetch refs as `run_remote` does; return whether anything may have changed.

        git prints every change, else nothing. `prune` removes refs that are gone there. With a
        `depth` only so many commits come, those before them do not.
        """
        options = [*(["--prune"] if prune else []), *([f"--depth={depth}"] if depth else [])]
        before = ["fetch", *options, *_FETCH]
        _, news = self.run_remote(repository, before, address, refspecs, limit=limit)
        return bool(news)

    def run_remote(
        self,
        repository: Path,
        before: Sequence[str],
        address: str,
        after: Sequence[str],
        *,
        limit: int,
    ) -> tuple[str, str]:
        """Like `run`, on the repository at `address`; follows redirects within the same origin.

        The limit applies again after each of a few redirects.
        """

        def run_at(place: str) -> tuple[str, str]:
            try:
                return self.run(repository, [*before, place, *after], limit=limit)
            except GitFailed as exc:
                if redirects.is_redirected(exc.output):
                    raise redirects.Redirected from exc
                raise

        try:
            return redirects.follow(
                address, run_at, lambda place: self._trace(repository, place, limit)
            )
        except redirects.RedirectRefused as exc:
            raise GitFailed(str(exc), "") from exc

    def _trace(self, repository: Path, address: str, limit: int) -> str:
        git = copy.copy(self)
        git._environment = {**self._environment, **redirects.TRACE}
        try:
            return git.run(repository, [*redirects.QUESTION, address], limit=limit)[1]
        except GitFailed as exc:
            return exc.output

    @contextlib.contextmanager
    def with_credential(self, address: str, credential: Credential | None) -> Iterator[GitCommand]:
        """Yield a git that reads the repository at `address` with a credential.

        Raises GitFailed if the credential cannot be used. A GitFailed that is raised within gets
        advice on what to do.
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
        # timeout(1) ends all of git's children too, with SIGTERM, so that git removes its locks.
        # GitPython's kill_after_timeout sends SIGKILL, does not reach grandchildren (GitPython
        # issue 895), and needs the `ps` of procps (issue 1756, fixed by pull request 2236).
        ended = ("timeout", "--kill-after=5", str(limit))
        command = [*self._before, *ended, "git", f"--git-dir={repository}"]
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


class _Start(io.RawIOBase):
    """A stream that keeps its beginning."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.kept = bytearray()
        self._most = most

    def write(self, data: Any) -> int:
        self.kept += bytes(data)[: self._most - len(self.kept)]
        return len(data)


class _Lines(io.RawIOBase):
    """A stream that keeps the beginning of each line."""

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
