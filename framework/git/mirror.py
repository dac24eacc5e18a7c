"""A bare mirror of one repository: its branches, tags and pull requests, kept up to date.

Only commits that a branch or tag reaches count as there, and those of pull requests that may be
built. git keeps other objects in the mirror for a while, so each commit that somebody names is
checked.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import structlog

from framework import ports
from framework.git import commits, resolution
from framework.git.git_command import GitCommand, GitFailed
from framework.git.kept_refs import KeptRefs
from framework.git.mirror_folder import READ_LIMIT, MirrorFolder
from framework.git.pull_refs import PullRefs
from framework.git.resolution import Ref
from framework.meanings import Suggestion
from framework.ports import Commit
from framework.pulls.gate import PullHead
from prevs import names
from prevs.messages import Credential

_REMEMBERED = 10_000
_AT_ONCE = 10_000
"""How many commits one call of git gets: their ids fit into its arguments."""

log = structlog.get_logger(__name__)


class Found(NamedTuple):
    """What a label leads to: nothing, one commit or several.

    `refs` are branches and tags, or have the kind commit and the id as name. If there are none,
    `why` is the reason, and `meant` what may have been meant.
    """

    refs: tuple[Ref, ...]
    why: str = ""
    meant: tuple[Suggestion, ...] = ()


class Snapshot:
    """The branches and tags after one fetch, and a cache of what labels lead to.

    `heads` are the open pull requests then, `pulls` those that may be built, by label.
    """

    def __init__(
        self,
        refs: tuple[Ref, ...],
        heads: Sequence[PullHead] = (),
        pulls: Mapping[str, Ref] = MappingProxyType({}),
    ) -> None:
        self.refs = refs
        self.heads = heads
        self.pulls = pulls
        self.labels = resolution.label_refs(refs, pulls)
        self.names = resolution.name_refs(refs, pulls.values())
        self.found: dict[str, Found] = {}
        self.listed: Sequence[ports.Ref] | None = None


class Fetched(NamedTuple):
    """A fetch that began at `started` (monotonic seconds); `failure` is None if it succeeded."""

    started: float
    failure: GitFailed | None


class _Refresh(NamedTuple):
    began: float
    ended: threading.Event


class Mirror:
    """The mirror in `folder` of `repository`, an address that was checked before. Thread safe.

    `credential`, `pulls` and `kept` are called for each fetch, and do not block. The last returns
    commits that stay here although no branch reaches them; they count as there only for gates.
    """

    def __init__(
        self,
        folder: Path,
        repository: str,
        git: GitCommand,
        clock: Callable[[], float],
        *,
        credential: Callable[[], Credential | None] = lambda: None,
        pulls: Callable[[], Sequence[PullHead]] = tuple,
        kept: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self.folder = folder
        self.repository = repository
        self._files = MirrorFolder(folder, git)
        self._git = git
        self._clock = clock
        self._credential = credential
        self._pulls = pulls
        self._kept = kept
        self._pull_refs = PullRefs(folder, git)
        self._kept_refs = KeptRefs(folder, git)
        self._heads: Sequence[PullHead] = ()
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._last = Fetched(float("-inf"), None)
        self._stale: tuple[Fetched, Snapshot] | None = None
        self._succeeded: float | None = None
        self._commits: Mapping[str, Commit] = MappingProxyType({})
        self._retired = False
        self._refreshing = threading.Lock()
        self._refresh: _Refresh | None = None

    @property
    def last(self) -> Fetched:
        """The last fetch that has ended; before the first one, `started` is minus infinity."""
        return self._last

    @property
    def age(self) -> float | None:
        """How many seconds ago the branches and tags were fetched; None if unknown."""
        if self._succeeded is None:
            return self._files.age()
        return self._clock() - self._succeeded

    def peek(self, max_age: float) -> Snapshot | None:
        """Return the branches and tags if they were fetched within `max_age` seconds.

        With infinity their age does not matter, and an earlier process may have fetched them. Waits
        for no fetch; runs git at most once. Raises GitFailed.
        """
        if max_age == float("inf"):
            return self._snapshot or self._find_stale()
        last = self._last
        fresh = last.failure is None and self._clock() - last.started < max_age
        return self._snapshot if fresh else None

    def fetch(self) -> Snapshot:
        """Return the branches and tags from a fetch that began after the call.

        Callers that wait for each other share one fetch, and its failure. Raises GitFailed.
        """
        called_at = self._clock()
        with self._lock:
            if self._last.started < called_at:
                self._last = self._fetch(self._clock())
                if self._retired:
                    self._files.remove()
            if self._last.failure:
                raise self._last.failure
            return self._load()

    def fetch_within(self, timeout: float) -> Snapshot:
        """Like `fetch`, but wait only about `timeout` seconds; the fetch goes on after that.

        Raises GitFailed.
        """
        called_at = self._clock()
        for _ in range(2):  # a fetch that began before the call may lack the latest push
            if self._last.started >= called_at:
                break
            if not self.refresh(timeout):
                raise GitFailed(f"it has not answered for {timeout:g} s", "")
        last, snapshot = self._last, self._snapshot
        if last.started < called_at:
            raise GitFailed("the framework failed to read it; its log has the details", "")
        if last.failure:
            raise last.failure
        return snapshot or self._load()

    def refresh(self, timeout: float) -> bool:
        """Fetch in another thread, and wait until it ends or is `timeout` seconds old.

        Return whether it has ended; `last` has its outcome. Concurrent callers share one fetch.
        """
        with self._refreshing:
            if self._refresh is None or self._refresh.ended.is_set():
                self._refresh = _Refresh(self._clock(), threading.Event())
                # A daemon: git may hold it for a minute, or ten, when the program ends.
                work, one = self._fetch_beside, (self._refresh.ended,)
                threading.Thread(target=work, args=one, name="fetching", daemon=True).start()
            refresh = self._refresh
        return refresh.ended.wait(max(0.0, refresh.began + timeout - self._clock()))

    def retire(self) -> None:
        """Remove the mirror now, and again after a fetch that is running: it is no longer used."""
        self._retired = True
        self._files.remove()

    def maintain(self) -> None:
        """Run git's garbage collection if there is much to collect. May take minutes.

        Raises GitFailed.
        """
        self._files.maintain()

    def find(self, snapshot: Snapshot, label: str) -> Found:
        """Return what a label leads to. Runs git at most three times. Raises GitFailed."""
        found = snapshot.found.get(label)
        if found is None:
            found = self._find(snapshot, label)
            if len(snapshot.found) >= _REMEMBERED:
                snapshot.found.clear()
            snapshot.found[label] = found
        return found

    def describe(self, shas: Sequence[str]) -> list[Commit]:
        """Return the commits among `shas`, with author and subject."""
        known = self._commits
        missing = [sha for sha in dict.fromkeys(shas) if sha not in known]
        if missing:
            read = {
                commit.sha: commit
                for first in range(0, len(missing), _AT_ONCE)
                for commit in self._read_commits(missing[first : first + _AT_ONCE])
            }
            if len(known) + len(read) > _REMEMBERED:
                known = {sha: known[sha] for sha in shas if sha in known}
            # The mapping is replaced, never changed: other threads may still read the old one.
            self._commits = known = {**known, **read}
        return [known[sha] for sha in shas if sha in known]

    def log(self, begin: commits.Cursor, limit: int) -> list[Commit]:
        """Return commits of a list from a position on, the newest first. Raises GitFailed."""
        bounds = [f"--skip={begin.skip}", f"--max-count={limit}"]
        bounds += ["--first-parent"] if begin.first_parent else []
        ends = [begin.sha, *([f"^{begin.base}"] if begin.base else [])]
        command = ["log", *bounds, "--encoding=UTF-8", commits.FORMAT, "--end-of-options", *ends]
        return commits.read_commits(self._read(command))

    def _find(self, snapshot: Snapshot, label: str) -> Found:
        reached: tuple[Ref, ...] = ()
        unreached: tuple[Ref, ...] = ()
        if names.is_sha(label):
            # The tip of a branch or tag is reached: a commit that was just pushed needs no git.
            if any(ref.sha == label for ref in snapshot.refs):
                return Found((Ref(label, "commit", label),))
            reached, unreached = self._find_commits(snapshot, label)
        if not reached:
            reached = tuple(snapshot.labels.get(label, ()))
        if not reached and names.is_commit_prefix(label) and not names.is_sha(label):
            reached, unreached = self._find_commits(snapshot, label)
        if reached:
            return Found(reached)
        shas = [ref.sha for ref in unreached]
        return Found(
            (),
            resolution.explain_unknown(label, snapshot.refs, shas),
            resolution.find_meant(label, snapshot.refs, snapshot.labels),
        )

    def _find_commits(
        self, snapshot: Snapshot, prefix: str
    ) -> tuple[tuple[Ref, ...], tuple[Ref, ...]]:
        """Return the commits with a prefix: the ones to build, and the ones not to.

        A branch or tag reaches the former, or else a pull request.
        """
        objects = self._read(["rev-parse", f"--disambiguate={prefix}"]).split()
        found = [commit.sha for commit in self.describe(objects)]
        if not found:
            return (), ()
        beyond = self._pull_refs.find_beyond(found)
        refs = [
            Ref(sha, "commit", sha, self._pull_refs.find_through(sha, snapshot.heads))
            if sha in beyond
            else Ref(sha, "commit", sha)
            for sha in found
        ]
        return (
            tuple(ref for ref in refs if ref.pull or ref.sha not in beyond),
            tuple(ref for ref in refs if not ref.pull and ref.sha in beyond),
        )

    def _read_commits(self, shas: Sequence[str]) -> list[Commit]:
        command = ["log", "--no-walk=unsorted", "--encoding=UTF-8", commits.FORMAT]
        return commits.read_commits(self._read([*command, "--end-of-options", *shas]))

    def _fetch_beside(self, ended: threading.Event) -> None:
        try:
            before = self._snapshot
            try:
                after = self.fetch()
            finally:
                ended.set()
            if after is not before:
                self.maintain()
        except GitFailed as exc:
            log.warning("a mirror was not brought up to date", folder=str(self.folder), why=exc.why)

    def _fetch(self, started: float) -> Fetched:
        try:
            try:
                changed = self._files.fetch(self.repository, self._credential())
            except GitFailed as exc:
                # An error about our own folder (the lock of a killed git, a damaged object) is
                # not the repository's fault, and a new mirror fixes it.
                if self._retired or str(self.folder) not in exc.output:
                    raise
                self._files.remove()
                self._kept_refs = KeptRefs(self.folder, self._git)
                changed = self._files.fetch(self.repository, self._credential())
        except GitFailed as exc:
            self._snapshot = None
            return Fetched(started, exc)
        if self._fetch_pulls() or changed:
            self._reload()
        self._keep()
        self._stale = None
        self._succeeded = started
        return Fetched(started, None)

    def _keep(self) -> None:
        """Keep what gates lead to. What fails is tried again with the next fetch."""
        try:
            self._kept_refs.update(frozenset(self._kept()), self.repository, self._credential)
        except GitFailed as exc:
            log.warning("commits of gates are not kept", folder=str(self.folder), why=exc.why)

    def _fetch_pulls(self) -> bool:
        """Fetch the pull requests that may be built; return whether anything may have changed.

        If this fails, branches and tags are there all the same, and the next fetch tries it again.
        """
        heads, before = self._pulls(), self._heads
        self._heads = heads
        if not heads and not before:
            return False
        try:
            news = self._pull_refs.update(heads, self.repository, self._credential())
        except GitFailed as exc:
            log.warning("pull requests were not fetched", folder=str(self.folder), why=exc.why)
            news = True
        return news or heads != before

    def _find_stale(self) -> Snapshot | None:
        """Return the refs that are there after a failed fetch; read once for each fetch."""
        if not self._files.exists():
            return None
        last, stale = self._last, self._stale
        if stale is None or stale[0] is not last:
            # This value is for this fetch alone: a later one may have stored its own meanwhile.
            self._stale = stale = (last, self._make_snapshot())
        return stale[1]

    def _load(self) -> Snapshot:
        return self._snapshot or self._reload()

    def _reload(self) -> Snapshot:
        found, known = self._make_snapshot(), self._snapshot
        if known is None or (known.refs, known.heads, known.pulls) != (
            found.refs,
            found.heads,
            found.pulls,
        ):
            self._snapshot = known = found
        return known

    def _make_snapshot(self) -> Snapshot:
        heads = self._heads
        return Snapshot(self._list(), heads, self._pull_refs.find(heads) if heads else {})

    def _list(self) -> tuple[Ref, ...]:
        listing = ["for-each-ref", f"--format={resolution.REF_FORMAT}", "refs/heads", "refs/tags"]
        return resolution.read_refs(self._read(listing))

    def _read(self, arguments: Sequence[str]) -> str:
        return self._git.read(self.folder, arguments, limit=READ_LIMIT)
