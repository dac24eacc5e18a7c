"""How a change of a gate is made: planned, its labels resolved, its previews started, carried out.

Belongs to the event loop's thread; what blocks runs in others.
"""

import asyncio
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import anyio.to_thread

from framework.errors import InvalidSettings, Problem
from framework.gates import history, proposals
from framework.gates.errors import RevisionChanged
from framework.gates.written_gate import WrittenGate
from framework.http_api.http import conditional
from framework.http_api.streams.label_resolver import LabelResolver
from framework.ports import Resolved
from framework.service.gates.gate_commands import GateCommands, GatePlan
from framework.service.gates.gate_service import Gates
from framework.service.service_client import ServiceClient
from prevs.gates import GateRecord
from prevs.names import is_label
from prevs.units import preview_unit

T = TypeVar("T")
Leads = Mapping[str, Resolved]
"""Where labels lead."""


class ChangeOptions(NamedTuple):
    """How a change is made: not at all with `dry_run`, and with `force` without waiting.

    `if_match` has ETags, as from `tag`: the gate must have one of them.
    """

    dry_run: bool
    force: bool
    if_match: str | None = None


def tag(gate: GateRecord) -> str:
    """Return the ETag of a gate: the number of the revision that was written last.

    What previews and proxies make of it is in the answer too, and changes without it.
    """
    return f'"{history.written_number(gate)}"'


class GateChanges:
    """Makes changes of gates, and returns the gate as it is then, or would be."""

    def __init__(self, gates: Gates, previews: ServiceClient, resolver: LabelResolver) -> None:
        self._gates = gates
        self._previews = previews
        self._resolver = resolver

    async def write(
        self, name: str, written: WrittenGate, options: ChangeOptions, *, by: str
    ) -> GateRecord:
        """Write a gate as a whole. All its labels must lead to commits.

        Raises UnknownApp, TooManyGates, InvalidSettings with all problems, RevisionChanged, and as
        `_carry_out`.
        """
        fields = {
            f"rules[{n}].to[{m}].label": target.label
            for n, rule in enumerate(written.rules)
            for m, target in enumerate(rule.to)
        }
        problems: list[Problem] = []
        plan = None
        try:
            plan = await self._plan(lambda commands: commands.plan(name, written, by=by), options)
        except InvalidSettings as error:
            problems += error.problems
        found = await self._resolve_all(written.app, [*fields.values()])
        problems += [
            Problem(field, why)
            for field, label in fields.items()
            if isinstance(why := found.get(label), str)
        ]
        if plan is None or problems:
            raise InvalidSettings(problems)
        return await self._carry_out(plan, _list_leads(found), options)

    async def switch(
        self, make_plan: Callable[[GateCommands], GatePlan], options: ChangeOptions
    ) -> GateRecord:
        """Let one rule lead elsewhere; only that label must lead to a commit.

        Raises as `make_plan` and LabelResolver.resolve, RevisionChanged, and as `_carry_out`.
        """
        plan = await self._plan(make_plan, options)
        app = plan.checked.app
        leads = {
            label: (await self._resolver.resolve_shared(app, label))[0] for label in plan.awaited
        }
        return await self._carry_out(plan, leads, options)

    async def roll_back(
        self, make_plan: Callable[[GateCommands], GatePlan], options: ChangeOptions
    ) -> GateRecord:
        """Let a gate lead where it led before. git is asked only for what is forgotten.

        Raises as `make_plan`, UnknownLabel for a commit that is gone, RevisionChanged, and as
        `_carry_out`.
        """
        plan = await self._plan(make_plan, options)
        leads = {label: await self._find_known(plan, label) for label in plan.awaited}
        return await self._carry_out(plan, leads, options)

    async def _plan(
        self, make_plan: Callable[[GateCommands], GatePlan], options: ChangeOptions
    ) -> GatePlan:
        """Return the plan, if `options` take its gate. Raises as `make_plan`, RevisionChanged."""
        plan = await self._run(make_plan)
        conditional.find_matching(
            options.if_match,
            lambda: plan.before,
            lambda before: tag(before) if before else None,
            _describe_changed(plan),
        )
        return plan

    async def _find_known(self, plan: GatePlan, label: str) -> Resolved:
        app, sha = plan.checked.app, plan.commits.get(label, label)
        known = self._previews.snapshot.previews.get(preview_unit(app, sha))
        if known is not None:
            return Resolved(sha, "commit", None, "", "", 0.0, refs=known.refs)
        resolved, _ = await self._resolver.resolve_shared(app, sha)
        return resolved

    async def _carry_out(self, plan: GatePlan, leads: Leads, options: ChangeOptions) -> GateRecord:
        """Start what the plan waits for, and change the gate.

        Raises GateChanged, TargetFailed, UnknownApp, and as ServiceClient.start_resolved.
        """
        commits = {**plan.commits, **{label: lead.sha for label, lead in leads.items()}}
        named = history.list_labels(plan.checked.revision)
        commits = {label: sha for label, sha in commits.items() if label in named}
        if options.force:
            plan = plan._replace(awaited=())
        if options.dry_run:
            return proposals.propose(plan.checked, plan.before, commits, plan.awaited)
        for label in plan.awaited:
            await anyio.to_thread.run_sync(
                self._previews.start_resolved, plan.checked.app, label, leads[label]
            )
        return await self._run(lambda commands: commands.carry_out(plan, commits))

    async def _resolve_all(self, app: str, labels: Sequence[str]) -> Mapping[str, Resolved | str]:
        """Return where each label leads, or what is wrong with it."""
        known = list(dict.fromkeys(filter(is_label, labels)))
        found = await asyncio.gather(*(self._resolver.check(app, label) for label in known))
        return dict(zip(known, found, strict=True))

    async def _run(self, command: Callable[[GateCommands], T]) -> T:
        return await anyio.to_thread.run_sync(functools.partial(self._gates.command, command))


def _describe_changed(plan: GatePlan) -> RevisionChanged:
    before = plan.before
    if before is None:
        return RevisionChanged(plan.checked.name, None)
    latest = before.proposal.revision if before.proposal else before.revision
    return RevisionChanged(before.name, latest.number, latest.by)


def _list_leads(found: Mapping[str, Resolved | str]) -> Leads:
    return {label: lead for label, lead in found.items() if isinstance(lead, Resolved)}
