"""The page of one gate, and what people do there: try requests, switch rules, roll back."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from framework.access import Scope
from framework.dashboard.gates import lead_form, rule_lines, try_form
from framework.dashboard.gates.gate_view import GateView, Tried
from framework.dashboard.gates.lead_form import REFUSALS, Wanted
from framework.dashboard.pages.app_forms import Filled
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.pages.timeouts import within
from framework.dashboard.session.page_access import Action, Form, send_back
from framework.dashboard.session.sessions import Viewer
from framework.gates import proposals
from framework.gates.errors import GateChanged
from framework.gates.explanations import find_outcome
from framework.http_api.gates.gate_changes import ChangeOptions
from prevs.gates import GateRecord

_ONE = "/apps/{app}/gates/{name}"
_NOW, _ONLY_LOOK = (
    ChangeOptions(dry_run=False, force=False),
    ChangeOptions(dry_run=True, force=False),
)


class GatePages:
    """The page of a gate, and its forms."""

    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._view = GateView(context)

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        protect = self._context.access.protected_action
        switch, rollback = Action("switch gate", Scope.ADMIN), Action("roll back gate", Scope.ADMIN)
        trial = Action("try gate", Scope.USE, is_report=True)
        page = self._context.access.protected_page(self._view.show)
        return [
            Route(_ONE, page, methods=["GET"]),
            Route(_ONE, protect(trial, self._try), methods=["POST"]),
            Route(f"{_ONE}/switch", protect(switch, self._switch), methods=["POST"]),
            Route(f"{_ONE}/rollback", protect(rollback, self._roll_back), methods=["POST"]),
        ]

    async def _try(self, request: Request, viewer: Viewer, form: Form) -> Response:
        """Tell where a request would go, on the page of the gate. Sends nothing."""
        gate, asked = self._find(request), try_form.read(form)
        if isinstance(asked, Filled):
            return await self._view.show(request, viewer, Tried(asked))
        outcome = find_outcome(gate.revision, asked, is_lot_known=False)
        answer = self._context.gate_presenter.show_outcome(gate, outcome)
        return await self._view.show(request, viewer, Tried(Filled(try_form.keep(form)), answer))

    async def _switch(self, request: Request, viewer: Viewer, form: Form) -> Response:
        """Let a rule lead elsewhere, or only show what that would change."""
        gate, wanted = self._find(request), lead_form.read(form)
        is_trial = form.get("act") == "preview"
        if is_trial:
            request.state.target = f"{gate.name} (dry run)"
        if isinstance(wanted, Filled):
            return self._view.show_change(request, viewer, wanted)
        filled = Filled(lead_form.keep(form))
        try:
            changed = await self._change(gate, wanted, viewer, is_trial=is_trial)
        except REFUSALS as error:
            return self._view.show_change(
                request, viewer, filled._replace(problems={"": str(error)})
            )
        if is_trial:
            return self._view.show_change(request, viewer, filled, changed)
        return send_back({}, _tell(gate, changed, "switch-gate"), _place(gate))

    async def _change(
        self, gate: GateRecord, wanted: Wanted, viewer: Viewer, *, is_trial: bool
    ) -> GateRecord:
        """Switch a rule as wanted. Raises GateChanged if it is not as the form has shown it."""
        rule = rule_lines.find_rule(proposals.find_latest(gate).revision, wanted.rule)
        if rule is not None and lead_form.spell(rule) != wanted.shown:
            raise GateChanged(gate.name)
        by, options = viewer.identity.name, _ONLY_LOOK if is_trial else _NOW
        work = self._context.gate_changes.switch(
            lambda commands: commands.plan_switch(gate.name, *wanted.switches, by=by), options
        )
        return await within(work, f"The repository of {gate.app!r}")

    async def _roll_back(self, request: Request, viewer: Viewer, form: Form) -> Response:
        """Roll back to an earlier revision, at the commits that it served."""
        gate, by, text = self._find(request), viewer.identity.name, form.get("revision", "")
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else -1
        work = self._context.gate_changes.roll_back(
            lambda commands: commands.plan_rollback(gate.name, number, by=by), _NOW
        )
        changed = await within(work, f"The repository of {gate.app!r}")
        is_same = number == gate.revision.number
        did = "give-up-change" if is_same else _tell(gate, changed, "roll-back-gate")
        return send_back({}, did, _place(gate))

    def _find(self, request: Request) -> GateRecord:
        """Return the gate in a path, and have the audit log name it as the API does."""
        request.state.target = request.path_params["name"]
        return self._view.find(request)


def _tell(before: GateRecord, after: GateRecord, done: str) -> str:
    """Return the notice of what has become of a gate."""
    if after.proposal is not None:
        return "gate-waits"
    return "same-gate" if after.revision.number == before.revision.number else done


def _place(gate: GateRecord) -> str:
    return f"/apps/{gate.app}/gates/{gate.name}"
