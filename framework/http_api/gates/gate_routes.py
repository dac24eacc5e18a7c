"""/v1/gates: write gates, switch their rules, roll them back, and try requests."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import anyio.to_thread
from fastapi import Request, Response

from framework.access import Identity, Scope
from framework.gates.explanations import find_outcome
from framework.http_api.admission.audit_middleware import note_target
from framework.http_api.admission.operations import Reach, Routes, operation
from framework.http_api.gates import gate_models as models
from framework.http_api.gates import gate_orders as orders
from framework.http_api.gates.gate_changes import ChangeOptions, GateChanges, tag
from framework.http_api.gates.gate_orders import AsOrdered, Name
from framework.http_api.gates.gate_presenter import GatePresenter
from framework.http_api.http import conditional
from framework.http_api.http.paging import Paged
from framework.http_api.http.parameters import Caller, ListedApps
from framework.people import identities
from framework.service.gates.gate_service import Gates
from prevs import gate_rules
from prevs.gates import GateRecord

_ETAG = conditional.document("The number of the revision that was written last, for If-Match.")
_CHANGED: dict[int | str, dict[str, Any]] = {
    200: _ETAG,
    202: {"model": models.Gate, "description": "It waits for what it leads to", **_ETAG},
}


class GateRoutes(Routes):
    """The calls about gates. Methods that are no coroutines run in a thread, and may block."""

    tag = "gates"

    def __init__(self, gates: Gates, changes: GateChanges, presenter: GatePresenter) -> None:
        self._gates = gates
        self._changes = changes
        self._presenter = presenter

    @operation("GET", "/v1/gates", Scope.READ, Reach.ITS_SHARE, refuses=(404,))
    def list_gates(self, paged: Paged, listed: ListedApps) -> models.Gates:
        """List gates, by name."""
        snapshot = self._gates.snapshot
        listed.require_known(snapshot)
        seen: Sequence[GateRecord] = [
            gate for gate in snapshot.gates.values() if listed.has(gate.app)
        ]
        page = paged.cut(seen, lambda gate: (gate.name,))
        return models.Gates(gates=self._presenter.show_all(page.entries), next=page.next)

    @operation(
        "GET",
        "/v1/gates/{name}",
        Scope.READ,
        Reach.ITS_SHARE,
        refuses=(404, 409),
        answers={200: _ETAG},
    )
    def show_gate(self, name: Name, caller: Caller, response: Response) -> models.Gate:
        """Show a gate: its rules, what they lead to, what waits, and its earlier revisions."""
        gate = self._find(name, caller)
        response.headers["ETag"] = tag(gate)
        return self._presenter.show(gate)

    @operation(
        "PUT",
        "/v1/gates/{name}",
        Scope.ADMIN,
        refuses=(404, 409, 412, 502),
        answers={201: {"model": models.Gate, "description": "It is new", **_ETAG}, **_CHANGED},
    )
    async def write_gate(
        self,
        name: Name,
        order: orders.GateOrder,
        caller: Caller,
        *,
        options: AsOrdered,
        request: Request,
        response: Response,
    ) -> models.Gate:
        """Make a gate, or replace all rules of the one of that name.

        It is in force as soon as all runs that changed rules lead to; until then its former
        revision is. What cannot run changes nothing, and `proposal` says why.
        """
        is_new = name not in self._gates.snapshot.gates
        gate = await self._changes.write(name, orders.read(order), options, by=caller.name)
        return await self._answer(gate, options, request, response, is_new=is_new)

    @operation(
        "POST",
        "/v1/gates/{name}/switch",
        Scope.ADMIN,
        refuses=(404, 409, 412, 502),
        answers=_CHANGED,
    )
    async def switch_gate(
        self,
        name: Name,
        order: orders.SwitchOrder,
        caller: Caller,
        *,
        options: AsOrdered,
        request: Request,
        response: Response,
    ) -> models.Gate:
        """Let one rule of a gate lead elsewhere, as soon as that runs.

        If another change waits, both come into force together.
        """
        by, wanted = caller.name, orders.read_switch(order)
        gate = await self._changes.switch(
            lambda commands: commands.plan_switch(name, wanted, by=by), options
        )
        return await self._answer(gate, options, request, response)

    @operation(
        "POST",
        "/v1/gates/{name}/rollback",
        Scope.ADMIN,
        refuses=(404, 409, 412, 502),
        answers=_CHANGED,
    )
    async def roll_back_gate(
        self,
        name: Name,
        order: orders.RollbackOrder,
        caller: Caller,
        *,
        options: AsOrdered,
        request: Request,
        response: Response,
    ) -> models.Gate:
        """Roll back to an earlier revision, at the commits that it served.

        Cancels a pending change.
        """
        by, number = caller.name, order.revision
        gate = await self._changes.roll_back(
            lambda commands: commands.plan_rollback(name, number, by=by), options
        )
        return await self._answer(gate, options, request, response)

    @operation("DELETE", "/v1/gates/{name}", Scope.ADMIN, refuses=(404, 409))
    def remove_gate(self, name: Name) -> None:
        """Remove a gate. Nothing is at its addresses any more; previews stay."""
        self._gates.command(lambda commands: commands.remove(name))

    @operation(
        "POST",
        "/v1/gates/{name}/try",
        Scope.USE,
        Reach.ITS_SHARE,
        is_report=True,
        refuses=(404, 409),
    )
    def try_gate(self, name: Name, order: orders.TryOrder, caller: Caller) -> models.TryAnswer:
        """Tell where a request to a gate would go, and why. Sends nothing."""
        gate = self._find(name, caller)
        headers = {name.lower(): value.strip(" \t") for name, value in order.headers.items()}
        request = gate_rules.Request(
            method=order.method,
            path=order.path,
            headers=headers,
            cookies=gate_rules.read_cookies(orders.write_cookies(headers, order.cookies)),
            query=order.query,
            lot=order.lot or 0,
        )
        outcome = find_outcome(gate.revision, request, is_lot_known=order.lot is not None)
        return self._presenter.show_outcome(gate, outcome)

    def _find(self, name: str, caller: Identity) -> GateRecord:
        """Return a gate. Raises UnknownGate, and NotOfApp if its app is not the caller's."""
        gate = self._gates.snapshot.gate(name)
        identities.require(caller, is_theirs=caller.sees(gate.app))
        return gate

    async def _answer(
        self,
        gate: GateRecord,
        options: ChangeOptions,
        request: Request,
        response: Response,
        *,
        is_new: bool = False,
    ) -> models.Gate:
        if options.dry_run:
            note_target(request, f"{gate.name} (dry run)")
            return await anyio.to_thread.run_sync(self._presenter.show, gate)
        response.headers["ETag"] = tag(gate)
        if gate.proposal is not None:
            response.status_code = HTTPStatus.ACCEPTED
        elif is_new:
            response.status_code = HTTPStatus.CREATED
        return await anyio.to_thread.run_sync(self._presenter.show, gate)
