"""A bare mirror of one repository, with enough of it to build. All attempts of an agent share it.

It first fetches the wanted commit alone, without history. If that does not work, it fetches the
latest commits of the branches, and then all branches and tags with their history. A repository on
this machine is fetched as a whole at once.

    complete            a file, once the whole history is there: later fetches get all of it
    refs/commits/<sha>  a commit that was fetched alone: the ref makes git count it as there
    refs/prevs/…        the refs that pull requests have there
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from executor.errors import (
    CommitMissing,
    ExecutorError,
    RepositoryMoved,
    RepositoryUnreachable,
)
from executor.git.git_command import Deadline, Done, GitCommand, Take, TookTooLong
from executor.ports import Log, Signals
from executor.workspace.locks import locked
from prevs import names
from prevs.messages import Credential
from program.git import redirects, safety
from program.git.addresses import read_address
from program.git.credentials import find_advice
from program.git.messages import find_reason, redact

_BRANCHES = "+refs/heads/*:refs/heads/*"
_TAGS = "+refs/tags/*:refs/tags/*"
_PULLS = "refs/prevs"
_RECENT = 50
"""How many commits of each branch: few are pushed on top of one within an hour."""

_MANY_PACKS = 20

_CONFIG = (
    *safety.write_options(safety.SETTINGS),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
    # Keep each fetch as a pack: unpacking it would compress each object again.
    *("-c", "fetch.unpackLimit=1"),
    # git stores the base of a delta beside it while a visitor waits. Uncompressed that takes 35 ms
    # less for each megabyte, and more of the disk.
    *("-c", "core.looseCompression=0"),
)
AS_POINTERS = (
    # Large files stay pointers, as in the repository; see executor/git/large_files.py.
    *("-c", "filter.lfs.smudge="),
    *("-c", "filter.lfs.process="),
    *("-c", "filter.lfs.required=false"),
)
"""Settings for commands that write or read files."""

_UNCOMPRESSED = "--upload-pack=git -c pack.window=0 -c pack.compression=0 upload-pack"
"""Copies objects from a repository on this machine: compressing them would take longer."""

_FETCH = ("fetch", "--quiet", "--no-tags", "--force", "--update-shallow")


class Mirror:
    """The mirror of the repository at `address`, in `folder`, which it shares with other mirrors.

    A submodule of the repository `reader` has a mirror of its own for each reader: whoever may read
    another repository need not be allowed to read this one, and must not find it here.
    `environment` is git's for this repository, with `credential` if there is one. `opening` is
    called before the repository is contacted. It returns more of the environment, or raises if git
    may not contact that host. `ref` (pull/7/head, or the commit's own id) is fetched beside the
    branches and tags, "" for none.
    """

    def __init__(  # noqa: PLR0913 - wiring; most arguments are given by name
        self,
        folder: Path,
        address: str,
        *,
        git: GitCommand,
        deadline: Deadline,
        reader: str,
        environment: Mapping[str, str],
        credential: Credential | None,
        opening: Callable[[], Mapping[str, str]] = dict,
        ref: str = "",
    ) -> None:
        name = address if reader == address else f"{reader}\n{address}"
        digest = hashlib.sha256(name.encode()).hexdigest()[:24]
        self.path = folder / "mirrors" / f"{digest}.git"
        self.address = address
        self._place = address
        self._lock = folder / "locks" / f"mirror-{digest}"
        self._git = git
        self._deadline = deadline
        self._environment = {**environment, "GIT_DIR": str(self.path)}
        self._credential = credential
        self._opening = opening
        self._ref = ref if not ref or names.is_sha(ref) else f"refs/{ref}"

    @contextlib.contextmanager
    def held(self, signals: Signals, log: Log) -> Iterator[None]:
        """Hold the mirror's lock. The wait for it extends the deadline."""
        began = time.monotonic()
        busy = "waiting for another attempt that reads this repository"
        with locked(self._lock, signals, busy=lambda: log.header(busy)):
            self._deadline.extend(time.monotonic() - began)
            yield

    def fetch(self, sha: str) -> None:
        """Make sure that the mirror has a commit; fetches only if it is missing.

        The caller holds the mirror's lock. Raises RepositoryUnreachable, CommitMissing, Stopped.
        """
        # init makes this last: if it was killed, it runs again.
        is_new = not (self.path / "objects").exists()
        if is_new:
            self.path.mkdir(parents=True, exist_ok=True)
            self.run("init", "--quiet", "--bare", "--template=")
        # The disk collector reads from this when the mirror was last used.
        os.utime(self.path)
        if not is_new and self._has(sha):
            return
        # Nobody else writes here while we hold the lock. So git's own locks are left from a killed
        # git, and would stop every later fetch; the packs that it received are incomplete.
        for pattern in ("*.lock", "tmp_pack_*", ".tmp-*"):
            for stale in self.path.rglob(pattern):
                stale.unlink(missing_ok=True)
        with self._in_time():
            self._environment = {**self._environment, **self._opening()}
            found = self._fetch_commit(sha)
        if not found:
            raise CommitMissing(redact(self.address), sha)
        self._repack()

    def run(
        self, *arguments: str, more: Mapping[str, str] | None = None, each: Take | None = None
    ) -> bytes:
        """Run git; return its stdout, or pass it to `each`. A failure is this agent's fault.

        Raises ExecutorError, RepositoryUnreachable, Stopped.
        """
        done = self.execute(*arguments, more=more, each=each)
        if done.code != 0:
            raise ExecutorError(
                f"git failed on the agent ({find_reason(done.stderr)}). Its disk may be full."
            )
        return done.output

    def execute(
        self, *arguments: str, more: Mapping[str, str] | None = None, each: Take | None = None
    ) -> Done:
        """Run git on the mirror; return how it ended. Raises RepositoryUnreachable, Stopped."""
        with self._in_time():
            environment = {**self._environment, **(more or {})}
            return self._git.run(*_CONFIG, *arguments, environment=environment, each=each)

    def settings(self, sha: str, file: str, pattern: str) -> bytes | None:
        """Return the settings with matching names in a file of a commit.

        In the format of `git config --null --get-regexp`; None if git cannot parse the file. It
        reads no other file.
        """
        where = ("--no-includes", f"--blob={sha}:{file}")
        done = self.execute("config", *where, "--null", "--get-regexp", pattern)
        # Code 1 means that nothing matches, or, with something on stderr, a line that is invalid.
        return done.output if done.code == 0 or (done.code == 1 and not done.stderr) else None

    def setting(self, sha: str, file: str, name: str) -> str | None:
        """Return the last value of a setting in a file of a commit, None if there is none."""
        listing = self.settings(sha, file, f"^{re.escape(name)}$") or b""
        values = [entry.partition(b"\n")[2] for entry in listing.split(b"\0") if entry]
        return values[-1].decode(errors="replace") if values else None

    def _fetch_commit(self, sha: str) -> bool:
        """Fetch as little as possible to get the commit; return whether it is here then.

        Raises RepositoryUnreachable.
        """
        own = [f"+{self._ref}:{_PULLS}/{self._ref}"] if self._ref else []
        if self._ref == sha:  # nothing reaches it any more; not every server sends it then
            depth = [] if self._has_full_history() else ["--depth=1"]
            if self._try(depth, own, sha):
                return True
            own = []
        whole = (_BRANCHES, _TAGS, *own)
        if not self._has_full_history():
            if self._is_tip(sha) and self._try(["--depth=1"], [f"+{sha}:refs/commits/{sha}"], sha):
                return True
            if own and self._try(["--depth=1"], own, sha):
                return True
            if self._try(["--prune", f"--depth={_RECENT}"], [_BRANCHES, *own], sha):
                return True
        deepen = ["--unshallow"] if (self.path / "shallow").exists() else []
        done = self._fetch(["--prune", *deepen], whole)
        if done.code != 0:
            raise self._unreachable(done.stderr)
        (self.path / "complete").touch()
        return self._has(sha)

    def _repack(self) -> None:
        """Combine packs if there are many: each fetch adds one, and git searches each for objects.

        Packs that are small beside the others become one. Their objects are copied unchanged
        (without a delta window), so it is fast, and the time extends the deadline. If it fails or
        is cut off, nothing changes, and the next fetch tries again.
        """
        packs = list((self.path / "objects" / "pack").glob("*.pack"))
        if len(packs) <= _MANY_PACKS:
            return
        began = time.monotonic()
        with contextlib.suppress(RepositoryUnreachable):
            self.execute("repack", "-d", "-q", "--geometric=2", "--window=0")
        self._deadline.extend(time.monotonic() - began)

    def _has_full_history(self) -> bool:
        """Return whether to fetch all branches and tags: that is cheap once their history is here.

        It is cheap, too, if the repository is on this machine.
        """
        return self._is_local() or (self.path / "complete").exists()

    def _is_local(self) -> bool:
        """Return whether the repository is on this machine."""
        found = read_address(self.address)
        return found is not None and found.is_local

    def _try(self, depth: Sequence[str], refspecs: Sequence[str], sha: str) -> bool:
        """Fetch a part; return whether the commit is here then. Not every server allows it."""
        return self._fetch(depth, refspecs).code == 0 and self._has(sha)

    def _fetch(self, depth: Sequence[str], refspecs: Sequence[str]) -> Done:
        copied = [_UNCOMPRESSED] if self._is_local() else []
        before = [*_FETCH, *copied, *depth, "--no-recurse-submodules"]
        return self._run_remote(before, refspecs)

    def _is_tip(self, sha: str) -> bool:
        """Return whether a branch or tag leads to the commit now. Raises RepositoryUnreachable.

        A server also sends commits that no branch leads to, such as those of others' pull requests.
        """
        done = self._run_remote(["ls-remote", "--quiet", "--heads", "--tags"], [])
        if done.code != 0:
            raise self._unreachable(done.stderr)
        return any(line.startswith(sha.encode() + b"\t") for line in done.output.splitlines())

    def _run_remote(self, before: Sequence[str], after: Sequence[str]) -> Done:
        """Run git on the repository; follows redirects within the same origin.

        Raises RepositoryMoved if git may not follow one.
        """

        def run_at(place: str) -> Done:
            self._place = place
            done = self.execute(*before, "--end-of-options", place, *after)
            if done.code != 0 and redirects.is_redirected(done.stderr):
                raise redirects.Redirected
            return done

        try:
            return redirects.follow(self._place, run_at, self._trace)
        except redirects.RedirectRefused as exc:
            raise RepositoryMoved(redact(self.address), exc.why, exc.advice) from exc

    def _trace(self, place: str) -> str:
        return self.execute(*redirects.QUESTION, place, more=redirects.TRACE).stderr

    def _has(self, sha: str) -> bool:
        return self.execute("cat-file", "-e", f"{sha}^{{commit}}").code == 0

    @contextlib.contextmanager
    def _in_time(self) -> Iterator[None]:
        try:
            yield
        except TookTooLong:
            shown = redact(self.address)
            raise RepositoryUnreachable(shown, "it took too long") from None

    def _unreachable(self, stderr: str) -> RepositoryUnreachable:
        why, advice = find_advice(stderr, self._credential) or (find_reason(stderr), "")
        return RepositoryUnreachable(redact(self.address), why, advice)
