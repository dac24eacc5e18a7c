"""Variants follow the branches of their name, and open with pull requests."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.stacks import following, variants
from framework.stacks.variants import WrittenVariant
from prevs import names
from prevs.pulls import PullRecord
from prevs.stacks import Member, StackRecord

A, B = "a" * 40, "b" * 40
APPS = ("web", "cart", "pay")
STACK = StackRecord("shop", "web", {app: Member(app, "main") for app in APPS})
PULL = PullRecord("web", 7, A, "pull/7/head", is_fork=False, branch="feature/x")


def open_at(*found: str, **written: object) -> StackRecord:
    order = dataclasses.replace(WrittenVariant("feature/x"), **written)  # type: ignore[arg-type]
    return variants.open_variant(STACK, order, found, now=1.0, by="ada")


def find(stack: StackRecord) -> tuple[str, ...] | None:
    """Return the members that are at the branch; None if the variant is closed."""
    variant = stack.variants.get(names.slug("feature/x"))
    return variant.found if variant else None


def test_a_branch_that_appears_joins_and_the_last_one_that_goes_closes() -> None:
    branch, stack = names.slug("feature/x"), open_at("web")
    stack = following.follow(stack, "pay", {"main", branch})
    assert find(stack) == ("web", "pay")
    assert following.follow(stack, "cart", {"main"}) is stack, "no news of what it is about"
    stack = following.follow(stack, "web", {"main"})
    assert find(stack) == ("pay",)
    assert find(following.follow(stack, "pay", {"main"})) is None


def test_a_variant_with_labels_that_somebody_chose_stays_without_a_branch() -> None:
    stack = open_at("web", chosen={"cart": "v2"})
    stack = following.follow(stack, "web", {"main"})
    assert find(stack) == ()
    assert find(following.follow(stack, "pay", {names.slug("feature/x")})) == ("pay",)


def test_a_variant_that_follows_nothing_is_left_alone() -> None:
    stack = open_at(chosen={"cart": "v2"})
    assert following.follow(stack, "web", {names.slug("feature/x")}) is stack


@given(st.lists(st.tuples(st.sampled_from(APPS), st.booleans()), max_size=12))
def test_what_follows_depends_on_the_last_news_of_each_app(news: list[tuple[str, bool]]) -> None:
    stack, last = open_at("web"), {"web": True}
    for app, has in news:
        if find(stack) is None:
            break
        stack = following.follow(stack, app, {names.slug("feature/x")} if has else set())
        last[app] = has
    having = tuple(app for app in APPS if last.get(app))
    assert find(stack) == (having or None)


def test_labels_of_pull_requests_and_ambiguous_ones_are_no_branches() -> None:
    commits = {"main": A, "pr-7": A, "pr-8": B, "mr-9": B, "both": None}
    merge = PullRecord("web", 9, B, "merge-requests/9/head")
    closed = dataclasses.replace(PULL, number=8, closed=1.0)
    found = following.list_labels(commits, [PULL, closed, merge])
    assert found == {"main", "pr-8"}


@pytest.mark.parametrize(
    "changes",
    [{"is_fork": True}, {"closed": 1.0}, {"branch": ""}],
    ids=str,
)
def test_only_an_open_pull_request_of_the_repository_itself_counts(
    changes: dict[str, object],
) -> None:
    other = dataclasses.replace(PULL, **changes)  # type: ignore[arg-type]
    assert list(following.list_branches([PULL, other])) == ["feature/x"]


def test_a_branch_is_missing_until_its_variant_is_open() -> None:
    branches, labels = ["feature/x", "other", "other", "gone"], {names.slug("feature/x"), "other"}
    assert list(following.list_missing(STACK, branches, labels)) == ["feature/x", "other"]
    assert list(following.list_missing(open_at("web"), branches, labels)) == ["other"]


def test_one_that_somebody_closes_stays_closed_while_its_pull_request_is_open() -> None:
    name, labels = names.slug("feature/x"), {names.slug("feature/x")}
    closed = following.keep_closed(open_at("web"), name, {"feature/x"})
    closed = dataclasses.replace(closed, variants={})
    assert list(following.list_missing(closed, ["feature/x"], labels)) == []
    assert following.forget_closed(closed, {"feature/x", "other"}) is closed
    later = following.forget_closed(closed, {"other"})
    assert list(following.list_missing(later, ["feature/x"], labels)) == ["feature/x"]
    written = WrittenVariant("feature/x")
    opened = variants.open_variant(closed, written, ["web"], now=1.0, by="ada")
    assert opened.closed == ()
    assert following.keep_closed(opened, name, {"other"}).closed == (), "nothing would open it"


def test_members_have_a_branch_by_the_labels_of_their_app() -> None:
    stack = dataclasses.replace(STACK, members={**STACK.members, "admin": Member("web", "main")})
    labels = {"web": {"main", names.slug("feature/x")}, "cart": {"main"}}
    assert following.find_having(stack, "feature/x", labels) == ["web", "admin"]
