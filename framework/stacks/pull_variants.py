"""Which variants of stacks have an app at the head of a pull request. Pure."""

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
"""The open variants that have an instance of an app at a label, by (app, label)."""


def list_variants_at(stacks: Iterable[StackRecord]) -> VariantsAt:
    """Return where the open variants of some stacks have their apps, by stack and name."""
    found: dict[tuple[str, str], list[EnteredVariant]] = {}
    for stack in sorted(stacks, key=lambda one: one.name):
        for name, variant in sorted(stack.variants.items()):
            apart = variants.list_instances(stack, name, variant)
            for place in {(one.app, one.source) for one in apart}:
                found.setdefault(place, []).append(_enter(stack, name))
    return found


def list_open(known: VariantsAt, pull: PullRecord) -> tuple[EnteredVariant, ...]:
    """Return the open variants that have an app at the head of a pull request, none for a fork's.

    They are at its branch or at its label, and so at each head that it gets.
    """
    if pull.is_fork:
        return ()
    labels = (*_list_branch(pull), *names.pull_labels(pull.number, pull.ref))
    found = (one for label in labels for one in known.get((pull.app, label), ()))
    return tuple(dict.fromkeys(found))


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
