"""An unreachable repository: its branches lead to the commits of the last fetch."""

import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from framework.errors import NoKey, RepositoryUnreachable, UnknownLabel
from framework.git.git_command import GitCommand, GitFailed
from framework.git.mirror import Mirror
from framework.git.mirrors import Mirrors
from prevs.records import AppRecord
from tests.integration.git.refs.sources import Clock, Source

pytestmark = pytest.mark.integration


@pytest.fixture
def away(tmp_path: Path, source: Source) -> Path:
    """Where the repository is moved to."""
    return tmp_path / "away"


def test_branches_and_tags_lead_to_their_last_known_commit_with_its_age_and_the_reason(
    source: Source, mirrors: Mirrors, app: AppRecord, clock: Clock, away: Path
) -> None:
    source.commit("Begin")
    source.git("tag", "v1")
    sha = source.commit("Say hello")
    assert mirrors.resolve(app, "main").sha == sha
    source.folder.rename(away)
    clock.now += 720
    for label, known in (("main", sha), ("v1", mirrors.resolve(app, "v1").sha), (sha[:7], sha)):
        found = mirrors.resolve(app, label)
        assert found.sha == known
        assert found.age is not None
        assert 719 < found.age < 722
        assert "cannot be read" in found.problem
        assert "does not appear to be a git repository" in found.problem
    away.rename(source.folder)
    newer = source.commit("Say more")
    clock.now += 10
    found = mirrors.resolve(app, "main")
    assert (found.sha, found.age, found.problem) == (newer, None, "")


def test_a_label_that_was_never_known_is_refused_as_before(
    source: Source, mirrors: Mirrors, app: AppRecord, clock: Clock, away: Path
) -> None:
    source.commit("Begin")
    with pytest.raises(UnknownLabel):
        mirrors.resolve(app, "feature")
    source.folder.rename(away)
    clock.now += 10
    with pytest.raises(RepositoryUnreachable):
        mirrors.resolve(app, "feature")


def test_another_process_knows_the_last_commits_and_their_age(
    source: Source, mirrors: Mirrors, app: AppRecord, tmp_path: Path, away: Path
) -> None:
    sha = source.commit("Begin")
    mirrors.resolve(app, "main")
    [read] = (tmp_path / "mirrors").rglob("fetched")
    then = time.time() - 7200
    os.utime(read, (then, then))
    source.folder.rename(away)
    reopened = Mirrors(tmp_path / "mirrors", Clock())
    found = reopened.resolve(app, "main")
    assert found.sha == sha
    assert found.age is not None
    assert 7199 < found.age < 7300
    assert reopened.listing(app).age == pytest.approx(found.age, abs=60)


class HeldGit(GitCommand):
    """Holds back the result of a fetch until it is released."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.has_read, self.goes_on = threading.Event(), threading.Event()

    def run(self, repository: Path, arguments: Sequence[str], *, limit: int) -> tuple[str, str]:
        done = super().run(repository, arguments, limit=limit)
        if arguments[0] == "fetch":
            self.has_read.set()
            self.goes_on.wait()
        return done


@pytest.fixture
def git(tmp_path: Path) -> HeldGit:
    """A git that is not held back."""
    made = HeldGit(tmp_path)
    made.goes_on.set()
    return made


@pytest.fixture
def mirror(source: Source, tmp_path: Path, git: HeldGit, clock: Clock) -> Mirror:
    """A repository that was fetched, and whose next fetch is held back."""
    source.commit("Begin")
    made = Mirror(tmp_path / "mirror.git", str(source.folder), git, clock)
    made.fetch()
    git.has_read.clear()
    git.goes_on.clear()
    clock.now += 60
    return made


def test_a_caller_gives_up_on_a_server_that_hangs_and_the_next_one_at_once(
    mirror: Mirror, git: HeldGit, clock: Clock
) -> None:
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(mirror.fetch_within, 15)
        git.has_read.wait()
        clock.now += 60
        with pytest.raises(GitFailed, match="has not answered for 15 s"):
            mirror.fetch_within(15)
        git.goes_on.set()
        # Its result is there for callers that still wait, and for later ones.
        assert [ref.name for ref in waits.result().refs] == ["main"]
    assert [ref.name for ref in mirror.fetch_within(15).refs] == ["main"]


def test_a_push_during_a_fetch_is_found(source: Source, mirror: Mirror, git: HeldGit) -> None:
    """A fetch that began before the request may have read before the push."""
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(mirror.fetch_within, 600)
        git.has_read.wait()
        sha = source.commit("Say hello")
        second = pool.submit(mirror.fetch_within, 600)
        git.goes_on.set()
        assert first.result().refs
        assert second.result().labels["main"][0].sha == sha


def test_a_missing_credential_does_not_count_as_a_server_that_is_away(
    source: Source, app: AppRecord, clock: Clock, tmp_path: Path
) -> None:
    sha = source.commit("Begin")
    given: list[str] = []

    def credential(_: str) -> None:
        if given:
            raise NoKey

    mirrors = Mirrors(tmp_path / "mirrors", clock, credential=credential)
    assert mirrors.resolve(app, "main").sha == sha
    given.append("nothing")
    clock.now += 60
    with pytest.raises(RepositoryUnreachable, match="PREVS_KEY_FILE"):
        mirrors.resolve(app, "main")
