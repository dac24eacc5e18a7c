"""The mirrors of all apps, as framework.ports.Repositories."""

import contextlib
import hashlib
import shutil
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import structlog

from framework.apps import repository_url
from framework.apps.commit_files import CommitFiles
from framework.errors import (
    AmbiguousLabel,
    BeingFetched,
    FrameworkError,
    RepositoryUnreachable,
    UnknownLabel,
    UnknownPlace,
    UnknownRef,
)
from framework.git import ancestry, commits, files, remote_refs, resolution
from framework.git.commits import Cursor
from framework.git.git_command import CredentialUnavailable, GitCommand, GitFailed
from framework.git.mirror import Found, Mirror, Snapshot
from framework.meanings import Meaning
from framework.ports import CommitPage, Heads, Listing, Ref, RepositoryFile, Resolved
from framework.ports.repositories import NotAnAncestor
from framework.pulls.errors import NotApproved
from framework.pulls.gate import PullHead, Verdict
from prevs import names
from prevs.messages import Credential
from prevs.records import AppRecord
from program.git.messages import redact

FRESH_S = 2.0
"""How long a known label needs no fetch: a page and its parts are requested within this time."""
LIST_WAIT_S = 2.0
"""How long a list request waits for a running fetch before it falls back to the cached list."""
RESOLVE_WAIT_S, RESOLVE_WAIT_AFTER_FAILURE_S = 15.0, 5.0
"""How long a label waits for a fetch before it falls back to its last known commit; the second is
for when the last fetch has failed already."""

log = structlog.get_logger(__name__)

_T = TypeVar("_T")


