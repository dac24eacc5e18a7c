"""Stacks as the API shows them, from their records."""

from collections.abc import Callable, Sequence

from framework.http_api.models.variant_models import Holders, find_holders, show_members
from framework.http_api.stacks import stack_models as models
from framework.stacks.variables import name_variable
from framework.state.snapshot import Snapshot
from prevs.names import Addresses
from prevs.stacks import StackRecord


class StackPresenter:
    """Shows stacks as they are in the snapshot of that moment. Thread safe."""

    def __init__(self, snapshot: Callable[[], Snapshot], addresses: Addresses) -> None:
        self._snapshot = snapshot
        self._addresses = addresses

    def show(self, stack: StackRecord) -> models.Stack:
        """Return a stack, with what runs in its variants."""
        return self.show_all([stack])[0]

    def show_all(self, stacks: Sequence[StackRecord]) -> list[models.Stack]:
        """Return stacks."""
        snapshot = self._snapshot()
        holders = find_holders(snapshot, {app for stack in stacks for app in stack.apps})
        return [self._show(stack, snapshot, holders) for stack in stacks]

    def show_variant(self, stack: StackRecord, name: str) -> models.StackVariant:
        """Return an open variant of a stack."""
        snapshot = self._snapshot()
        holders = find_holders(snapshot, stack.apps)
        return self._show_variant(stack, name, snapshot, holders)

    def _show(self, stack: StackRecord, snapshot: Snapshot, holders: Holders) -> models.Stack:
        url = self._addresses.gate_url
        return models.Stack(
            name=stack.name,
            entry=stack.entry,
            url=url(stack.name),
            members=[
                models.StackMember(
                    member=member,
                    app=usual.app,
                    label=usual.label,
                    gate=stack.gate(member),
                    url=url(stack.gate(member)),
                    variable=name_variable(member),
                )
                for member, usual in stack.members.items()
            ],
            variants=[
                self._show_variant(stack, name, snapshot, holders)
                for name in sorted(stack.variants)
            ],
            created=stack.created,
            changed=stack.changed,
            by=stack.by,
        )

    def _show_variant(
        self, stack: StackRecord, name: str, snapshot: Snapshot, holders: Holders
    ) -> models.StackVariant:
        variant = stack.variants[name]
        return models.StackVariant(
            stack=stack.name,
            name=name,
            ref=variant.ref,
            url=self._addresses.gate_url(stack.instance(name, stack.entry)),
            labels=dict(variant.chosen),
            own=list(variant.own),
            pinned=variant.pinned,
            opened=variant.opened,
            by=variant.by,
            behind=_count_behind(stack, snapshot),
            members=show_members(stack, name, snapshot, self._addresses, holders=holders),
        )


def _count_behind(stack: StackRecord, snapshot: Snapshot) -> int | None:
    """Return how many proxies are behind with any gate of a stack; None until all were asked."""
    found = [snapshot.behind.get(stack.gate(member)) for member in stack.members]
    known = [one.number for one in found if one is not None]
    return max(known) if known and len(known) == len(found) else None
