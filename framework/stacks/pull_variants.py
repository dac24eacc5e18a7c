"""Which variants of stacks have an app at a branch or at the head of a pull request. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from framework.stacks import variants
from prevs import names
from prevs.pulls import PullRecord
from prevs.stacks import StackRecord


class EnteredVariant(NamedTuple):
    """A variant of a stack; `label` is that of its address where visitors enter the stack."""

    stack: str
    name: str
    label: str


VariantsAt = Mapping[tuple[str, str], Sequence[EnteredVariant]]
"""The open variants that have an app at a label that is not its usual one, by (app, label)."""


def list_variants_at(stacks: Iterable[StackRecord]) -> VariantsAt:
    """Return where the open variants of some stacks have their apps, by stack and name."""
    found: dict[tuple[str, str], list[EnteredVariant]] = {}
    for stack in sorted(stacks, key=lambda one: one.name):
        for name, variant in sorted(stack.variants.items()):
            members = variants.list_members(stack, name, variant)
            changed = (one for one in members if one.source != stack.members[one.member].label)
            for place in {(one.app, one.source) for one in changed}:
                found.setdefault(place, []).append(_enter(stack, name))
    return found


def list_pull_labels(pull: PullRecord) -> Sequence[str]:
    """Return the labels that lead to the head of a pull request, whatever that is; none for a fork.

    They are that of its branch, and its own.
    """
    if pull.is_fork:
        return ()
    return (*_list_branch(pull), *names.pull_labels(pull.number, pull.ref))


def list_following(stacks: Iterable[StackRecord], pull: PullRecord) -> tuple[EnteredVariant, ...]:
    """Return the variants that open by themselves for a pull request, open (yet) or not."""
    if pull.is_fork:
        return ()
    return tuple(
        _enter(stack, variants.name_variant(stack, pull.branch))
        for stack in sorted(stacks, key=lambda one: one.name)
        for branch in _list_branch(pull)
        if any(one.app == pull.app and one.label != branch for one in stack.members.values())
    )


def _list_branch(pull: PullRecord) -> Sequence[str]:
    return (names.slug(pull.branch),) if pull.branch else ()


def _enter(stack: StackRecord, name: str) -> EnteredVariant:
    return EnteredVariant(stack.name, name, stack.instance(name, stack.entry))
