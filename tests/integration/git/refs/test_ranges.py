"""The commits between two, in real repositories with merges."""

import subprocess
from pathlib import Path

import pytest

from framework.errors import UnknownLabel
from framework.git.mirrors import Mirrors
from framework.ports.repositories import NotAnAncestor
from prevs.records import AppRecord
from tests.integration.git.refs.sources import Clock, Source

pytestmark = pytest.mark.integration


@pytest.fixture
def merged(source: Source) -> dict[str, str]:
    """A branch main with two merges of topics; the first topic began before v1.

    one ── v1 ── two ── merge ── three ── again     main
      └── early ─────────┘  └── late ───────┘       what was merged
    """
    found = {"one": source.commit("one")}
    source.git("branch", "topic")
    found["v1"] = source.commit("v1")
    source.git("tag", "-a", "v1", "-m", "annotated")
    found["two"] = source.commit("two")
    source.git("checkout", "--quiet", "topic")
    found["early"] = source.commit("early")
    source.git("checkout", "--quiet", "main")
    source.git("merge", "--quiet", "--no-ff", "-m", "merge", "topic")
    found["merge"] = source.git("rev-parse", "HEAD")
    source.git("checkout", "--quiet", "-b", "topic-2")
    found["late"] = source.commit("late")
    source.git("checkout", "--quiet", "main")
    found["three"] = source.commit("three")
    source.git("merge", "--quiet", "--no-ff", "-m", "again", "topic-2")
    found["again"] = source.git("rev-parse", "HEAD")
    return found


def list_range(
    mirrors: Mirrors, app: AppRecord, base: str, ref: str, *, first_parent: bool = True
) -> list[str]:
    page = mirrors.commits(app, ref, limit=50, base=base, first_parent=first_parent)
    assert page.next is None
    return [commit.subject for commit in page.commits]


def test_a_commit_has_its_parents_the_one_on_the_branch_first(
    mirrors: Mirrors, app: AppRecord, merged: dict[str, str]
) -> None:
    found = {one.subject: one.parents for one in mirrors.commits(app, "main", limit=50).commits}
    assert found["merge"] == (merged["two"], merged["early"])
    assert found["two"] == (merged["v1"],)
    assert found["one"] == ()


def test_first_parents_are_what_a_branch_was_one_after_the_other(
    mirrors: Mirrors, app: AppRecord, merged: dict[str, str]
) -> None:
    assert list_range(mirrors, app, "v1", "main") == ["again", "three", "merge", "two"]
    every = list_range(mirrors, app, "v1", "main", first_parent=False)
    assert sorted(every) == ["again", "early", "late", "merge", "three", "two"]
    # What was merged later is not on the branch, and what it does not have was not there either.
    assert list_range(mirrors, app, merged["early"], "main") == [
        "again",
        "three",
        "merge",
        "two",
        "v1",
    ]
    assert list_range(mirrors, app, merged["one"][:7], merged["two"]) == ["two", "v1"]
    assert list_range(mirrors, app, "main", "main") == []


def test_pages_of_a_range_belong_to_the_ends_of_the_first_one(
    source: Source, mirrors: Mirrors, app: AppRecord, clock: Clock, merged: dict[str, str]
) -> None:
    source.git("branch", "good", merged["v1"])
    page = mirrors.commits(app, "main", limit=2, base="good", first_parent=True)
    found = [*page.commits]
    source.commit("Later")
    source.git("branch", "--force", "good", merged["three"])
    clock.now += 100
    while page.next:
        page = mirrors.commits(app, "", limit=1, after=page.next)
        found += page.commits
    assert [one.subject for one in found] == ["again", "three", "merge", "two"]


def test_what_does_not_come_before_is_refused_with_where_to_begin(
    source: Source, mirrors: Mirrors, app: AppRecord, merged: dict[str, str]
) -> None:
    source.git("checkout", "--quiet", "-b", "release", "v1")
    source.commit("only there")
    source.git("checkout", "--quiet", "--orphan", "other")
    source.commit("Begin anew")
    with pytest.raises(NotAnAncestor, match=f"{merged['v1']}: begin there") as raised:
        list_range(mirrors, app, "release", "main")
    assert raised.value.common == merged["v1"]
    with pytest.raises(NotAnAncestor, match="the other way round") as raised:
        list_range(mirrors, app, "main", "v1")
    assert raised.value.common == merged["v1"]
    with pytest.raises(NotAnAncestor, match="no commit in common") as raised:
        list_range(mirrors, app, "other", "main")
    assert raised.value.common is None


def test_a_repository_without_all_of_its_history_says_so(
    tmp_path: Path, source: Source, mirrors: Mirrors, merged: dict[str, str]
) -> None:
    source.git("branch", "old", merged["one"])
    cut = tmp_path / "cut"
    clone = [
        "git",
        "clone",
        "--quiet",
        "--depth=1",
        "--no-single-branch",
        f"file://{source.folder}",
    ]
    subprocess.run([*clone, str(cut)], check=True)
    Source(cut).git("branch", "old", "origin/old")
    app = AppRecord("cut", str(cut))
    with pytest.raises(NotAnAncestor, match="only a part of its history"):
        list_range(mirrors, app, "old", "main")


@pytest.mark.parametrize("name", ["--all", "--output=x", "^main", "main..v1", "-1", "nope", "a b"])
def test_no_end_of_a_range_is_an_option_of_git(
    source: Source, mirrors: Mirrors, app: AppRecord, name: str
) -> None:
    sha = source.commit("Begin")
    for base, ref in ((name, "main"), ("main", name)):
        with pytest.raises(UnknownLabel):
            list_range(mirrors, app, base, ref)
    # What a repository has named like that is its name alone.
    if name.startswith("-") and " " not in name:
        source.git("update-ref", f"refs/heads/{name}", sha)
        other = AppRecord("other", str(source.folder))
        assert list_range(mirrors, other, name, "main") == []


def test_a_cursor_that_names_what_no_branch_reaches_is_refused(
    source: Source, mirrors: Mirrors, app: AppRecord, clock: Clock
) -> None:
    first = source.commit("Begin")
    gone = source.commit("Gone")
    assert list_range(mirrors, app, first, "main") == ["Gone"]
    source.git("reset", "--quiet", "--hard", first)
    source.commit("Instead")
    clock.now += 100
    with pytest.raises(UnknownLabel, match="no branch or tag reaches it"):
        mirrors.commits(app, "main", limit=1, after=f"{first}.0.{gone}.first")
