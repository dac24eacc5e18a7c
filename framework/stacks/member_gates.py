"""The gates of a stack, one for each member, as they follow from its record. Pure."""

from collections.abc import Iterator, Mapping

from framework.gates import history
from framework.stacks import variants
from prevs.gates import GateRecord, Revision, Rule, Target
from prevs.stacks import StackRecord


def list_gates(
    stack: StackRecord, known: Mapping[str, GateRecord], now: float
) -> Iterator[GateRecord]:
    """Yield the gate of each member, unchanged if a gate of `known` already leads there.

    A changed gate has a new number, also if another gate had its name before: by the number,
    proxies know which revision they have.
    """
    at = {
        name: {one.member: one.lead for one in variants.list_members(stack, name, variant)}
        for name, variant in stack.variants.items()
    }
    for member, usual in stack.members.items():
        name, rules = stack.gate(member), (Rule("/", (Target(usual.label),)),)
        leads = {variant: labels[member] for variant, labels in at.items()}
        before = known.get(name)
        if before is not None and _read(before) == (stack.name, usual.app, rules, leads):
            yield before
            continue
        number = history.next_number(before)
        revision = Revision(number, rules, changed=now, by=stack.by, variants=leads)
        yield GateRecord(
            name=name,
            app=usual.app,
            revision=revision,
            created=before.created if before else now,
            last_number=number,
            stack=stack.name,
        )


def _read(gate: GateRecord) -> tuple[str, str, tuple[Rule, ...], Mapping[str, str]]:
    """Return what of a gate follows from a stack."""
    return gate.stack, gate.app, gate.revision.rules, gate.revision.variants
