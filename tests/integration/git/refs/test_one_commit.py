"""One commit of any repository is looked at, and nothing of it stays."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from framework.apps.commit_files import CommitFiles
from framework.errors import RepositoryUnreachable, UnknownRef
from framework.git import remote_refs
from framework.git.mirrors import Mirrors
from prevs.records import AppRecord
from tests.fakes.samples import SampleRepository

pytestmark = pytest.mark.integration

Looked = tuple[str, Mapping[str, str]]


@pytest.fixture
def repository(tmp_path: Path) -> SampleRepository:
    return SampleRepository(tmp_path / "repository")


@pytest.fixture
def app(repository: SampleRepository) -> AppRecord:
    return AppRecord("shop", str(repository.folder), folder="web")


def look(sha: str, files: CommitFiles) -> Looked:
    return sha, files.list(".")


def test_a_branch_a_tag_a_commit_and_the_default_branch_are_looked_at(
    repository: SampleRepository, mirrors: Mirrors, app: AppRecord
) -> None:
    first = repository.commit({"web/first": "1"})
    repository.git("tag", "-a", "v1", "-m", "one")
    second = repository.commit({"web/second": "2"})
    repository.git("branch", "feature/x", first)
    for ref in ("v1", "feature/x", first):
        assert mirrors.inspect(app, ref, look) == (first, {"first": "file"})
    for ref in ("", "main", second):
        assert mirrors.inspect(app, ref, look) == (second, {"second": "file"})


def test_nothing_stays_of_it_nor_of_one_that_was_cut_off(
    repository: SampleRepository, mirrors: Mirrors, app: AppRecord, tmp_path: Path
) -> None:
    repository.commit({"web/x": "1"})
    folder = tmp_path / "mirrors"
    before = sorted(folder.iterdir())
    seen: list[Path] = []
    mirrors.inspect(app, "main", lambda *_: seen.extend(folder.glob("look-at.*")))
    assert [one.is_dir() for one in seen] == [False]
    with pytest.raises(ZeroDivisionError):
        mirrors.inspect(app, "main", lambda *_: 1 // 0)
    assert sorted(folder.iterdir()) == before
    (folder / "look-at.cut-off").mkdir()
    Mirrors(folder)
    assert sorted(folder.iterdir()) == before


def test_only_the_commit_itself_is_fetched(
    repository: SampleRepository, mirrors: Mirrors, app: AppRecord, tmp_path: Path
) -> None:
    for number in range(3):
        repository.commit({"web/x": str(number)})

    def count(_: str, files: CommitFiles) -> str:
        (place,) = (tmp_path / "mirrors").glob("look-at.*")
        command = ["git", "--git-dir", str(place), "rev-list", "--count", "--all"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    assert mirrors.inspect(app, "main", count) == "1"


@pytest.mark.parametrize("ref", ["nothing", "--upload-pack=x", "a:b", "+main", "a..b", "abc1234"])
def test_a_ref_that_is_not_there_is_refused(
    repository: SampleRepository, mirrors: Mirrors, app: AppRecord, ref: str
) -> None:
    repository.commit({"web/x": "1"})
    with pytest.raises(UnknownRef):
        mirrors.inspect(app, ref, look)


def test_prevs_own_folders_and_addresses_with_credentials_are_refused(
    repository: SampleRepository, mirrors: Mirrors, tmp_path: Path
) -> None:
    repository.commit({"web/x": "1"})
    shutil.copytree(repository.folder, tmp_path / "mirrors" / "inside")
    for address in (str(tmp_path / "mirrors" / "inside"), "https://me:secret@127.0.0.1/x.git"):
        with pytest.raises(RepositoryUnreachable) as caught:
            mirrors.inspect(AppRecord("shop", address), "", look)
        assert "secret" not in str(caught.value)


def test_a_repository_beyond_the_size_is_refused(
    repository: SampleRepository, mirrors: Mirrors, app: AppRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_refs, "MOST_MB", 1)
    repository.commit({"web/x": os.urandom(3_000_000)})
    with pytest.raises(RepositoryUnreachable, match="its files have more than 1 MB"):
        mirrors.inspect(app, "main", look)
