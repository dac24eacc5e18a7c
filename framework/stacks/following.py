"""Variants that follow the branches of their name, and open with pull requests. Pure."""

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping

from framework.stacks import variants
from prevs import names
from prevs.pulls import PullRecord
from prevs.stacks import StackRecord, Variant


def follow(stack: StackRecord, app: str, labels: Collection[str]) -> StackRecord:
    """Return a stack whose variants know which repositories have their branch.

    `labels` are those of an app's branches and tags, as list_labels finds them. A variant goes with
    the last branch that it follows, unless somebody has chosen labels for it. A pinned variant
    stays unchanged.
    """
    followed = {
        name: _follow(stack, variant, app, labels) for name, variant in stack.variants.items()
    }
    left = {name: one for name, one in followed.items() if one is not None}
    return stack if left == stack.variants else dataclasses.replace(stack, variants=left)


def _follow(
    stack: StackRecord, variant: Variant, app: str, labels: Collection[str]
) -> Variant | None:
    if not variant.ref:
        return variant
    has = names.slug(variant.ref) in labels
    found = tuple(
        member
        for member, usual in stack.members.items()
        if (has if usual.app == app else member in variant.found)
    )
    if variant.found and not found and not variant.chosen:
        return variant if variant.pinned else None
    return dataclasses.replace(variant, found=found)


def list_labels(commits: Mapping[str, str | None], pulls: Iterable[PullRecord]) -> Collection[str]:
    """Return the labels of an app's branches and tags among all that lead to one commit.

    Those of open `pulls` are left out: a branch of another member may be called pr-7, and what is
    pull request 7 here has nothing to do with it.
    """
    found = {label for label, sha in commits.items() if sha is not None}
    for pull in pulls:
        if pull.closed is None:
            found -= {*names.pull_labels(pull.number, pull.ref)}
    return found


def list_branches(pulls: Iterable[PullRecord]) -> Iterator[str]:
    """Yield the branch of each open pull request of the repository itself.

    A fork's branch is none of ours, and its commit shares nothing with others.
    """
    for pull in pulls:
        if pull.closed is None and not pull.is_fork and pull.branch:
            yield pull.branch


def list_missing(
    stack: StackRecord, branches: Iterable[str], labels: Collection[str]
) -> Iterator[str]:
    """Yield those branches that are there for which a stack has no open variant yet.

    `labels` are those of the app that has them. One whose variant somebody has closed is left out.
    """
    for branch in dict.fromkeys(branches):
        is_open = variants.name_variant(stack, branch) in stack.variants
        if not is_open and branch not in stack.closed and names.slug(branch) in labels:
            yield branch


def keep_closed(stack: StackRecord, name: str, branches: Collection[str]) -> StackRecord:
    """Return a stack one of whose variants somebody closes: it does not open again by itself.

    `branches` are those of the open pull requests of its members.
    """
    ref = stack.variants[name].ref
    closed = (*stack.closed, ref) if ref in branches else stack.closed
    return dataclasses.replace(stack, closed=closed)


def forget_closed(stack: StackRecord, branches: Collection[str]) -> StackRecord:
    """Return a stack that remembers only closed variants of branches with open pull requests."""
    left = tuple(one for one in stack.closed if one in branches)
    return stack if left == stack.closed else dataclasses.replace(stack, closed=left)


def find_having(
    stack: StackRecord, branch: str, labels: Mapping[str, Collection[str]]
) -> Collection[str]:
    """Return the members whose app has a branch, by the `labels` known of each app."""
    slug = names.slug(branch)
    return [member for member, usual in stack.members.items() if slug in labels.get(usual.app, ())]
