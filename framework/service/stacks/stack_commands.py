"""The commands of people about stacks, as changes of the records. Owned by the service's thread."""

import dataclasses
from collections.abc import Collection

import structlog

from framework.clock import Clock
from framework.service.stacks.stack_upkeep import StackUpkeep
from framework.stacks import following, variants, written_stack
from framework.stacks.errors import TooManyStacks, UnknownVariant
from framework.stacks.variants import WrittenVariant
from framework.stacks.written_stack import Neighbours, WrittenStack
from framework.state.gates.stack_records import Instances, list_instances
from framework.state.records import Records
from framework.units.lifecycle import WITH_TASK
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Stopped
from prevs.stacks import StackRecord
from prevs.states import State

log = structlog.get_logger(__name__)

MOST = 100
"""How many stacks there may be."""
STOPPED = Reason(
    ReasonKind.STOPPED, "Somebody stopped its variant; an address of that starts it again."
)


class StackCommands:
    """Each method raises what its docstring names, and Unavailable if not all was stored.

    The gates of a stack are as it says when a method returns. If it raises Unavailable, they are as
    soon as the store answers: what follows from what was stored is done in a later turn.
    """

    def __init__(self, records: Records, upkeep: StackUpkeep, clock: Clock) -> None:
        self._records = records
        self._stacks = records.stacks
        self._upkeep = upkeep
        self._clock = clock

    def check(self, name: str, written: WrittenStack, *, by: str) -> StackRecord:
        """Plan a new stack, or a new form of one, from all of its members. Changes nothing.

        Raises TooManyStacks, NotTrusted, InvalidSettings with all problems.
        """
        self._stacks.check(name)
        before = self._stacks.all.get(name)
        if before is None and len(self._stacks.all) >= MOST:
            raise TooManyStacks(MOST)
        known = self._records.gates
        gates = {one.name: one.stack for one in (*known.refused.values(), *known.all.values())}
        neighbours = Neighbours(
            [app.name for app in self._records.apps if not app.removed],
            {**self._stacks.gates, **gates},
        )
        return written_stack.check(
            name, written, neighbours, now=self._clock.now(), by=by, before=before
        )

    def write(self, name: str, written: WrittenStack, *, by: str) -> StackRecord:
        """Make a stack, or replace all members of the one of that name. Raises as `check`."""
        stack = self._save(self.check(name, written, by=by))
        log.info("a stack is written", stack=name, members=list(stack.members), by=by)
        return stack

    def remove(self, name: str) -> None:
        """Remove a stack, with its gates and all that runs in its variants alone.

        Raises UnknownStack.
        """
        self._stacks.remove(name)
        self._upkeep.reconcile_now()
        log.info("a stack is removed", stack=name)

    def open(
        self, name: str, written: WrittenVariant, found: Collection[str], *, by: str
    ) -> tuple[StackRecord, str]:
        """Open a variant, or write it anew; return the stack and the variant's name.

        `found` are the members whose repository has its branch. Raises UnknownStack, and as
        variants.open_variant.
        """
        stack = self._stacks.stack(name)
        opened = variants.open_variant(stack, written, found, now=self._clock.now(), by=by)
        saved, variant = self._save(opened), variants.name_variant(stack, written.ref)
        log.info("a variant is opened", stack=name, variant=variant, by=by)
        return saved, variant

    def close(self, name: str, variant: str) -> None:
        """Close a variant: what runs in it alone stops, and goes.

        The open pull requests of its branch do not open it again. Raises UnknownStack,
        UnknownVariant.
        """
        stack = self._find(name, variant)
        stack = following.keep_closed(stack, variant, self._upkeep.list_branches(stack))
        self._save(variants.close(stack, variant))
        log.info("a variant is closed", stack=name, variant=variant)

    def pin(self, name: str, variant: str, *, pinned: bool) -> StackRecord:
        """Set whether what runs in a variant is kept from being stopped for others or for idleness.

        Raises UnknownStack, UnknownVariant.
        """
        return self._save(variants.pin(self._find(name, variant), variant, pinned=pinned))

    def stop(self, name: str, variant: str) -> StackRecord:
        """End what runs in a variant alone. Raises UnknownStack, UnknownVariant."""
        stack = self._find(name, variant)
        labels = {stack.instance(variant, member) for member in stack.members}
        for preview in self._records.list_instances():
            if preview.instance in labels and preview.state in {*WITH_TASK, State.QUEUED}:
                self._records.change(preview, Stopped(STOPPED))
        return stack

    def _find(self, name: str, variant: str) -> StackRecord:
        """Return the stack of an open variant."""
        stack = self._stacks.stack(name)
        if variant not in stack.variants:
            raise UnknownVariant(name, variant, sorted(stack.variants)[:5])
        return stack

    def _save(self, stack: StackRecord) -> StackRecord:
        self._let_go(list_instances([stack]))
        saved = self._stacks.save(stack)
        self._upkeep.reconcile_now()
        return saved

    def _let_go(self, instances: Instances) -> None:
        """Take their labels from the instances that will be at another label of their app.

        No fetch might tell: labels of commits are in none. It is done before the stack is written.
        So no leader has a stack whose instances are not where it says.
        """
        for preview in self._records.list_instances():
            before, now = self._stacks.find_instance(preview), instances.get(preview.instance)
            if before and now and now.at.source != before.at.source:
                self._records.save(dataclasses.replace(preview, labels=()))
