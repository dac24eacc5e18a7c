"""What a variant of a stack is: where each member is in it, and what somebody opens. Pure."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from framework.errors import InvalidSettings, Problem
from framework.stacks.errors import NothingToOpen, TooManyVariants
from prevs import names
from prevs.names import is_label
from prevs.stacks import StackRecord, Variant

MOST_VARIANTS = 50
LONGEST_REF = 200


class MemberAt(NamedTuple):
    """Where a member is in a variant: at the label `source` of `app`.

    `instance` is the label of its own instance in the variant, "" if it shares the preview of
    everybody: it is at its usual label then.
    """

    member: str
    app: str
    source: str
    instance: str

    @property
    def lead(self) -> str:
        """The label that leads to it."""
        return self.instance or self.source


@dataclasses.dataclass(frozen=True)
class WrittenVariant:
    """A variant as somebody opens it: the branches of a name, labels of members, own instances."""

    ref: str
    chosen: Mapping[str, str] = dataclasses.field(default_factory=dict)
    own: Sequence[str] = ()


def list_members(stack: StackRecord, name: str, variant: Variant) -> Sequence[MemberAt]:
    """Return where each member is in a variant, in the stack's order."""
    at = {**dict.fromkeys(variant.found, names.slug(variant.ref)), **variant.chosen}
    found = []
    for member, usual in stack.members.items():
        source = at.get(member, usual.label)
        is_apart = source != usual.label or member in variant.own
        instance = stack.instance(name, member) if is_apart else ""
        found.append(MemberAt(member, usual.app, source, instance))
    return found


def list_instances(stack: StackRecord, name: str, variant: Variant) -> Sequence[MemberAt]:
    """Return the members that have an instance of their own in a variant."""
    return [one for one in list_members(stack, name, variant) if one.instance]


def name_variant(stack: StackRecord, ref: str) -> str:
    """Variant name for a ref, cut so that `<variant>--<longest gate>` is a DNS label."""
    longest = max(map(stack.gate, stack.members), key=len, default=stack.name)
    return names.variant_name(ref, longest)


def open_variant(
    stack: StackRecord, written: WrittenVariant, found: Collection[str], *, now: float, by: str
) -> StackRecord:
    """Return a stack with a variant open, or written anew.

    `found` are the members whose repository has a branch or tag of its ref. If none has, it follows
    nothing. Raises InvalidSettings with all problems, NothingToOpen, TooManyVariants.
    """
    if problems := list(find_problems(stack, written)):
        raise InvalidSettings(problems)
    name = name_variant(stack, written.ref)
    before = stack.variants.get(name)
    if before is None and len(stack.variants) >= MOST_VARIANTS:
        raise TooManyVariants(stack.name, MOST_VARIANTS)
    variant = Variant(
        ref=written.ref if found else "",
        found=tuple(one for one in stack.members if one in found),
        chosen=dict(written.chosen),
        own=tuple(one for one in stack.members if one in written.own),
        pinned=before.pinned if before else False,
        opened=before.opened if before else now,
        by=by,
    )
    if not list_instances(stack, name, variant):
        raise NothingToOpen(stack.name, written.ref)
    closed = tuple(one for one in stack.closed if one != written.ref)
    opened = {**stack.variants, name: variant}
    return dataclasses.replace(stack, variants=opened, closed=closed)


def find_problems(stack: StackRecord, written: WrittenVariant) -> Iterator[Problem]:
    """Yield what is wrong with a variant of a stack that somebody opens."""
    known = ", ".join(stack.members)
    if not 1 <= len(written.ref) <= LONGEST_REF or not written.ref.isprintable():
        yield Problem("ref", "must be the name of a branch or tag, or any other name")
    for member, label in written.chosen.items():
        field = f"labels.{member[:60]}"
        if member not in stack.members:
            yield Problem(field, f"is for no member. The members are {known}.")
        elif not is_label(label):
            yield Problem(field, "must be a label, as in an address: main")
    for member in written.own:
        if member not in stack.members:
            yield Problem("own", f"names {member[:60]!r}, which is no member. They are {known}.")


def close(stack: StackRecord, name: str) -> StackRecord:
    """Return a stack without a variant."""
    left = {key: one for key, one in stack.variants.items() if key != name}
    return dataclasses.replace(stack, variants=left)


def pin(stack: StackRecord, name: str, *, pinned: bool) -> StackRecord:
    """Return a stack with an open variant that is pinned, or is not."""
    changed = dataclasses.replace(stack.variants[name], pinned=pinned)
    return dataclasses.replace(stack, variants={**stack.variants, name: changed})
