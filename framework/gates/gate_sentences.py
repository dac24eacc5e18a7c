"""What has happened to gates, in sentences for people. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from framework.gates.history import list_labels
from prevs.gates import GateRecord, Rule
from prevs.names import short

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
        if gate.stack:
            continue
        if sentence := _describe(before, gate):
            yield gate.app, sentence, gate.name
        for sentence in _describe_branches(before, gate):
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


def _describe_branches(before: GateRecord | None, gate: GateRecord) -> Iterator[str]:
    """Yield which labels of a gate are gone, and which ones are there again."""
    was, led = before.gone if before else {}, list_labels(gate.revision)
    for label in gate.gone.keys() - was.keys():
        sha = gate.revision.commits.get(label)
        stays = f"it stays at {short(sha)}" if sha else "its clients get 404, as nothing ran of it"
        yield f"gate {gate.name}: no branch leads to {label} any more, and {stays}"
    for label in was.keys() - gate.gone.keys():
        if label in led:
            yield f"gate {gate.name}: a branch leads to {label} again, and it follows that"


def _describe_rules(rules: Sequence[Rule]) -> str:
    leads = [f"{rule.path} to {' or '.join(one.label for one in rule.to)}" for rule in rules]
    more = len(leads) - _MOST
    return ", ".join([*leads[:_MOST], *([f"{more} more"] if more > 0 else [])])
