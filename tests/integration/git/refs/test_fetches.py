"""How long a fetch may take, and what an interrupted one leaves until the next."""

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from framework.git.git_command import GitCommand, GitFailed
from framework.git.mirror import Mirror
from framework.git.mirror_folder import FETCH_LIMIT, FIRST_FETCH_LIMIT
from prevs.messages import Credential
from tests.fakes.samples import SampleRepository
from tests.integration.git.git_servers import TOKEN, USER, HttpsRepositories
from tests.integration.git.refs.sources import Clock, Source

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("nobody")]


class LimitedGit(GitCommand):
    """Records how long each fetch may take."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.limits: list[int] = []

    def run(self, repository: Path, arguments: Sequence[str], *, limit: int) -> tuple[str, str]:
        if arguments[0] == "fetch":
            self.limits.append(limit)
        return super().run(repository, arguments, limit=limit)


@pytest.fixture
def git(tmp_path: Path) -> LimitedGit:
    return LimitedGit(tmp_path)


def left(mirror: Mirror) -> list[str]:
    return [path.name for path in mirror.folder.rglob("tmp_*")]


def test_the_first_authorized_fetch_has_the_long_limit(
    tmp_path: Path, repository: SampleRepository, server: HttpsRepositories, git: LimitedGit
) -> None:
    repository.commit({"a": "1"})
    shown = [Credential(USER, TOKEN), Credential(USER, TOKEN), Credential(USER, "wr0ng"), None]
    address = server.url("shop.git")
    mirror = Mirror(tmp_path / "m.git", address, git, Clock(), credential=shown.pop)
    for _ in range(2):
        with pytest.raises(GitFailed, match="credential"):
            mirror.fetch()
    assert [ref.name for ref in mirror.fetch().refs] == ["main"]
    mirror.fetch()
    assert git.limits == [FIRST_FETCH_LIMIT, FIRST_FETCH_LIMIT, FIRST_FETCH_LIMIT, FETCH_LIMIT]


def test_a_mirror_that_an_earlier_process_filled_has_the_short_limit_and_a_new_one_the_long(
    source: Source, tmp_path: Path, git: LimitedGit
) -> None:
    source.commit("Begin")
    Mirror(tmp_path / "m.git", str(source.folder), git, Clock()).fetch()
    mirror = Mirror(tmp_path / "m.git", str(source.folder), git, Clock())
    mirror.fetch()
    (mirror.folder / "refs" / "heads" / "main.lock").touch()
    source.commit("Go on")
    mirror.fetch()
    assert git.limits == [FIRST_FETCH_LIMIT, FETCH_LIMIT, FETCH_LIMIT, FIRST_FETCH_LIMIT]


@pytest.mark.parametrize(("count", "size"), [(120, 10_000), (1, 9_000_000)])
def test_files_of_an_interrupted_fetch_are_removed_by_the_next(
    tmp_path: Path,
    repository: SampleRepository,
    server: HttpsRepositories,
    git: LimitedGit,
    count: int,
    size: int,
) -> None:
    repository.commit({f"file-{number}": os.urandom(size) for number in range(count)})
    server.guarded = False
    mirror = Mirror(tmp_path / "m.git", server.url("shop.git"), git, Clock())
    server.cut_after = count * size // 2
    for _ in range(2):
        with pytest.raises(GitFailed):
            mirror.fetch()
        assert len(left(mirror)) == 1
    server.cut_after = None
    assert [ref.name for ref in mirror.fetch().refs] == ["main"]
    assert left(mirror) == []


class TidyingGit(GitCommand):
    """Keeps maintenance running until it is stopped."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.began, self.end = threading.Event(), threading.Event()

    def run(self, repository: Path, arguments: Sequence[str], *, limit: int) -> tuple[str, str]:
        if arguments[0] == "gc":
            self.began.set()
            self.end.wait(60)
        return super().run(repository, arguments, limit=limit)


@pytest.fixture
def tidying(tmp_path: Path) -> Iterator[TidyingGit]:
    git = TidyingGit(tmp_path)
    yield git
    git.end.set()


def test_files_that_maintenance_writes_meanwhile_stay(
    source: Source, tmp_path: Path, tidying: TidyingGit
) -> None:
    source.commit("Begin")
    mirror = Mirror(tmp_path / "m.git", str(source.folder), tidying, Clock())
    mirror.fetch()
    (mirror.folder / "objects" / "pack" / "tmp_pack_x").touch()
    with ThreadPoolExecutor(1) as pool:
        going_on = pool.submit(mirror.maintain)
        assert tidying.began.wait(60)
        mirror.fetch()
        mirror.maintain()
        assert left(mirror) == ["tmp_pack_x"]
        tidying.end.set()
        going_on.result()
    mirror.fetch()
    assert left(mirror) == []
