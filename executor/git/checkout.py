"""Checks out a commit, with its submodules and large files, from mirrors that all attempts share.

A repository is untrusted: no hooks, no prompts, no transport that runs a command, and its symlinks
stay symlinks. Other repositories that it names are read without credentials: docs/decisions/0033.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from executor.errors import (
    CommitMissing,
    CommitUnusable,
    ExecutorError,
    RepositoryMoved,
    RepositoryUnreachable,
    SubmoduleUnusable,
)
from executor.git import large_files, submodules
from executor.git.commit_size import LISTING, CommitSize
from executor.git.foreign_hosts import ForeignHosts
from executor.git.git_access import GitAccess, git_access
from executor.git.git_command import Deadline, GitCommand
from executor.git.large_files import Place
from executor.git.mirror import AS_POINTERS, Mirror
from executor.git.submodules import Submodule, printable
from executor.ports import Log, Signals
from executor.workspace import usage_locks
from executor.workspace.usage_locks import UsageLocks
from executor.workspace.work_folder import WorkFolder
from prevs import names
from prevs.messages import Credential
from program.git.addresses import NotAllowed, follow, is_foreign, is_mirror, read_address
from program.git.messages import find_reason, redact

logger = logging.getLogger(__name__)

_MODULES, _LARGE = ".gitmodules", ".lfsconfig"


class Source(NamedTuple):
    """The commit to check out; `name` is that of the attempt.

    `ref` reaches it if no branch and no tag does (pull/7/head, or `sha` itself), else "". Unless it
    is `trusted`, the credential is for the app's repository alone, and for no submodule on the same
    host.
    """

    repository: str
    sha: str
    name: str
    credential: Credential | None = None
    ref: str = ""
    trusted: bool = True


class GitCheckout:
    """Fulfils the port Checkout. `folder` is shared by all attempts of an agent."""

    def __init__(
        self,
        folder: Path,
        source: Source,
        *,
        signals: Signals,
        log: Log,
        environ: Mapping[str, str],
        hosts: ForeignHosts,
    ) -> None:
        self._folder = folder
        self._source = source
        self._signals = signals
        self._log = log
        self._environ = environ
        self._hosts = hosts

    @contextlib.contextmanager
    def tree(self, *, limit: float) -> Iterator[Path]:
        """Yield a folder with the commit's files; it is removed when the context ends.

        Nobody waits for the removal, which takes long for many files. Blocks while other attempts
        read the repository, and then for at most `limit` seconds.
        """
        source, folder = self._source, WorkFolder(self._folder)
        tree = folder.tree(source.name)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            keys = folder.keys(source.name)
            with git_access(keys, source.repository, source.credential, self._environ) as full:
                access = full if source.trusted else full.for_strangers()
                deadline = Deadline(limit)
                git = GitCommand(self._folder, self._signals, deadline)
                reading = _Reading(access, git, deadline, CommitSize(source.sha))
                self._check_out(reading, _Module(*source[:2], tree))
            yield tree
        finally:
            folder.discard(source.name)

    def _check_out(self, reading: _Reading, module: _Module) -> None:
        """Write a commit's files into a folder, and those of its submodules into theirs."""
        self._keep_out(module.address)
        auth = reading.access.for_repository(module.address)
        mirror = Mirror(
            self._folder,
            module.address,
            git=reading.git,
            deadline=reading.deadline,
            reader=self._name_reader(module.address),
            environment=auth.environment,
            credential=auth.credential,
            ref="" if module.depth else self._source.ref,
            opening=lambda: self._open(reading, module),
        )
        # Until the files are written, no disk collector may remove the mirror.
        with UsageLocks(self._folder).using(usage_locks.mirror(mirror.path)):
            found = self._write(mirror, module, reading)
        for submodule, sha in found:
            self._check_out_submodule(reading, module, submodule, sha)

    def _name_reader(self, address: str) -> str:
        """Return for whom a mirror is: a stranger must not find what only the app may read."""
        source = self._source
        is_own = source.trusted or address == source.repository
        return source.repository if is_own else f"{source.repository} (strangers)"

    def _keep_out(self, address: str) -> None:
        """Raise RepositoryUnreachable for a path in a folder of prevs, on this agent or another's.

        A stranger's commit gets no path of this machine but the app's own repository.
        """
        place = read_address(address)
        if place is not None and place.is_local:
            if not self._source.trusted and address != self._source.repository:
                why = "it is on the agent, and a commit of a fork must not name it"
                raise RepositoryUnreachable(address, why, "Use a repository on a server")
            own, wanted = self._folder.resolve(), Path(place.path).resolve()
            if wanted == own or own in wanted.parents or is_mirror(wanted):
                raise RepositoryUnreachable(
                    address, "it is in a folder of prevs itself", "Give the app another address"
                )

    def _open(self, reading: _Reading, module: _Module) -> Mapping[str, str]:
        """Return the environment for a host other than the app's. Raises like ForeignHosts.open."""
        if not self._is_foreign(module.address):
            return {}
        return self._hosts.open(module.address, reading.git, reading.deadline, self._signals)

    def _is_foreign(self, address: str) -> bool:
        wanted, own = read_address(address), read_address(self._source.repository)
        return wanted is not None and own is not None and is_foreign(wanted, own)

    def _write(
        self, mirror: Mirror, module: _Module, reading: _Reading
    ) -> Sequence[tuple[Submodule, str]]:
        """Write a commit's own files into a folder; return its submodules with their commits."""
        with mirror.held(self._signals, self._log):
            mirror.fetch(module.sha)
        listing = reading.size.listing()
        mirror.run(*LISTING, module.sha, each=listing.take)
        module.tree.mkdir(parents=True, exist_ok=True)
        index = WorkFolder(self._folder).index(self._source.name)
        index.unlink(missing_ok=True)
        settings = {"GIT_INDEX_FILE": str(index), "GIT_WORK_TREE": str(module.tree)}
        place = Place(module.tree, settings)
        written = mirror.execute(
            *AS_POINTERS, "read-tree", "--reset", "-u", module.sha, more=settings
        )
        if written.code != 0:
            raise _explain_refusal(module, written.stderr)
        # Without .gitattributes no file is in Git LFS, so there is no need to run git.
        if listing.has_attributes:
            self._complete(mirror, place, module, reading)
        found = _find_submodules(mirror, place, module)
        index.unlink(missing_ok=True)
        return found

    def _complete(self, mirror: Mirror, place: Place, module: _Module, reading: _Reading) -> None:
        """Replace pointers by their large files."""
        pointers = large_files.find_pointers(mirror, place)
        if not pointers:
            return
        if self._is_foreign(module.address):
            # git-lfs follows a server to any host, and its connections cannot be pinned.
            why = "it has files in Git LFS, which agents read only from the app's own host"
            advice = f"Keep it there too, or {printable(min(pointers))} in git itself"
            raise SubmoduleUnusable(module.path, why, advice)
        large_files.require_git_lfs(pointers, self._environ)
        reading.size.add_bytes(sum(pointers.values()))
        count, size = len(pointers), sum(pointers.values()) / 1e6
        self._log.header(f"fetching {count} large files with Git LFS, {size:.1f} MB")
        address = large_files.find_server(mirror, mirror.setting(module.sha, _LARGE, "lfs.url"))
        server = large_files.Server(address, *reading.access.for_large_files(address))
        with mirror.held(self._signals, self._log):
            large_files.fetch_large_files(mirror, place, module.sha, server=server)
        large_files.write_large_files(mirror, place, list(pointers), server=server)

    def _check_out_submodule(
        self, reading: _Reading, module: _Module, submodule: Submodule, sha: str
    ) -> None:
        """Write a submodule's files into its folder. Raises SubmoduleUnusable."""
        path = printable("/".join(filter(None, (module.path, submodule.path))))
        reading.count(path)
        if module.depth == submodules.DEEPEST:
            raise SubmoduleUnusable(path, f"it is more than {submodules.DEEPEST} submodules deep")
        try:
            address = follow(module.address, submodule.url, self._source.repository)
        except NotAllowed as exc:
            why = f"its repository, {redact(printable(submodule.url))}, {exc}"
            raise SubmoduleUnusable(path, why) from exc
        tree = module.tree / submodule.path
        # git has made it as an empty folder, and checks for links itself: this is a second check.
        if not tree.is_dir() or tree.resolve() != module.tree.resolve() / submodule.path:
            raise SubmoduleUnusable(path, "its path leads out of the commit's files")
        self._log.header(f"fetching the submodule {path}")
        inner = _Module(address, sha, tree, path, module.depth + 1)
        try:
            self._check_out(reading, inner)
        except CommitMissing as exc:
            why = f"its commit {names.short(sha)} is on no branch or tag of its repository"
            raise SubmoduleUnusable(path, why, "Push that commit there, then retry") from exc
        except SubmoduleUnusable:
            raise
        except RepositoryUnreachable as exc:
            raise self._explain(path, address, exc) from exc

    def _explain(self, path: str, address: str, exc: RepositoryUnreachable) -> SubmoduleUnusable:
        """Return why a submodule's repository was not read, in words that everybody may see."""
        if self._is_foreign(address):
            # The real reason would show which hosts and ports exist in the agent's networks.
            shown = redact(printable(address))
            logger.warning("the submodule %s is not read from %s: %s", path, shown, exc.why)
            return SubmoduleUnusable(path, submodules.FOREIGN.format(shown), submodules.ADVICE)
        if isinstance(exc, RepositoryMoved):
            # The advice of RepositoryMoved is for an app's address; here the commit must change.
            return SubmoduleUnusable(path, exc.why)
        return SubmoduleUnusable(path, exc.why, "Check that the agents may read it, then retry")


