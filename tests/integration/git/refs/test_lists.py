"""What people see of real git repositories: branches and tags, and the commits behind them."""

import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from framework.errors import (
    AmbiguousLabel,
    BeingFetched,
    RepositoryUnreachable,
    UnknownLabel,
    UnknownPlace,
)
from framework.git.git_command import GitCommand, GitFailed
from framework.git.mirror import Mirror
from framework.git.mirrors import Mirrors
from prevs import names
from prevs.records import AppRecord
from tests.integration.git.refs.sources import Clock, Source
from tests.waits import wait_until

pytestmark = pytest.mark.integration

HOSTILE = (
    "<script>alert(1)</script>",
    "-x",
    "--upload-pack=touch",
    "\u202egnp.exe",
    "a'\"`$(id)`;&|",
    "Ünïcode/💥",
    "HEAD",
)


def import_commits(source: Source, commands: bytes) -> None:
    """Have git make commits of texts that people cannot type."""
    load = ["git", "-C", str(source.folder), "fast-import", "--quiet", "--force"]
    subprocess.run(load, input=commands, check=True)


def spell(branch: bytes, subject: bytes, *, who: bytes = b"Ada <a@b>", when: bytes = b"1") -> bytes:
    size = b"%d" % len(subject)
    return (
        b"commit refs/heads/" + branch + b"\ncommitter " + who + b" " + when + b" +0000\n"
        b"data " + size + b"\n" + subject + b"\n"
    )


def test_the_newest_commit_comes_first_with_its_author_subject_and_time(
    source: Source, mirrors: Mirrors, app: AppRecord
) -> None:
    first = source.commit("Begin")
    source.git("tag", "-a", "v1", "-m", "annotated")
    source.git("tag", "a-tree", source.git("rev-parse", "HEAD^{tree}"))
    import_commits(source, spell(b"feature/New", b"Try it\n\nMore words", when=b"2000000000"))
    listing = mirrors.listing(app)
    newest, *others = listing.refs
    assert newest[:3] == ("feature/New", "branch", names.slug("feature/New"))
    assert newest[4:] == ("Ada", "Try it", 2000000000.0, False)
    assert [(ref.name, ref.kind, ref.sha) for ref in others] == [
        ("main", "branch", first),
        ("v1", "tag", first),
    ]
    assert listing.problem == ""
    assert listing.age is not None


def test_hostile_names_and_texts_are_shown_as_they_are_and_never_interpreted_by_git(
    source: Source, mirrors: Mirrors, app: AppRecord
) -> None:
    sha = source.commit("<img src=x onerror=alert(1)> \x1b[31mred \u202eevil")
    stdin = "".join(f"create refs/heads/{name} {sha}\n" for name in HOSTILE)
    load = ["git", "-C", str(source.folder), "update-ref", "--stdin"]
    subprocess.run(load, input=stdin.encode(), check=True)
    import_commits(source, spell(b"bytes-\xff", b"\xff\xfe bytes", who=b"\xff <a@b>"))
    listed = {ref.name: ref for ref in mirrors.listing(app).refs}
    assert set(listed) == {*HOSTILE, "main", "bytes-\ufffd"}
    assert listed["bytes-\ufffd"][4:6] == ("\ufffd", "\ufffd\ufffd bytes")
    for name, ref in listed.items():
        assert mirrors.resolve(app, ref.label).sha == ref.sha
        assert mirrors.commits(app, name, limit=1).commits[0].sha == ref.sha
    assert "\x1b[31mred \u202eevil" in listed["main"].subject


def test_a_subject_of_a_megabyte_is_cut_and_an_impossible_time_is_bounded(
    source: Source, mirrors: Mirrors, app: AppRecord
) -> None:
    long = spell(b"main", b"x" * 2**20, who=b"y" * 2**16 + b" <a@b>", when=b"999999999999999")
    import_commits(source, long)
    (ref,) = mirrors.listing(app).refs
    assert (len(ref.subject), len(ref.author)) == (300, 100)
    assert time.gmtime(ref.committed).tm_year == 9999
    assert mirrors.resolve(app, "main").subject == ref.subject


