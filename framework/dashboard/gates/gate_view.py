"""A gate as its page shows it, and the answers to forms that the page holds."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from framework.dashboard.gates import lead_form, rule_lines, try_form
from framework.dashboard.gates.rule_lines import Change, title
from framework.dashboard.pages import rows
from framework.dashboard.pages.app_forms import Filled
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.session.sessions import Viewer
from framework.gates import proposals
from framework.gates.errors import UnknownGate
from framework.http_api.gates.gate_models import EarlierRevision, TryAnswer
from prevs.declarations import list_values
from prevs.gates import GateRecord, Revision
from prevs.states import State


class Earlier(NamedTuple):
    """An earlier revision, and what would change if the gate were as it was then."""

    revision: EarlierRevision
    changes: Sequence[Change]
    settings: Sequence[str]


class Tried(NamedTuple):
    """The form that tries requests, and where the request of the form goes."""

    form: Filled = try_form.EMPTY
    answer: TryAnswer | None = None


UNTRIED = Tried()


class GateView:
    """Shows gates."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    def find(self, request: Request) -> GateRecord:
        """Return the gate in a path. Raises UnknownGate, also if it is of another app."""
        app, name = request.path_params["app"], request.path_params["name"]
        self._context.gates.snapshot.app(app)
        gate = self._context.gates.snapshot.gate(name)
        if gate.app != app:
            raise UnknownGate(name)
        return gate

    async def show(self, request: Request, viewer: Viewer, tried: Tried = UNTRIED) -> Response:
        """Return the page of a gate."""
        gate = self.find(request)
        return await anyio.to_thread.run_sync(self._show, request, viewer, gate, tried)

    def show_change(
        self, request: Request, viewer: Viewer, form: Filled, planned: GateRecord | None = None
    ) -> Response:
        """Return the page of a change that was refused, or that is `planned` and not done."""
        gate = self.find(request)
        proposal = planned.proposal if planned else None
        shown = self._context.gate_presenter.show(planned) if planned else None
        waits = shown.proposal.awaits if shown and shown.proposal else []
        return self._context.pages.show(
            request,
            viewer,
            "gates/change",
            status=200 if planned else 422,
            gate=gate,
            form=form,
            slots=lead_form.SLOTS,
            labels=rows.list_labels(self._context.gates.snapshot.previews.values(), gate.app),
            planned=planned,
            waits=waits,
            failed=[title(one.label) for one in waits if one.state is State.FAILED],
            runs=all(one.state is State.RUNNING for one in waits),
            changes=rule_lines.compare(gate.revision.rules, proposal.revision.rules)
            if proposal
            else (),
            gives_up=proposals.waits(gate),
        )

    def _show(self, request: Request, viewer: Viewer, gate: GateRecord, tried: Tried) -> Response:
        snapshot = self._context.gates.snapshot
        shown, latest = self._context.gate_presenter.show(gate), proposals.find_latest(gate)
        leads = {lead.label: lead for lead in shown.leads}
        lines = rule_lines.list_lines(gate.revision, latest.revision, leads)
        changed = _propose(gate)
        return self._context.pages.show(
            request,
            viewer,
            "gates/gate",
            gate=shown,
            behind=snapshot.behind.get(gate.name),
            lines=lines,
            forms=_fill_forms(gate.revision, latest.revision),
            slots=lead_form.SLOTS,
            labels=rows.list_labels(snapshot.previews.values(), gate.app),
            changes=rule_lines.compare(gate.revision.rules, changed.revision.rules),
            settings=rule_lines.compare_settings(gate, changed),
            earlier=[
                _compare(gate, *both) for both in zip(gate.earlier, shown.earlier, strict=True)
            ],
            methods=try_form.METHODS,
            tried=tried,
            trouble=self._context.ready(),
        )


def _propose(gate: GateRecord) -> GateRecord:
    """Return what a gate would be by its proposal, also by one that has failed."""
    proposal = gate.proposal
    if proposal is None:
        return gate
    return dataclasses.replace(gate, revision=proposal.revision, **list_values(proposal))


def _compare(gate: GateRecord, earlier: Revision, shown: EarlierRevision) -> Earlier:
    then = dataclasses.replace(gate, revision=earlier)
    changes = rule_lines.compare(gate.revision.rules, earlier.rules)
    return Earlier(shown, changes, rule_lines.compare_settings(gate, then))


def _fill_forms(revision: Revision, latest: Revision) -> dict[int, Filled]:
    """Return the form of each rule that will still be there, by the place of the rule."""
    found = {
        place: rule_lines.find_rule(latest, (rule.path, rule.when))
        for place, rule in enumerate(revision.rules)
    }
    return {place: lead_form.fill(rule) for place, rule in found.items() if rule}
