"""The files of a commit, from a bare mirror of its repository that all attempts of an agent share.

The mirror holds branches and tags only. A repository is untrusted: no hooks, no prompts, no
transport that runs a command, and its symlinks stay symlinks.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import git

from executor.errors import CommitMissing, ExecutorError, RepositoryUnreachable
from executor.folder import Folder
from executor.locks import locked
from executor.ports import Log, Signals
from executor.processes import end_group

_REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
_CONFIG = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
    # Keep what comes as one pack: to unpack few objects means to compress each once more.
    *("-c", "fetch.unpackLimit=1"),
    # Large files stay the pointers that they are in the repository: a smudge filter would ask a
    # server that the repository names.
    *("-c", "filter.lfs.smudge="),
    *("-c", "filter.lfs.process="),
    *("-c", "filter.lfs.required=false"),
)
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


class Source(NamedTuple):
    """Which files are wanted: a commit of a repository; `name` is the attempt's own."""

    repository: str
    sha: str
    name: str


class GitCheckout:
    """Fulfils the port Checkout with GitPython. `folder` is shared by all attempts of an agent."""

    def __init__(
        self,
        folder: Path,
        source: Source,
        *,
        signals: Signals,
        log: Log,
        environ: Mapping[str, str],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._source = source
        self._signals = signals
        self._log = log
        self._environ = environ
        self._now = now
        digest = hashlib.sha256(source.repository.encode()).hexdigest()[:24]
        self._mirror = folder / "mirrors" / f"{digest}.git"
        self._lock = folder / "locks" / f"mirror-{digest}"

    @contextlib.contextmanager
    def tree(self, *, limit: float) -> Iterator[Path]:
        """Give a folder with the commit's files; it is gone when the context ends.

        Blocks while others of this agent read the repository, and then for at most `limit` seconds.
        Raises RepositoryUnreachable, CommitMissing, Stopped.
        """
        tree = Folder(self._folder).tree(self._source.name)
        index = tree.with_name(f"{tree.name}.index")
        try:
            deadline = self._fetch(limit)
            tree.mkdir(parents=True)
            settings = {"GIT_INDEX_FILE": str(index), "GIT_WORK_TREE": str(tree)}
            self._run("read-tree", "--reset", "-u", self._source.sha, more=settings, until=deadline)
            yield tree
        finally:
            shutil.rmtree(tree, ignore_errors=True)
            index.unlink(missing_ok=True)

    def _fetch(self, limit: float) -> float:
        """Make sure that the mirror has the commit; asks the repository only where it has not.

        Returns when `limit` will have passed: it counts from when nobody else reads the repository.
        """
        self._write_settings()
        with locked(self._lock, self._signals, busy=self._say_busy):
            deadline = self._now() + limit
            # The last thing that init makes: one that was killed is begun again.
            if not (self._mirror / "objects").exists():
                self._mirror.parent.mkdir(parents=True, exist_ok=True)
                self._run("init", "--quiet", "--bare", "--template=", until=deadline)
            if self._has_commit(deadline):
                return deadline
            # Nobody else writes here while we hold the lock: a lock of git's own is one that a
            # killed git left behind, and would stop every later fetch; what it had received is
            # of no use.
            for stale in (*self._mirror.rglob("*.lock"), *self._mirror.rglob("tmp_pack_*")):
                stale.unlink(missing_ok=True)
            where = ("--end-of-options", self._source.repository)
            flags = ("--quiet", "--prune", "--no-tags", "--force", "--no-recurse-submodules")
            code, said = self._try("fetch", *flags, *where, *_REFSPECS, more={}, until=deadline)
            if code != 0:
                raise self._unreachable(reason(said))
            if not self._has_commit(deadline):
                raise CommitMissing(without_credentials(self._source.repository), self._source.sha)
            return deadline

    def _say_busy(self) -> None:
        self._log.header("waiting for another attempt that reads this repository")

    def _has_commit(self, deadline: float) -> bool:
        question = ("cat-file", "-e", f"{self._source.sha}^{{commit}}")
        return self._try(*question, more={}, until=deadline)[0] == 0

    def _run(self, *arguments: str, more: Mapping[str, str] | None = None, until: float) -> None:
        """Run git where only this agent can be at fault. Raises ExecutorError."""
        code, said = self._try(*arguments, more=more or {}, until=until)
        if code != 0:
            raise ExecutorError(f"git failed on the agent ({reason(said)}). Its disk may be full.")

    def _try(self, *arguments: str, more: Mapping[str, str], until: float) -> tuple[int, str]:
        """Run git on the mirror; return its exit code and what it wrote on stderr."""
        # GitPython ends the process when this object is forgotten: keep it until it has ended.
        command = git.Git(self._folder).execute(
            ["git", *_CONFIG, *arguments],
            as_process=True,
            with_stdout=False,
            env={**self._environment(), **more},
            start_new_session=True,
        )
        process = command.proc
        if process is None:
            raise ExecutorError("git did not start on the agent.")
        try:
            with self._signals.interrupting(lambda: end_group(process)):
                said = process.communicate(timeout=max(0.1, until - self._now()))[1]
        except subprocess.TimeoutExpired:
            raise self._unreachable("it took too long") from None
        finally:
            if process.returncode is None:
                end_group(process)
                process.communicate()
        self._signals.check()
        return process.returncode, said.decode(errors="replace")

    def _environment(self) -> Mapping[str, str]:
        ssh = self._environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
        return {
            "GIT_DIR": str(self._mirror),
            "GIT_CONFIG_GLOBAL": str(self._settings),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "true",
            "GIT_SSH_COMMAND": ssh,
            "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
            "GIT_LFS_SKIP_SMUDGE": "1",
        }

    @property
    def _settings(self) -> Path:
        return self._folder / "gitconfig"

    def _write_settings(self) -> None:
        """Write the user's git settings and ours: a local repository may be another user's.

        git passes safe.directory neither by -c nor by environment to the upload-pack that it
        starts for a local repository, so it has to be in a file.
        """
        text = "[safe]\n\tdirectory = *\n"
        if own := self._environ.get("GIT_CONFIG_GLOBAL"):
            text += f'[include]\n\tpath = "{own}"\n'
        elif self._environ.get("HOME"):
            text += "[include]\n\tpath = ~/.config/git/config\n\tpath = ~/.gitconfig\n"
        self._folder.mkdir(parents=True, exist_ok=True)
        mine = self._settings.with_name(f"gitconfig.{self._source.name}")
        mine.write_text(text)
        mine.replace(self._settings)

    def _unreachable(self, why: str) -> RepositoryUnreachable:
        return RepositoryUnreachable(without_credentials(self._source.repository), why)


def reason(said: str) -> str:
    """Return what git's messages come down to: its last line that tells of an error."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "ERROR:"))]
    if not lines:
        return "git failed and said nothing"
    # The first fatal line names the cause; those after it explain what to check.
    line = telling[0] if telling else lines[-1]
    return without_credentials(re.sub(r"^(fatal|error|ERROR): ", "", line)).rstrip(".")


def without_credentials(text: str) -> str:
    """Return `text` without the user names and passwords of the addresses in it."""
    return _CREDENTIALS.sub("", text)
