"""Pull requests in mirrors of real git repositories."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from framework.errors import AmbiguousLabel
from framework.git.mirrors import Mirrors
from framework.pulls.errors import NotApproved
from framework.pulls.gate import PullHead, Rules, list_heads
from prevs.pulls import PullRecord
from prevs.records import AppRecord
from tests.integration.git.refs.sources import Clock, Source, why_unknown

pytestmark = pytest.mark.integration

ALL = Rules("all", "approve")


class Forge:
    """What the last look at a forge has found, and the mirrors that follow it."""

    def __init__(self, folder: Path, source: Source, clock: Clock) -> None:
        self.source = source
        self.clock = clock
        self.pulls: dict[int, PullRecord] = {}
        self.mirrors = Mirrors(folder / "mirrors", clock, pulls=self.list_heads)

    def list_heads(self, app: str) -> Sequence[PullHead]:
        return list_heads(ALL, self.pulls.values())

    def push(
        self, number: int, subject: str, *, is_fork: bool = True, approved: bool = False
    ) -> str:
        """Push a commit that only the pull request reaches; the last look has seen it."""
        self.source.git("checkout", "--quiet", "--detach", self._begin(number))
        sha = self.source.commit(subject)
        self.source.git("update-ref", f"refs/pull/{number}/head", sha)
        self.source.git("checkout", "--quiet", "main")
        commit = sha if approved else ""
        self.pulls[number] = PullRecord(
            "hello", number, sha, f"pull/{number}/head", is_fork=is_fork, approved_commit=commit
        )
        return sha

    def _begin(self, number: int) -> str:
        known = self.pulls.get(number)
        return known.sha if known else "main"

    def list_refs(self) -> str:
        (mirror,) = (self.mirrors._folder / "hello").iterdir()
        listing = ["git", f"--git-dir={mirror}", "for-each-ref", "--format=%(refname)"]
        return subprocess.run(listing, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def forge(tmp_path: Path, source: Source, clock: Clock) -> Forge:
    source.commit("Begin")
    return Forge(tmp_path, source, clock)


def test_only_open_pull_requests_that_may_be_built_are_fetched(
    forge: Forge, app: AppRecord
) -> None:
    own = forge.push(7, "Own", is_fork=False)
    approved = forge.push(8, "Approved", approved=True)
    forge.push(9, "Waiting")
    forge.source.git("update-ref", "refs/pull/10/head", own)
    gone = PullRecord("hello", 11, "a" * 40, "pull/11/head", is_fork=False)
    forge.pulls[11] = gone

    heads = forge.mirrors.heads(app)
    main = forge.source.git("rev-parse", "main")
    assert heads.commits == {"main": main, "pr-7": own, "pr-8": approved, "pr-9": None}
    assert heads.refs == {main: ("heads/main",), own: ("pull/7",), approved: ("pull/8",)}
    assert forge.list_refs().split() == [
        "refs/heads/main",
        "refs/prevs/pull/7",
        "refs/prevs/pull/8",
    ]

    del forge.pulls[7]
    assert set(forge.mirrors.heads(app).commits) == {"main", "pr-8", "pr-9"}
    assert "refs/prevs/pull/7" not in forge.list_refs()
    assert "leads to no commit" in why_unknown(forge.mirrors, app, "pr-7")
    assert "no branch or tag reaches it" in why_unknown(forge.mirrors, app, own)


def test_a_commit_of_a_fork_is_found_by_no_name_before_it_is_approved(
    forge: Forge, app: AppRecord
) -> None:
    sha = forge.push(7, "Steal")
    for label in ("pr-7", sha, sha[:9]):
        with pytest.raises(NotApproved, match=f"/prevs approve {sha[:7]}"):
            forge.mirrors.resolve(app, label)
    forge.pulls[7] = forge.pulls[7].__class__(**{**vars(forge.pulls[7]), "approved_commit": sha})
    for label in ("pr-7", sha, sha[:9]):
        forge.clock.now += 60
        assert forge.mirrors.resolve(app, label)[0] == sha
        assert forge.mirrors.resolve(app, label).refs == ("pull/7",)


def test_the_next_push_to_a_fork_waits_again_and_what_was_approved_stays(
    forge: Forge, app: AppRecord
) -> None:
    first = forge.push(7, "Approved", approved=True)
    before = forge.pulls[7]
    second = forge.push(7, "Steal")
    # The last look was before the push: git is ahead of what may be built.
    forge.pulls[7] = before
    assert forge.mirrors.heads(app).commits["pr-7"] == first
    assert "no branch or tag reaches it" in why_unknown(forge.mirrors, app, second)

    seen = PullRecord("hello", 7, second, "pull/7/head", approved_commit=first)
    forge.pulls[7] = seen
    assert forge.mirrors.heads(app).commits["pr-7"] is None
    with pytest.raises(NotApproved):
        forge.mirrors.resolve(app, second)
    assert forge.mirrors.resolve(app, first).refs == ("pull/7",)


def test_a_commit_that_a_branch_reaches_is_no_longer_the_pull_requests(
    forge: Forge, app: AppRecord
) -> None:
    sha = forge.push(7, "Approved", approved=True)
    assert forge.mirrors.resolve(app, "pr-7").refs == ("pull/7",)
    forge.source.git("merge", "--quiet", "--ff-only", sha)
    forge.source.commit("Go on")
    assert forge.mirrors.heads(app).refs[forge.source.git("rev-parse", "main")] == ("heads/main",)
    forge.clock.now += 60
    assert forge.mirrors.resolve(app, "pr-7").refs == ()
    assert forge.mirrors.resolve(app, sha).refs == ()


def test_a_branch_with_the_label_of_a_pull_request_makes_it_ambiguous(
    forge: Forge, app: AppRecord
) -> None:
    sha = forge.push(7, "Own", is_fork=False)
    forge.source.git("branch", "pr-7", "main")
    forge.source.git("branch", "pr-8", "main")
    forge.push(8, "Anybody may open this one")
    with pytest.raises(AmbiguousLabel) as raised:
        forge.mirrors.resolve(app, "pr-7")
    assert {(one.kind, one.ref) for one in raised.value.candidates} == {
        ("branch", "pr-7"),
        ("pull", "pr-7"),
    }
    assert forge.mirrors.heads(app).commits["pr-7"] is None
    # A stranger takes no address from a branch.
    assert forge.mirrors.resolve(app, "pr-8")[:2] == (
        forge.source.git("rev-parse", "main"),
        "branch",
    )
    assert forge.mirrors.resolve(app, sha)[0] == sha


def test_a_merge_request_has_two_labels(forge: Forge, app: AppRecord) -> None:
    sha = forge.push(7, "Own", is_fork=False)
    forge.source.git("update-ref", "refs/merge-requests/7/head", sha)
    forge.pulls[7] = PullRecord("hello", 7, sha, "merge-requests/7/head", is_fork=False)
    for label in ("pr-7", "mr-7"):
        assert forge.mirrors.resolve(app, label)[:3] == (sha, "pull", "pr-7")
