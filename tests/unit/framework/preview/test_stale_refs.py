import pytest

from framework.preview.stale_refs import Fate, is_own_commit, judge
from prevs.records import PreviewRecord
from prevs.states import State

A = "abcdef0" + "1" * 33
LIMIT = 100.0


def preview(*labels: str, **fields: object) -> PreviewRecord:
    return PreviewRecord("hello", A, State.STOPPED, labels=labels, **fields)  # type: ignore[arg-type] # fields vary per test


@pytest.mark.parametrize(
    "labels",
    [("main",), ("gone", "main"), (A,), (A[:7],), ("gone", A[:12]), ()],
    ids=["branch", "one of two", "commit", "prefix", "branch and prefix", "none"],
)
def test_a_commit_with_a_ref_stays_and_can_return(labels: tuple[str, ...]) -> None:
    assert judge(preview(*labels), {"main"}, 500.0, LIMIT) is Fate.STAYS
    assert (
        judge(preview(*labels, unreferenced_since=1.0), {"main"}, 500.0, LIMIT) is Fate.REFERENCED
    )


@pytest.mark.parametrize("label", ["gone", A[:6], "abcdef01112", "0" * 40])
def test_a_commit_without_a_ref_is_marked_and_removed_after_the_limit(label: str) -> None:
    assert judge(preview(label), {"main"}, 500.0, LIMIT) is Fate.UNREFERENCED
    assert judge(preview(label, unreferenced_since=450.0), {"main"}, 549.9, LIMIT) is Fate.STAYS
    assert judge(preview(label, unreferenced_since=450.0), {"main"}, 550.0, LIMIT) is Fate.EXPIRED


def test_a_pinned_preview_never_goes() -> None:
    pinned = preview("gone", pinned=True)
    assert judge(pinned, {"main"}, 500.0, LIMIT) is Fate.UNREFERENCED
    gone = preview("gone", pinned=True, unreferenced_since=1.0)
    assert judge(gone, {"main"}, 500.0, LIMIT) is Fate.STAYS


def test_a_branch_named_like_the_beginning_of_the_commit_counts_as_the_commit() -> None:
    assert is_own_commit(preview(), A[:8])
    assert not is_own_commit(preview(), "deadbeef")
