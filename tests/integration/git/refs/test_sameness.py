"""Whether two commits differ in what an app is made of, told by real git."""

import dataclasses
from collections.abc import Mapping, Sequence

import pytest

from framework.apps.manifest import Manifest
from framework.git.manifest_reader import read_manifest
from framework.git.mirrors import Mirrors
from prevs.records import AppRecord
from tests.fakes.samples import SampleRepository

pytestmark = pytest.mark.integration

BEFORE = {
    "services/web/Dockerfile": "FROM x\nCOPY . .",
    "services/web/src/a": "1",
    "services/web/tests/[b]/c": "1",
    "services/api/Dockerfile": "FROM x\nCOPY . .",
    "README.md": "1",
}
NAMED = {"services/web/.prevs.toml": 'watch = ["services/web/src/**", "services/web/tests/[b]"]'}


@pytest.fixture
def repository(tmp_path_factory: pytest.TempPathFactory) -> SampleRepository:
    return SampleRepository(tmp_path_factory.mktemp("mono") / "repository")


@pytest.fixture
def web(repository: SampleRepository) -> AppRecord:
    return AppRecord("web", str(repository.folder), folder="services/web")


def find_watch(mirrors: Mirrors, app: AppRecord, sha: str) -> Sequence[str]:
    found = read_manifest(mirrors, app, sha)
    assert isinstance(found, Manifest)
    return found.settings.watch


@pytest.mark.parametrize(
    ("before", "changed", "same"),
    [
        ({}, {"README.md": "2"}, True),
        ({}, {"services/api/new": "2"}, True),
        ({}, {"services/website/a": "2"}, True),
        ({}, {"services/web/src/a": "2"}, False),
        ({}, {"services/web/new": ""}, False),
        ({}, {"services/web/src/a": "-> elsewhere"}, False),
        ({}, {"services/web/src/a": b"1"}, False),  # it may be executed now
        ({}, {".gitattributes": "* eol=crlf"}, False),
        ({}, {"services/web/.prevs.toml": "port = 1"}, False),
        (NAMED, {"services/web/README.md": "2"}, True),
        (NAMED, {"services/web/src/b/c/d": "2"}, False),
        (NAMED, {"services/web/tests/[b]/c": "2"}, False),
        (NAMED, {"services/web/tests/b/c": "2"}, True),
        (NAMED, {"services/web/.prevs.toml": "port = 1"}, False),
        (NAMED, {"services/web/Dockerfile": "FROM y"}, False),
        (NAMED, {"services/web/.dockerignore": "src"}, False),
    ],
)
def test_a_commit_is_the_same_if_nothing_of_what_the_app_is_made_of_has_changed(
    repository: SampleRepository,
    mirrors: Mirrors,
    web: AppRecord,
    before: Mapping[str, str],
    changed: Mapping[str, str | bytes],
    same: bool,
) -> None:
    older = repository.commit({**BEFORE, **before})
    newer = repository.commit({**BEFORE, **before, **changed})
    mirrors.heads(web)
    watch = find_watch(mirrors, web, older)
    assert mirrors.is_same(web, older, newer, watch, reached=True) is same
    # What is the same says the same of itself.
    assert not same or find_watch(mirrors, web, newer) == watch


def test_a_submodule_counts_as_its_commit(
    repository: SampleRepository, mirrors: Mirrors, web: AppRecord
) -> None:
    older = repository.commit(BEFORE)
    for place in ("services/api/lib", "services/web/lib"):
        entry = f"160000,{older},{place}"
        repository.git("update-index", "--add", "--cacheinfo", entry)
        repository.git("commit", "--quiet", "--message", "A submodule")
        mirrors.heads(web)
        newer = repository.git("rev-parse", "HEAD")
        found = mirrors.is_same(web, older, newer, find_watch(mirrors, web, older))
        assert found is (place == "services/api/lib")


def test_what_counts_are_the_files_however_the_branch_came_to_them(
    repository: SampleRepository, mirrors: Mirrors, web: AppRecord
) -> None:
    """After a rebase an older commit is the same, but cannot be fetched any more."""
    base = repository.commit(BEFORE)
    repository.git("branch", "base")
    older = repository.commit({**BEFORE, "services/web/src/a": "2"})
    mirrors.heads(web)
    repository.git("reset", "--quiet", "--hard", base)
    repository.commit({**BEFORE, "README.md": "2"})
    newer = repository.commit({**BEFORE, "README.md": "2", "services/web/src/a": "2"})
    mirrors.heads(web)
    watch = find_watch(mirrors, web, newer)
    assert mirrors.is_same(web, older, newer, watch)
    assert not mirrors.is_same(web, older, newer, watch, reached=True)
    assert not mirrors.is_same(web, base, newer, watch)
    repository.git("checkout", "--quiet", "base")
    repository.git("merge", "--quiet", "--no-ff", "--message", "Merge", newer)
    mirrors.heads(web)
    merged = repository.git("rev-parse", "HEAD")
    assert mirrors.is_same(web, newer, merged, watch, reached=True)


def test_what_git_cannot_tell_is_not_the_same(
    repository: SampleRepository, mirrors: Mirrors, web: AppRecord
) -> None:
    sha = repository.commit(BEFORE)
    mirrors.heads(web)
    assert mirrors.is_same(web, sha, sha, ["services/web"], reached=True)
    assert not mirrors.is_same(web, sha, "0" * 40, ["services/web"])
    assert not mirrors.is_same(web, "0" * 40, sha, ["services/web"])
    away = dataclasses.replace(web, repository="?")
    assert not mirrors.is_same(away, sha, sha, ["services/web"])
