"""The stacks in memory, signed. As for gates, the store is written first."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import structlog

from framework.ports import Store
from framework.stacks import variants
from framework.stacks.errors import UnknownStack, UnknownVariant
from framework.stacks.pull_variants import list_variants_at
from framework.stacks.variants import MemberAt
from framework.state.unconfirmed_writes import UnconfirmedWrites
from framework.trust import NotTrusted, RecordKind
from prevs import names, signatures
from prevs.records import PreviewRecord
from prevs.stacks import StackRecord, Variant

log = structlog.get_logger(__name__)


class InstanceOf(NamedTuple):
    """Whose instance a label means: that of a member in a variant of a stack."""

    stack: str
    variant: str
    at: MemberAt


Instances = Mapping[str, InstanceOf]
"""Every instance that open variants have of their own, by its label."""


class StackRecords:
    """Every stack, by name. `all` is replaced, never changed, and so is all derived from it.

    `instances` are those of all open variants, and `variants_at` these by where they are. `gates`
    has the stack of each gate that follows from one, by the gate's name, also while that gate is
    still to be written.

    They are signed with the first of `keys`. A stored one that none has signed may be an
    intruder's: it is left out, and nothing follows from it. It is kept in `refused` and in the
    store until somebody removes it.
    """

    def __init__(
        self, stored: Iterable[StackRecord], store: Store, *, keys: Sequence[bytes]
    ) -> None:
        self._key = keys[0]
        self._writes: UnconfirmedWrites[str, StackRecord] = UnconfirmedWrites(
            store, lambda stack: stack.name
        )
        read = list(stored)
        trusted = [stack for stack in read if _is_signed(stack, keys)]
        self._replace({stack.name: self._sign(stack) for stack in trusted})
        self.refused: Mapping[str, StackRecord] = {
            stack.name: stack for stack in read if stack.name not in self.all
        }
        for stack in trusted:
            if self.all[stack.name] != stack:
                self._writes.repeat(stack)

    @property
    def missigned(self) -> int:
        """How many are still to be written with the signature of the first key."""
        return self._writes.count()

    def check(self, name: str) -> None:
        """Raise NotTrusted if the record of that name is left out."""
        if name in self.refused:
            raise NotTrusted(RecordKind.STACK, name)

    def stack(self, name: str) -> StackRecord:
        """Return a stack. Raises UnknownStack, NotTrusted."""
        self.check(name)
        stack = self.all.get(name)
        if stack is None:
            raise UnknownStack(name)
        return stack

    def of_app(self, app: str) -> Sequence[StackRecord]:
        """Return the stacks of which an app is a member."""
        return [stack for stack in self.all.values() if app in stack.apps]

    def find_instance(self, preview: PreviewRecord) -> InstanceOf | None:
        """Return whose instance a preview is; None if it is none, or no open variant has it."""
        return self._find_instance(preview.app, preview.instance)

    def check_instance(self, app: str, label: str) -> None:
        """Raise UnknownVariant unless an open variant has an instance of an app at this label."""
        if self._find_instance(app, label) is None:
            variant, gate = names.split_instance(label)
            raise UnknownVariant(self.gates.get(gate, gate), variant)

    def variant(self, of: InstanceOf) -> Variant:
        """Return the variant that has an instance."""
        return self.all[of.stack].variants[of.variant]

    def save(self, stack: StackRecord) -> StackRecord:
        """Write a stack if it has changed; return it with its signature."""
        signed = self._sign(stack)
        if self.all.get(stack.name) != signed:
            self._writes.save(signed)
            self._replace({**self.all, stack.name: signed})
        return self.all[stack.name]

    def remove(self, name: str) -> None:
        """Remove a stack, also one that is left out. Raises UnknownStack, Unavailable."""
        self._writes.delete(self.refused.get(name) or self.stack(name))
        if name in self.refused:
            self.refused = {other: one for other, one in self.refused.items() if other != name}
        self._replace({other: stack for other, stack in self.all.items() if other != name})

    def rewrite_unconfirmed(self) -> None:
        """Repeat the writes that got no answer, and write what has another signature now."""
        self._writes.rewrite(self.all.get)

    def _find_instance(self, app: str, label: str) -> InstanceOf | None:
        found = self.instances.get(label)
        return found if found and found.at.app == app else None

    def _replace(self, stacks: Mapping[str, StackRecord]) -> None:
        self.all = stacks
        self.instances = list_instances(stacks.values())
        self.gates: Mapping[str, str] = {
            stack.gate(member): stack.name for stack in stacks.values() for member in stack.members
        }
        self.variants_at = list_variants_at(stacks.values())

    def _sign(self, stack: StackRecord) -> StackRecord:
        return dataclasses.replace(stack, signature=signatures.sign_stack(self._key, stack))


def list_instances(stacks: Iterable[StackRecord]) -> Instances:
    """Return every instance of the open variants of some stacks."""
    return {
        at.instance: InstanceOf(stack.name, name, at)
        for stack in stacks
        for name, variant in stack.variants.items()
        for at in variants.list_instances(stack, name, variant)
    }


def _is_signed(stack: StackRecord, keys: Sequence[bytes]) -> bool:
    if signatures.is_stack_signed(keys, stack):
        return True
    log.error(
        "none of our tokens has signed this stack: it is left out, and kept", stack=stack.name
    )
    return False