def test_only_the_beginning_of_a_subject_larger_than_memory_is_kept(
    source: Source, mirrors: Mirrors, app: AppRecord, tmp_path: Path
) -> None:
    import_commits(source, spell(b"main", "\u200b".encode() * 2**20 + b"\n\nEnd"))
    read = GitCommand(tmp_path).read(source.folder / ".git", ["log", "--format=%s%n%b"], limit=30)
    line, end = read.split("\n")[:2]
    assert 8000 < len(line.encode("utf-8", "surrogateescape")) <= 8192
    assert end == "End"
    (ref,) = mirrors.listing(app).refs
    assert ref.subject == "\u200b" * 299 + "…"


def test_a_label_of_several_commits_is_ambiguous_and_one_of_a_single_commit_is_not(
    source: Source, mirrors: Mirrors, app: AppRecord
) -> None:
    first = source.commit("Begin")
    source.git("tag", "main")
    source.git("tag", "same")
    second = source.commit("Go on")
    source.git("branch", "same", "same")
    source.git("update-ref", f"refs/heads/{first}", second)
    listed = {(ref.name, ref.kind): ref.ambiguous for ref in mirrors.listing(app).refs}
    assert listed == {
        ("main", "branch"): True,
        ("main", "tag"): True,
        ("same", "branch"): False,
        ("same", "tag"): False,
        (first, "branch"): True,
    }
    assert mirrors.resolve(app, first).kind == "commit"


def test_commits_come_in_pages_that_stay_while_the_branch_moves(
    source: Source, mirrors: Mirrors, app: AppRecord, clock: Clock
) -> None:
    shas = [source.commit(f"Step {number}") for number in range(5)]
    first = mirrors.commits(app, "main", limit=2)
    assert [commit[:3] for commit in first.commits] == [
        (shas[4], "Ada", "Step 4"),
        (shas[3], "Ada", "Step 3"),
    ]
    source.commit("Later")
    clock.now += 100
    assert first.next
    second = mirrors.commits(app, "main", limit=2, after=first.next)
    assert [commit.subject for commit in second.commits] == ["Step 2", "Step 1"]
    assert second.next
    last = mirrors.commits(app, "main", limit=2, after=second.next)
    assert [commit.subject for commit in last.commits] == ["Step 0"]
    assert last.next is None
    assert mirrors.commits(app, "main", limit=1).commits[0].subject == "Later"
    assert mirrors.commits(app, shas[1][:8], limit=9).commits[0].subject == "Step 1"


def test_commits_of_an_invalid_name_are_refused_with_a_reason(
    source: Source, mirrors: Mirrors, app: AppRecord, clock: Clock
) -> None:
    first = source.commit("Begin")
    lost = source.commit("A mistake")
    cursor = f"{lost}.1"
    assert mirrors.commits(app, "main", limit=1).next == cursor
    source.git("reset", "--quiet", "--hard", first)
    source.git("tag", "both", source.git("commit-tree", "-m", "Other", "HEAD^{tree}"))
    source.git("branch", "both")
    clock.now += 100
    cases = [
        ("nope", "", "no branch or tag of that name"),
        ("--all", "", "no branch or tag of that name"),
        ("main..both", "", "no branch or tag of that name"),
        ("main", cursor, "no branch or tag reaches it"),
    ]
    for ref, after, why in cases:
        with pytest.raises(UnknownLabel, match=why):
            mirrors.commits(app, ref, limit=1, after=after)
    with pytest.raises(AmbiguousLabel):
        mirrors.commits(app, "both", limit=1)
    with pytest.raises(UnknownPlace):
        mirrors.commits(app, "main", limit=1, after="--all")


def test_without_a_name_the_commits_are_those_of_the_main_branch(
    source: Source, mirrors: Mirrors, app: AppRecord, clock: Clock
) -> None:
    with pytest.raises(UnknownLabel, match="has no branches yet"):
        mirrors.commits(app, "", limit=1)
    import_commits(source, spell(b"newest", b"Of the newest", when=b"2000000000"))
    clock.now += 100
    assert mirrors.commits(app, "", limit=1).commits[0].subject == "Of the newest"
    source.commit("Of main")
    clock.now += 100
    assert mirrors.commits(app, "", limit=1).commits[0].subject == "Of main"


