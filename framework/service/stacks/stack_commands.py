"""The commands of people about stacks, as changes of the records. Owned by the service's thread."""

import dataclasses
from collections.abc import Collection

import structlog

from framework.clock import Clock
from framework.preview.lifecycle import WITH_TASK
from framework.preview.reasons import Reason, ReasonKind
from framework.preview.transitions import Stopped
from framework.service.stacks.stack_upkeep import StackUpkeep
from framework.stacks import following, variants, written_stack
from framework.stacks.errors import TooManyStacks, UnknownVariant
from framework.stacks.variants import WrittenVariant
from framework.stacks.written_stack import Neighbours, WrittenStack
from framework.state.records import Records
from prevs.records import PreviewRecord
from prevs.stacks import StackRecord, Variant
from prevs.states import State

log = structlog.get_logger(__name__)

MOST = 100
"""How many stacks there may be."""
STOPPED = Reason(
    ReasonKind.STOPPED, "Somebody stopped its variant; an address of that starts it again."
)


class StackCommands:
    """Each method raises what its docstring names, and Unavailable if nothing was stored.

    The gates of a stack are as it says when a method returns.
    """

    def __init__(self, records: Records, upkeep: StackUpkeep, clock: Clock) -> None:
        self._records = records
        self._stacks = records.stacks
        self._upkeep = upkeep
        self._clock = clock

    def check(self, name: str, written: WrittenStack, *, by: str) -> StackRecord:
        """Return what becomes of a stack that somebody writes as a whole. Changes nothing.

        Raises TooManyStacks, InvalidSettings with all problems.
        """
        before = self._stacks.all.get(name)
        if before is None and len(self._stacks.all) >= MOST:
            raise TooManyStacks(MOST)
        neighbours = Neighbours(
            [app.name for app in self._records.apps if not app.removed],
            {gate.name: gate.stack for gate in self._records.gates.all.values()},
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
        variant = variants.name_variant(stack, written.ref)
        log.info("a variant is opened", stack=name, variant=variant, by=by)
        return self._save(opened), variant

    def close(self, name: str, variant: str) -> None:
        """Close a variant: what runs in it alone stops, and goes.

        The open pull requests of its branch do not open it again. Raises UnknownStack,
        UnknownVariant.
        """
        stack, _ = self._find(name, variant)
        stack = following.keep_closed(stack, variant, self._upkeep.list_branches(stack))
        left = {key: one for key, one in stack.variants.items() if key != variant}
        self._save(dataclasses.replace(stack, variants=left))
        log.info("a variant is closed", stack=name, variant=variant)

    def pin(self, name: str, variant: str, *, pinned: bool) -> StackRecord:
        """Set whether what runs in a variant is kept from being stopped for others or for idleness.

        Raises UnknownStack, UnknownVariant.
        """
        stack, known = self._find(name, variant)
        changed = dataclasses.replace(known, pinned=pinned)
        return self._save(dataclasses.replace(stack, variants={**stack.variants, variant: changed}))

    def stop(self, name: str, variant: str) -> StackRecord:
        """End what runs in a variant alone. Raises UnknownStack, UnknownVariant."""
        stack, _ = self._find(name, variant)
        for preview in self._list_instances(stack, variant):
            if preview.state in {*WITH_TASK, State.QUEUED}:
                self._records.change(preview, Stopped(STOPPED))
        return stack

    def _list_instances(self, stack: StackRecord, variant: str) -> list[PreviewRecord]:
        labels = {stack.instance(variant, member) for member in stack.members}
        apps = {one.app for one in stack.members.values()}
        return [one for app in apps for one in self._records.of_app(app) if one.instance in labels]

    def _find(self, name: str, variant: str) -> tuple[StackRecord, Variant]:
        stack = self._stacks.stack(name)
        if variant not in stack.variants:
            raise UnknownVariant(name, variant, sorted(stack.variants)[:5])
        return stack, stack.variants[variant]

    def _save(self, stack: StackRecord) -> StackRecord:
        saved = self._stacks.save(stack)
        self._upkeep.reconcile_now()
        return saved
