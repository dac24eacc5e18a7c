"""What has happened to gates, in sentences for people. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from prevs.gates import GateRecord, Rule

_MOST = 3


def describe(
    changed: Iterable[tuple[GateRecord | None, GateRecord]], gone: Iterable[GateRecord]
) -> Iterator[tuple[str, str, str]]:
    """Yield (app, sentence, name) for each gate that has changed, each with what it was before.

    Those of stacks follow from these, and say nothing themselves.
    """
    for gate in gone:
        if gate.stack:
            continue
        yield gate.app, f"gate {gate.name} was removed", gate.name
    for before, gate in changed:
        if not gate.stack and (sentence := _describe(before, gate)):
            yield gate.app, sentence, gate.name


def _describe(before: GateRecord | None, gate: GateRecord) -> str:
    known = before.revision.number if before else 0
    revision, proposal = gate.revision, gate.proposal
    if revision.number != known:
        by = f" by {revision.by}" if revision.by else ""
        leads = _describe_rules(revision.rules)
        return f"gate {gate.name} has revision {revision.number}{by}: {leads}"
    if proposal is None or (before is not None and before.proposal == proposal):
        return ""
    number = proposal.revision.number
    if proposal.failure:
        return f"gate {gate.name} stays as it is, without revision {number}: {proposal.failure}"
    return f"gate {gate.name} waits with revision {number} for {', '.join(proposal.awaited)}"


def _describe_rules(rules: Sequence[Rule]) -> str:
    leads = [f"{rule.path} to {' or '.join(one.label for one in rule.to)}" for rule in rules]
    more = len(leads) - _MOST
    return ", ".join([*leads[:_MOST], *([f"{more} more"] if more > 0 else [])])