def test_pushed_refs_are_listed_after_the_interval_and_removed_ones_are_not(
    source: Source, mirrors: Mirrors, app: AppRecord, clock: Clock
) -> None:
    source.commit("Begin")
    source.git("branch", "old")
    assert {ref.name for ref in mirrors.listing(app).refs} == {"main", "old"}
    source.git("branch", "-m", "old", "new")
    assert {ref.name for ref in mirrors.listing(app).refs} == {"main", "old"}
    clock.now += 100
    assert {ref.name for ref in mirrors.listing(app).refs} == {"main", "new"}


def test_a_repository_that_is_gone_is_listed_as_it_was_with_the_reason(
    source: Source, mirrors: Mirrors, app: AppRecord, clock: Clock, tmp_path: Path
) -> None:
    source.commit("Begin")
    mirrors.listing(app)
    source.folder.rename(tmp_path / "moved")
    clock.now += 100
    for known in (mirrors, Mirrors(tmp_path / "mirrors", clock)):
        listing = known.listing(app)
        assert [ref.name for ref in listing.refs] == ["main"]
        assert "does not appear to be a git repository" in listing.problem
        assert known.commits(app, "main", limit=1).commits[0].subject == "Begin"
    age = mirrors.listing(app).age
    assert age is not None
    assert 100 <= age < 101
    (tmp_path / "moved").rename(source.folder)
    clock.now += 100
    assert mirrors.listing(app).problem == ""


def test_a_repository_that_hangs_delays_no_reader(
    source: Source, mirrors: Mirrors, clock: Clock
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        app = AppRecord("hello", f"git://127.0.0.1:{silent.getsockname()[1]}/x")
        for _ in range(2):
            with pytest.raises(BeingFetched, match="for the first time"):
                mirrors.listing(app)
            clock.now += 2
        silent.accept()[0].close()

        def is_reported() -> bool:
            try:
                mirrors.listing(app)
            except BeingFetched:
                return False
            except RepositoryUnreachable:
                return True
            raise AssertionError("it has nothing to list")

        wait_until(is_reported)


class CountingGit(GitCommand):
    """Records every call."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.calls: list[str] = []

    def run(self, repository: Path, arguments: Sequence[str], *, limit: int) -> tuple[str, str]:
        self.calls.append(arguments[0])
        return super().run(repository, arguments, limit=limit)

    def read(self, repository: Path, arguments: Sequence[str], *, limit: int) -> str:
        self.calls.append(arguments[0])
        return super().read(repository, arguments, limit=limit)


def test_an_unreadable_repository_costs_git_no_more_calls(
    source: Source, tmp_path: Path, clock: Clock
) -> None:
    source.commit("Begin")
    git = CountingGit(tmp_path)
    mirror = Mirror(tmp_path / "mirror.git", str(source.folder), git, clock)
    mirror.fetch()
    source.folder.rename(tmp_path / "moved")
    for _ in range(2):
        with pytest.raises(GitFailed):
            mirror.fetch()
        git.calls.clear()
        kept = mirror.peek(float("inf"))
        assert kept is not None
        assert [ref.name for ref in kept.refs] == ["main"]
        assert mirror.peek(float("inf")) is kept
        # A fetch that fails may have brought some of it: each is followed by a look.
        assert git.calls == ["for-each-ref"]


def test_ten_thousand_commits_are_described_in_two_calls_and_then_known(
    source: Source, tmp_path: Path
) -> None:
    count = 10_001
    spelled = [spell(b"main", b"Step %d" % n, when=b"%d" % n) for n in range(count)]
    import_commits(source, b"".join(spelled))
    git = CountingGit(tmp_path)
    mirror = Mirror(tmp_path / "mirror.git", str(source.folder), git, time.monotonic)
    mirror.fetch()
    shas = source.git("rev-list", "--reverse", "main").split()
    git.calls.clear()
    subjects = [commit.subject for commit in mirror.describe(shas)]
    assert subjects == [f"Step {n}" for n in range(count)]
    assert git.calls == ["log", "log"]
    import_commits(source, spell(b"other", b"Another"))
    mirror.fetch()
    git.calls.clear()
    another = source.git("rev-parse", "other")
    assert [commit.sha for commit in mirror.describe([*shas, another])] == [*shas, another]
    assert git.calls == ["log"]