class Mirrors:
    """Branches and tags of the apps' repositories, mirrored below `folder`. Thread safe.

    `clock` gives monotonic seconds. The name of a mirror's folder depends on its repository, so an
    app whose repository changes gets a new mirror. Lists are fetched again after `interval`
    seconds; the framework polls apps with active previews as often. `credential` returns that of an
    app, does not block, and may raise FrameworkError. `pulls` returns its open pull requests, and
    `kept` the commits that gates keep; neither blocks.
    """

    def __init__(
        self,
        folder: Path,
        clock: Callable[[], float] = time.monotonic,
        *,
        interval: float = 10.0,
        credential: Callable[[str], Credential | None] = lambda _: None,
        pulls: Callable[[str], Sequence[PullHead]] = lambda _: (),
        kept: Callable[[str], Collection[str]] = lambda _: (),
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._git = GitCommand(folder)
        remote_refs.remove_left(folder)
        self._clock = clock
        self._interval = interval
        self._credential = credential
        self._pulls = pulls
        self._kept = kept
        self._lock = threading.Lock()
        self._mirrors: dict[str, Mirror] = {}

    def resolve(self, app: AppRecord, label: str, *, fresh: bool = False) -> Resolved:
        """Return what a label leads to, as framework.ports.Repositories says."""
        if not names.is_label(label):
            raise UnknownLabel(app.name, label, resolution.explain_no_label(label))
        mirror = self._get_mirror(app)
        try:
            resolved = self._resolve(app, label, mirror)
            is_old = fresh and names.is_sha(label)
            snapshot = self._look(app, mirror) if is_old else mirror.peek(float("inf"))
            refs = snapshot.names.get(resolved.sha, ()) if snapshot else ()
            return resolved._replace(refs=refs or resolved.refs)
        except UnknownLabel:
            self._refuse_waiting(app.name, label)
            raise
        except GitFailed as exc:
            raise _unreachable(app, exc) from exc

    def _refuse_waiting(self, app: str, label: str) -> None:
        """Raise NotApproved if a label means the head of a pull request that may not be built."""
        for one in self._pulls(app):
            is_head = names.is_commit_prefix(label) and one.sha.startswith(label)
            if not one.verdict.passes and (is_head or label in one.labels):
                raise NotApproved(app, one.number, one.sha, one.why)

    def _resolve(self, app: AppRecord, label: str, mirror: Mirror) -> Resolved:
        """Return the commit of a label, without its refs. Raises like `resolve`, and GitFailed."""
        if known := self._find_known(mirror, label, FRESH_S):
            return _choose(app, label, mirror, known)
        left = self._find_known(mirror, label, float("inf"))
        if left is None:
            return _choose(app, label, mirror, mirror.find(mirror.fetch(), label))
        try:
            timeout = RESOLVE_WAIT_AFTER_FAILURE_S if mirror.last.failure else RESOLVE_WAIT_S
            found = mirror.find(mirror.fetch_within(timeout), label)
        except CredentialUnavailable:
            raise
        except GitFailed as exc:
            then = _choose(app, label, mirror, left)
            return then._replace(age=mirror.age, problem=str(_unreachable(app, exc)))
        return _choose(app, label, mirror, found)

    def heads(self, app: AppRecord) -> Heads:
        """Return the commit of each label, as framework.ports.Repositories says."""
        mirror = self._get_mirror(app)
        try:
            before = mirror.peek(float("inf"))
            after = mirror.fetch()
        except GitFailed as exc:
            raise _unreachable(app, exc) from exc
        if after is not before:
            self._maintain(app.name, mirror)
        waiting = {
            label: None
            for one in after.heads
            for label in one.labels
            if one.verdict is Verdict.WAITING
        }
        commits = {**waiting, **resolution.find_heads(after.labels)}
        return Heads(commits, after.names, resolution.find_default(after.labels))

    def listing(self, app: AppRecord) -> Listing:
        """Return the branches and tags, as framework.ports.Repositories says."""
        mirror = self._get_mirror(app)
        try:
            snapshot = self._look(app, mirror)
            listed = _list(mirror, snapshot)
        except GitFailed as exc:
            raise _unreachable(app, exc) from exc
        failure = mirror.last.failure
        problem = str(_unreachable(app, failure)) if failure else ""
        return Listing(listed, mirror.age, problem)

    def commits(
        self,
        app: AppRecord,
        ref: str,
        *,
        limit: int,
        after: str = "",
        base: str = "",
        first_parent: bool = False,
    ) -> CommitPage:
        """Return some commits, as framework.ports.Repositories says."""
        mirror = self._get_mirror(app)
        try:
            snapshot = self._look(app, mirror)
            if after:
                begin = _find_place(app, mirror, snapshot, after)
            else:
                begin = self._find_range(app, mirror, snapshot, (base, ref))
                begin = begin._replace(first_parent=first_parent)
            found = mirror.log(begin, limit + 1)
        except GitFailed as exc:
            raise _unreachable(app, exc) from exc
        rest = begin._replace(skip=begin.skip + limit)
        return CommitPage(found[:limit], commits.write_cursor(rest) if found[limit:] else None)

    def read_file(self, app: AppRecord, sha: str, path: str, *, most: int) -> RepositoryFile | None:
        """Return what is at a path of a commit, as framework.ports.Repositories says."""
        return self._read(
            app, lambda mirror: files.read_file(self._git, mirror.folder, sha, path, most=most)
        )

    def list_folder(self, app: AppRecord, sha: str, path: str) -> Mapping[str, str]:
        """Return what is in a folder of a commit, as framework.ports.Repositories says."""
        return self._read(
            app, lambda mirror: files.list_folder(self._git, mirror.folder, sha, path)
        )

    def inspect(self, app: AppRecord, ref: str, work: Callable[[str, CommitFiles], _T]) -> _T:
        """Return what `work` makes of a commit, as framework.ports.Repositories says."""
        self._check(app)
        try:
            with remote_refs.fetch_one(self._git, self._folder, app, ref) as found:
                return work(*found)
        except remote_refs.NoRef as exc:
            raise UnknownRef(ref, exc.why) from exc
        except GitFailed as exc:
            raise _unreachable(app, exc) from exc

    def is_same(
        self,
        app: AppRecord,
        older: str,
        newer: str,
        watch: Sequence[str],
        *,
        reached: bool = False,
    ) -> bool:
        """Return whether two commits are the same, as framework.ports.Repositories says."""
        with contextlib.suppress(RepositoryUnreachable):
            folder = self._get_mirror(app).folder
            return ancestry.is_same(self._git, folder, (older, newer), watch) and (
                not reached or ancestry.is_reached(self._git, folder, older, newer)
            )
        return False

    def _read(self, app: AppRecord, read: Callable[[Mirror], _T]) -> _T:
        """Read of a commit, after a fetch if it cannot be read before."""
        mirror = self._get_mirror(app)
        with contextlib.suppress(GitFailed):
            return read(mirror)
        try:
            mirror.fetch()
            return read(mirror)
        except files.NoCommit as exc:
            raise UnknownLabel(app.name, exc.sha, "it is no longer in the repository.") from exc
        except GitFailed as exc:
            raise _unreachable(app, exc) from exc

    def forget(self, app: str) -> None:
        """Remove the mirror of an app, if there is one."""
        with self._lock:
            mirror = self._mirrors.pop(app, None)
        if mirror:
            mirror.retire()
        if names.is_app_name(app):
            shutil.rmtree(self._folder / app, ignore_errors=True)

    def _look(self, app: AppRecord, mirror: Mirror) -> Snapshot:
        """Return the branches and tags, old ones if a fetch takes longer than LIST_WAIT_S.

        Raises GitFailed, BeingFetched.
        """
        # The framework's own fetches are a little more than an interval apart.
        max_age = self._interval + FRESH_S
        if snapshot := mirror.peek(max_age):
            return snapshot
        if self._clock() - mirror.last.started >= max_age:
            mirror.refresh(LIST_WAIT_S)
        failure = mirror.last.failure
        snapshot = mirror.peek(float("inf"))
        # An empty mirror may only be waiting for the end of its first fetch.
        if snapshot and (snapshot.refs or mirror.age is not None):
            return snapshot
        raise failure or BeingFetched(app.name)

    def _find_range(
        self, app: AppRecord, mirror: Mirror, snapshot: Snapshot, ends: tuple[str, str]
    ) -> Cursor:
        """Return where the list of the commits between two `ends` begins: its newest one.

        The older end comes first, "" for none. Raises UnknownLabel, AmbiguousLabel, NotAnAncestor,
        GitFailed.
        """
        base, ref = ends
        newer = _find_commit(app, mirror, snapshot, ref)
        if not base:
            return Cursor(newer)
        older = _find_commit(app, mirror, snapshot, base)
        if gap := ancestry.find_gap(self._git, mirror.folder, older, newer):
            raise NotAnAncestor(app.name, base, ref or newer, gap.common, next_step=gap.next_step)
        return Cursor(newer, base=older)

    def _find_known(self, mirror: Mirror, label: str, age: float) -> Found | None:
        """Return what a label led to within the last `age` seconds, a commit's id at any time."""
        snapshot = mirror.peek(float("inf") if names.is_sha(label) else age)
        found = mirror.find(snapshot, label) if snapshot else None
        return found if found and found.refs else None

    def _get_mirror(self, app: AppRecord) -> Mirror:
        """Return the mirror of an app's repository."""
        if problem := repository_url.find_problem(app.repository):
            raise RepositoryUnreachable(app.name, redact(app.repository), f"the address {problem}")
        with self._lock:
            mirror = self._mirrors.get(app.name)
            if mirror is not None and mirror.repository == app.repository:
                return mirror
            digest = hashlib.sha256(app.repository.encode()).hexdigest()[:16]
            folder = self._folder / app.name / f"{digest}.git"
            folder.parent.mkdir(exist_ok=True)
            before = mirror
            mirror = self._make_mirror(app, folder)
            self._mirrors[app.name] = mirror
        if before:
            before.retire()
        for other in folder.parent.iterdir():
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
        return mirror

    def _make_mirror(self, app: AppRecord, folder: Path) -> Mirror:
        self._check(app)

        def credential() -> Credential | None:
            try:
                return self._credential(app.name)
            except FrameworkError as exc:
                # If the credential cannot be decrypted, the repository cannot be read.
                raise CredentialUnavailable(str(exc).rstrip("."), "") from exc

        return Mirror(
            folder,
            app.repository,
            self._git,
            self._clock,
            credential=credential,
            pulls=lambda: self._pulls(app.name),
            kept=lambda: self._kept(app.name),
        )

    def _check(self, app: AppRecord) -> None:
        """Raise RepositoryUnreachable if git may not use the address of an app's repository."""
        problem = repository_url.find_problem(app.repository)
        if problem := problem or repository_url.find_own_problem(app.repository, self._folder):
            raise RepositoryUnreachable(app.name, redact(app.repository), f"the address {problem}")

    def _maintain(self, app: str, mirror: Mirror) -> None:
        try:
            mirror.maintain()
        except GitFailed as exc:
            log.warning("git gc failed", app=app, why=exc.why)


def _list(mirror: Mirror, snapshot: Snapshot) -> Sequence[Ref]:
    """Return the branches and tags as people see them; computed once for each snapshot."""
    if snapshot.listed is None:
        described = mirror.describe([ref.sha for ref in snapshot.refs])
        by_sha = {commit.sha: commit for commit in described}
        snapshot.listed = resolution.list_refs(snapshot.refs, snapshot.labels, by_sha)
    return snapshot.listed


def _find_main(app: AppRecord, mirror: Mirror, snapshot: Snapshot) -> str:
    main = resolution.find_main(_list(mirror, snapshot))
    if main is None:
        raise UnknownLabel(app.name, "", "the repository has no branches yet.")
    return main.name


def _find_commit(app: AppRecord, mirror: Mirror, snapshot: Snapshot, ref: str) -> str:
    """Return the commit of a branch, a tag, a label or an id, "" for the main branch.

    Raises UnknownLabel, AmbiguousLabel, GitFailed.
    """
    ref = ref or _find_main(app, mirror, snapshot)
    found = Found(resolution.find_named(snapshot.refs, ref))
    if not found.refs:
        if not names.is_label(ref):
            raise UnknownLabel(app.name, ref, "there is no branch or tag of that name.")
        found = mirror.find(snapshot, ref)
    return _choose(app, ref, mirror, found).sha


def _find_place(app: AppRecord, mirror: Mirror, snapshot: Snapshot, after: str) -> Cursor:
    """Return the position in a cursor. Raises UnknownPlace, UnknownLabel, GitFailed."""
    place = commits.read_cursor(after)
    if place is None:
        raise UnknownPlace
    for sha in filter(None, (place.sha, place.base)):
        _choose(app, sha, mirror, mirror.find(snapshot, sha))
    return place


def _choose(app: AppRecord, label: str, mirror: Mirror, found: Found) -> Resolved:
    """Return the one commit that was found. Raises UnknownLabel, AmbiguousLabel, GitFailed."""
    if not found.refs:
        raise UnknownLabel(app.name, label, found.why, found.meant)
    commits = {commit.sha: commit for commit in mirror.describe([ref.sha for ref in found.refs])}
    shown = [(ref, resolution.show_name(ref), commits[ref.sha]) for ref in found.refs]
    if len(shown) > 1:
        raise AmbiguousLabel(
            app.name,
            label,
            [Meaning(ref.sha, ref.kind, name, commit.subject) for ref, name, commit in shown],
        )
    ref, name, commit = shown[0]
    refs = (names.pull_ref(ref.pull),) if ref.pull else ()
    return Resolved(
        ref.sha, ref.kind, name, commit.author, commit.subject, commit.committed, refs=refs
    )


def _unreachable(app: AppRecord, failure: GitFailed) -> RepositoryUnreachable:
    return RepositoryUnreachable(app.name, redact(app.repository), failure.why)
