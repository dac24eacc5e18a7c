"""A bare mirror of one repository, which all attempts of an agent share: enough of it to build.

At first only the wanted commit is in it, without those before it. Where that does not do, it gets
what is new on the branches, and in the end all branches and tags with their history, as it does at
once of a repository on this machine:

    complete            a file, once all of that is there: from then on it follows all of them
    refs/commits/<sha>  what was fetched alone, so that git counts it as there
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
from prevs.messages import Credential
from program import git_redirects, git_safety
from program.git_addresses import read_address
from program.git_credentials import find_advice
from program.git_messages import find_reason, redact

_BRANCHES = "+refs/heads/*:refs/heads/*"
_TAGS = "+refs/tags/*:refs/tags/*"
_RECENT = 50
"""Commits of each branch: one that was pushed over an hour ago has few others on top of it."""

_MANY_PACKS = 20

_CONFIG = (
    *git_safety.write_options(git_safety.SETTINGS),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
    # Keep what comes as one pack: to unpack few objects means to compress each once more.
    *("-c", "fetch.unpackLimit=1"),
    # What it came as a difference from is stored beside it, for which a visitor waits: uncompressed
    # that takes 35 ms less for a megabyte, and as much more of the disk.
    *("-c", "core.looseCompression=0"),
)
AS_POINTERS = (
    # Large files stay the pointers that they are in the repository; executor/git/large_files.py.
    *("-c", "filter.lfs.smudge="),
    *("-c", "filter.lfs.process="),
    *("-c", "filter.lfs.required=false"),
)
"""Settings for commands that write or look at files."""

_AS_IT_IS = "--upload-pack=git -c pack.window=0 -c pack.compression=0 upload-pack"
"""Copies objects out of a repository on this machine: to make them small there takes longer."""

_FETCH = ("fetch", "--quiet", "--no-tags", "--force", "--update-shallow")


class Mirror:
    """The mirror of the repository at `address`, in `folder`, which it shares with others.

    One that is read for another, as a submodule of the repository `reader`, is a mirror by itself:
    who may read that one need not be allowed to read this one, and would have found it here.
    `environment` is how git may ask for it, by `credential` if there is one; to it comes what
    `opening` gives, which is called before the repository is asked, and raises where that may not
    be.
    """

    def __init__(
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

    @contextlib.contextmanager
    def held(self, signals: Signals, log: Log) -> Iterator[None]:
        """Hold the mirror's lock; the time until nobody else does is not counted.

        Raises Stopped.
        """
        began = time.monotonic()
        busy = "waiting for another attempt that reads this repository"
        with locked(self._lock, signals, busy=lambda: log.header(busy)):
            self._deadline.extend(time.monotonic() - began)
            yield

    def fetch(self, sha: str) -> None:
        """Make sure that the mirror, held, has a commit; asks the repository only where it has not.

        Raises RepositoryUnreachable, CommitMissing, Stopped.
        """
        # The last thing that init makes: one that was killed is begun again.
        is_new = not (self.path / "objects").exists()
        if is_new:
            self.path.mkdir(parents=True, exist_ok=True)
            self.run("init", "--quiet", "--bare", "--template=")
        # For who collects mirrors: when one was used last.
        os.utime(self.path)
        if not is_new and self._has(sha):
            return
        # Nobody else writes here while we hold the lock: a lock of git's own is one that a
        # killed git left behind, and would stop every later fetch; what it had received is
        # of no use.
        for pattern in ("*.lock", "tmp_pack_*", ".tmp-*"):
            for stale in self.path.rglob(pattern):
                stale.unlink(missing_ok=True)
        with self._in_time():
            self._environment = {**self._environment, **self._opening()}
            found = self._ask_for(sha)
        if not found:
            raise CommitMissing(redact(self.address), sha)
        self._put_together()

    def run(
        self, *arguments: str, more: Mapping[str, str] | None = None, each: Take | None = None
    ) -> bytes:
        """Run git where this agent alone can be at fault; return its stdout, or hand it to `each`.

        Raises ExecutorError, RepositoryUnreachable, Stopped.
        """
        done = self.ask(*arguments, more=more, each=each)
        if done.code != 0:
            raise ExecutorError(
                f"git failed on the agent ({find_reason(done.said)}). Its disk may be full."
            )
        return done.output

    def ask(
        self, *arguments: str, more: Mapping[str, str] | None = None, each: Take | None = None
    ) -> Done:
        """Run git on the mirror; return how it ended. Raises RepositoryUnreachable, Stopped."""
        with self._in_time():
            environment = {**self._environment, **(more or {})}
            return self._git.run(*_CONFIG, *arguments, environment=environment, each=each)

    def settings(self, sha: str, file: str, pattern: str) -> bytes | None:
        """Return the settings in a file of a commit whose names match; None: it is none of git's.

        As `git config --null --get-regexp` writes them; it reads no other file.
        """
        where = ("--no-includes", f"--blob={sha}:{file}")
        done = self.ask("config", *where, "--null", "--get-regexp", pattern)
        # With code 1 nothing matches; or so it says where it could not read a line.
        return done.output if done.code == 0 or (done.code == 1 and not done.said) else None

    def setting(self, sha: str, file: str, name: str) -> str | None:
        """Return the last value of a setting in a file of a commit, None where there is none."""
        listing = self.settings(sha, file, f"^{re.escape(name)}$") or b""
        values = [entry.partition(b"\n")[2] for entry in listing.split(b"\0") if entry]
        return values[-1].decode(errors="replace") if values else None

    def _ask_for(self, sha: str) -> bool:
        """Fetch as little as has the commit; tell whether it is here.

        Raises RepositoryUnreachable.
        """
        whole = (_BRANCHES, _TAGS)
        if not self._follows_all():
            if self._is_tip(sha) and self._try(["--depth=1"], [f"+{sha}:refs/commits/{sha}"], sha):
                return True
            if self._try(["--prune", f"--depth={_RECENT}"], [_BRANCHES], sha):
                return True
        deepen = ["--unshallow"] if (self.path / "shallow").exists() else []
        done = self._fetch(["--prune", *deepen], whole)
        if done.code != 0:
            raise self._unreachable(done.said)
        (self.path / "complete").touch()
        return self._has(sha)

    def _put_together(self) -> None:
        """Make few packs of many: every fetch leaves one, and git looks for objects in each.

        Those that are small beside the others become one, copied as they are (no window in which to
        look for what is alike), so that it takes little each time. That time is not counted. What
        fails or is cut off changes nothing, and is tried again after the next fetch.
        """
        packs = list((self.path / "objects" / "pack").glob("*.pack"))
        if len(packs) <= _MANY_PACKS:
            return
        began = time.monotonic()
        with contextlib.suppress(RepositoryUnreachable):
            self.ask("repack", "-d", "-q", "--geometric=2", "--window=0")
        self._deadline.extend(time.monotonic() - began)

    def _follows_all(self) -> bool:
        """Tell whether all branches and tags are fetched: history is cheap once it is here.

        So it is where the repository is on this machine.
        """
        return self._is_local() or (self.path / "complete").exists()

    def _is_local(self) -> bool:
        """Tell whether the repository is on this machine."""
        found = read_address(self.address)
        return found is not None and found.is_local

    def _try(self, depth: Sequence[str], refspecs: Sequence[str], sha: str) -> bool:
        """Fetch a part, which not every server gives; tell whether the commit is there then."""
        return self._fetch(depth, refspecs).code == 0 and self._has(sha)

    def _fetch(self, depth: Sequence[str], refspecs: Sequence[str]) -> Done:
        copied = [_AS_IT_IS] if self._is_local() else []
        before = [*_FETCH, *copied, *depth, "--no-recurse-submodules"]
        return self._ask_there(before, refspecs)

    def _is_tip(self, sha: str) -> bool:
        """Tell whether a branch or tag leads to the commit now. Raises RepositoryUnreachable.

        A server gives commits that none leads to as well, other people's proposals among them.
        """
        done = self._ask_there(["ls-remote", "--quiet", "--heads", "--tags"], [])
        if done.code != 0:
            raise self._unreachable(done.said)
        return any(line.startswith(sha.encode() + b"\t") for line in done.output.splitlines())

    def _ask_there(self, before: Sequence[str], after: Sequence[str]) -> Done:
        """Run git on the repository, wherever on its own server that has moved to.

        Raises RepositoryMoved where git may not follow.
        """

        def ask(place: str) -> Done:
            self._place = place
            done = self.ask(*before, "--end-of-options", place, *after)
            if done.code != 0 and git_redirects.is_redirected(done.said):
                raise git_redirects.Redirected
            return done

        try:
            return git_redirects.follow(self._place, ask, self._trace)
        except git_redirects.RedirectRefused as exc:
            raise RepositoryMoved(redact(self.address), exc.why, exc.advice) from exc

    def _trace(self, place: str) -> str:
        return self.ask(*git_redirects.QUESTION, place, more=git_redirects.TRACE).said

    def _has(self, sha: str) -> bool:
        return self.ask("cat-file", "-e", f"{sha}^{{commit}}").code == 0

    @contextlib.contextmanager
    def _in_time(self) -> Iterator[None]:
        try:
            yield
        except TookTooLong:
            shown = redact(self.address)
            raise RepositoryUnreachable(shown, "it took too long") from None

    def _unreachable(self, said: str) -> RepositoryUnreachable:
        why, advice = find_advice(said, self._credential) or (find_reason(said), "")
        return RepositoryUnreachable(redact(self.address), why, advice)