class _Module(NamedTuple):
    """A commit to check out into a folder: the app's own, or a submodule at a `path` of it."""

    address: str
    sha: str
    tree: Path
    path: str = ""
    depth: int = 0


class _Reading:
    """What one checkout uses for all its repositories."""

    def __init__(
        self, access: GitAccess, git: GitCommand, deadline: Deadline, size: CommitSize
    ) -> None:
        self.access = access
        self.git = git
        self.deadline = deadline
        self.size = size
        self._count = 0

    def count(self, path: str) -> None:
        """Count a submodule. Raises SubmoduleUnusable if there are too many."""
        self._count += 1
        if self._count > submodules.MOST:
            raise SubmoduleUnusable(path, f"the commit has more than {submodules.MOST} of them")


def _find_submodules(mirror: Mirror, place: Place, module: _Module) -> list[tuple[Submodule, str]]:
    """Return the submodules of a commit that has been checked out, and their commits."""
    if not os.path.lexists(place.tree / _MODULES):
        return []
    listing = mirror.settings(module.sha, _MODULES, submodules.LISTING)
    if listing is None:
        path = printable("/".join(filter(None, (module.path, _MODULES))))
        raise SubmoduleUnusable(path, "git cannot read this file")
    found = submodules.read_submodules(listing)
    if not found:
        return []
    paths = [submodule.path for submodule in found]
    command = ("--literal-pathspecs", "ls-files", "--stage", "-z", "--", *paths)
    links = submodules.read_links(mirror.run(*command, more=place.settings))
    return [(submodule, links[submodule.path]) for submodule in found if submodule.path in links]


def _explain_refusal(module: _Module, stderr: str) -> ExecutorError:
    """Return why git did not write a commit's files: a name is invalid, or the agent failed."""
    if "invalid path" in stderr:
        return CommitUnusable(module.sha, find_reason(stderr))
    return ExecutorError(f"git failed on the agent ({find_reason(stderr)}). Its disk may be full.")
