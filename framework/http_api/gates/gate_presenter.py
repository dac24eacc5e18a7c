"""Gates as the API shows them, from their records."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from framework.apps.manifest import declared
from framework.gates import history
from framework.gates.explanations import Outcome
from framework.http_api.gates import gate_models as models
from framework.http_api.gates.gate_models import GateCondition, GateRule, GateTarget
from framework.http_api.models.variant_models import Holders, find_holders
from framework.state.snapshot import Snapshot
from prevs import names
from prevs.gates import Condition, ConditionKind, GateRecord, Proposal, Revision, Rule, Target
from prevs.names import Addresses
from prevs.records import PreviewRecord
from prevs.units import preview_unit


class GatePresenter:
    """Shows gates as they are in the snapshot of that moment. Thread safe."""

    def __init__(self, snapshot: Callable[[], Snapshot], addresses: Addresses) -> None:
        self._snapshot = snapshot
        self._addresses = addresses

    def show(self, gate: GateRecord) -> models.Gate:
        """Return a gate, with what its labels lead to."""
        return self.show_all([gate])[0]

    def show_all(self, gates: Sequence[GateRecord]) -> list[models.Gate]:
        """Return gates."""
        snapshot = self._snapshot()
        holders = find_holders(snapshot, {gate.app for gate in gates})
        return [self._show(gate, snapshot, holders) for gate in gates]

    def show_outcome(self, gate: GateRecord, outcome: Outcome) -> models.TryAnswer:
        """Return where a request goes."""
        snapshot, label = self._snapshot(), outcome.label or ""
        holders = find_holders(snapshot, {gate.app})
        found = holders.get((gate.app, label)) or _find_noted(gate, label, snapshot)
        return models.TryAnswer(
            label=outcome.label,
            commit=found.commit if found else None,
            to=_show_targets(outcome.to),
            rule=outcome.rule,
            status=outcome.refusal.status if outcome.refusal else None,
            vary=list(outcome.vary),
            why=outcome.why + _explain_gone(gate, label, found),
        )

    def _show(self, gate: GateRecord, snapshot: Snapshot, holders: Holders) -> models.Gate:
        lead = self._make_lead(gate, snapshot)
        return models.Gate(
            name=gate.name,
            app=gate.app,
            url=self._addresses.gate_url(gate.name),
            created=gate.created,
            behind=_count_behind(gate, snapshot),
            stack=gate.stack,
            variants=dict(gate.revision.variants),
            leads=[
                lead(
                    label,
                    holders.get((gate.app, label)) or _find_noted(gate, label, snapshot),
                )
                for label in history.list_labels(gate.revision)
            ],
            proposal=_show_proposal(gate, gate.proposal, snapshot, lead) if gate.proposal else None,
            earlier=[
                models.EarlierRevision(**_show_revision(one), commits=dict(one.commits))
                for one in gate.earlier
            ],
            **_show_revision(gate.revision),
            **declared.show(gate),
        )

    def _make_lead(
        self, gate: GateRecord, snapshot: Snapshot
    ) -> Callable[[str, PreviewRecord | None], models.GateLead]:
        def lead(label: str, preview: PreviewRecord | None) -> models.GateLead:
            unit = preview and preview_unit(gate.app, preview.sha)
            return models.GateLead(
                label=label,
                commit=preview.commit if preview else None,
                state=preview.state if preview else None,
                reason=preview.why if preview else "",
                queue_place=snapshot.queue_places.get(unit) if unit else None,
                url=self._addresses.url(label, gate.app),
                gone_since=gate.gone.get(label),
            )

        return lead


def _find_noted(gate: GateRecord, label: str, snapshot: Snapshot) -> PreviewRecord | None:
    """Return the preview at which a gate stays, as a label of it is gone; None if it is not."""
    return snapshot.find_gone(gate.app, label) if label in gate.gone else None


def _explain_gone(gate: GateRecord, label: str, found: PreviewRecord | None) -> str:
    if label not in gate.gone:
        return ""
    if found is None:
        return " No branch leads to it any more, and nothing has run of it: the answer is 404."
    return f" No branch leads to it any more, so it stays at {names.short(found.commit)}."


def _count_behind(gate: GateRecord, snapshot: Snapshot) -> int | None:
    found = snapshot.behind.get(gate.name)
    return found.number if found and gate.revision.number else None


def _show_proposal(
    gate: GateRecord,
    proposal: Proposal,
    snapshot: Snapshot,
    lead: Callable[[str, PreviewRecord | None], models.GateLead],
) -> models.GateProposal:
    commits = proposal.revision.commits
    waits = [(label, snapshot.find_serving(gate.app, commits[label])) for label in proposal.awaited]
    return models.GateProposal(
        **_show_revision(proposal.revision, in_force=False),
        **declared.show(proposal),
        awaits=[
            lead(label, preview).model_copy(update={"commit": commits[label]})
            for label, preview in waits
        ],
        failure=proposal.failure,
    )


def _show_revision(revision: Revision, *, in_force: bool = True) -> dict[str, Any]:
    """Return the fields of GateRevision."""
    return {
        "revision": revision.number,
        "changed": revision.changed if in_force and revision.number else None,
        "by": revision.by,
        "rules": [_show_rule(rule) for rule in revision.rules],
        "override": [one.value for one in revision.override],
        "unknown": 400 if revision.refuses_unknown else None,
    }


def _show_rule(rule: Rule) -> GateRule:
    return GateRule(
        path=rule.path,
        when=_show_condition(rule.when) if rule.when else None,
        to=_show_targets(rule.to),
        sticky=rule.sticky.value,
    )


def _show_targets(targets: Iterable[Target]) -> list[GateTarget]:
    return [GateTarget(label=one.label, weight=one.percent) for one in targets]


def _show_condition(when: Condition) -> GateCondition:
    kinds = dict.fromkeys(kind.value for kind in ConditionKind)
    value = when.value if when.name else None
    return GateCondition(**{**kinds, when.kind.value: when.name or when.value, "is": value})
