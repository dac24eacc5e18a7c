"""The commands of people about gates, as changes of the records.

Owned by the service's thread. A change has two halves, since git is read in between: a plan says
what a gate would be and which labels must run for it; `carry_out` begins to wait for these.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import structlog

from framework.clock import Clock
from framework.gates import history, proposals, switching, written_gate
from framework.gates.errors import GateChanged, TargetFailed, TooManyGates
from framework.gates.switching import Switch
from framework.gates.written_gate import Neighbours, WrittenGate
from framework.service.gates.gate_proposals import GateProposals
from framework.stacks.errors import GateOfStack
from framework.state.records import Records
from prevs.gates import GateRecord, Revision, Rule
from prevs.names import gate_host

log = structlog.get_logger(__name__)

MOST = 1000
"""How many gates there may be."""
_NONE: Mapping[str, str] = MappingProxyType({})


class GatePlan(NamedTuple):
    """A gate after a change, and before; `before` is None for a new one.

    Previews of the `awaited` labels must run first. Of some labels the `commits` are decided.
    """

    checked: GateRecord
    before: GateRecord | None
    awaited: tuple[str, ...]
    commits: Mapping[str, str] = _NONE


class GateCommands:
    """Each method raises what its docstring names, and Unavailable if nothing was stored."""

    def __init__(
        self, records: Records, waiting: GateProposals, clock: Clock, *, domain: str
    ) -> None:
        self._records = records
        self._gates = records.gates
        self._waiting = waiting
        self._clock = clock
        self._domain = domain

    def plan(self, name: str, written: WrittenGate, *, by: str) -> GatePlan:
        """Plan a new gate, or a new revision of one, from all of its rules. Changes nothing.

        Raises UnknownApp, GateOfStack, TooManyGates, NotTrusted, and InvalidSettings with all
        problems.
        """
        self._records.app(written.app)
        self._gates.check(name)
        before = self._gates.all.get(name)
        self._refuse_stacks(name)
        if before is None and sum(not gate.stack for gate in self._gates.all.values()) >= MOST:
            raise TooManyGates(MOST)
        checked = written_gate.check(
            name, written, self._list_neighbours(), now=self._clock.now(), by=by, before=before
        )
        return _plan(checked, before)

    def plan_switch(self, name: str, *wanted: Switch, by: str) -> GatePlan:
        """Plan a switch of one or more rules, in order. Changes nothing.

        It goes on top of a pending change if there is one. Raises UnknownGate, UnknownApp, and as
        switching.switch.
        """
        before = self._find(name)
        base = proposals.find_latest(before)
        rules = functools.reduce(switching.switch, wanted, base.revision.rules)
        return _plan(self._revise(base, base.revision, rules, before=before, by=by), before)

    def plan_rollback(self, name: str, number: int | None, *, by: str) -> GatePlan:
        """Plan a return to an earlier revision of a gate. Changes nothing.

        Without a number: to the revision before the last change, or to the one in force if a
        change is pending or has failed. Raises UnknownGate, UnknownApp,
        UnknownRevision.
        """
        before = self._find(name)
        current = before.revision
        is_wanted = number == current.number or (number is None and before.proposal)
        if current.number and is_wanted:
            return GatePlan(before, before, ())
        earlier = history.find_earlier(before, number)
        now = self._waiting.find_followed(before.app, history.list_labels(earlier))
        rules = switching.pin(earlier.rules, earlier.commits, now)
        checked = self._revise(before, earlier, rules, before=before, by=by)
        known = {sha: sha for sha in earlier.commits.values()}
        return _plan(checked, before, {**earlier.commits, **known})

    def carry_out(self, plan: GatePlan, commits: Mapping[str, str]) -> GateRecord:
        """Change a gate as planned, as soon as the `commits` of the awaited labels run.

        Raises GateChanged if the gate is not as it was planned from; TargetFailed if one of these
        will not run; UnknownApp.
        """
        checked = plan.checked
        self._records.app(checked.app)
        if self._gates.all.get(checked.name) != plan.before:
            raise GateChanged(checked.name)
        proposed = proposals.propose(checked, plan.before, commits, plan.awaited)
        advanced = self._waiting.advance(proposed)
        if advanced.proposal is not None and advanced.proposal.failure:
            raise TargetFailed(checked.name, advanced.proposal.failure)
        gate = self._gates.save(advanced)
        log.info(
            "a gate is written",
            gate=gate.name,
            app=gate.app,
            revision=gate.revision.number,
            waits=gate.proposal is not None,
            by=checked.revision.by,
        )
        return gate

    def remove(self, name: str) -> None:
        """Remove a gate: nothing is at its addresses any more. Raises UnknownGate, GateOfStack."""
        self._refuse_stacks(name)
        self._gates.remove(name)
        log.info("a gate is removed", gate=name)

    def _find(self, name: str) -> GateRecord:
        gate = self._gates.gate(name)
        self._refuse_stacks(name)
        self._records.app(gate.app)
        return gate

    def _refuse_stacks(self, name: str) -> None:
        """Raise GateOfStack for a gate that follows from a stack, or is to be removed with it."""
        known = self._gates.all.get(name)
        if stack := self._records.stacks.gates.get(name) or (known.stack if known else ""):
            raise GateOfStack(name, stack)

    def _revise(
        self,
        base: GateRecord,
        like: Revision,
        rules: Sequence[Rule],
        *,
        before: GateRecord,
        by: str,
    ) -> GateRecord:
        """Return a gate with the hosts of `base`, and with a revision of these rules."""
        revision = Revision(
            number=history.next_number(before),
            rules=tuple(rules),
            override=like.override,
            refuses_unknown=like.refuses_unknown,
            changed=self._clock.now(),
            by=by,
        )
        made = dataclasses.replace(base, revision=revision, earlier=(), proposal=None)
        return history.follow(made, before)

    def _list_neighbours(self) -> Neighbours:
        gates = self._gates.all.values()
        hosts = {host: gate.name for gate in gates for host in _list_hosts(gate)}
        hosts |= {gate_host(gate.name, self._domain): gate.name for gate in gates}
        return Neighbours(self._domain, [app.name for app in self._records.apps], hosts)


def _plan(
    checked: GateRecord, before: GateRecord | None, commits: Mapping[str, str] = _NONE
) -> GatePlan:
    if before is not None and checked.revision is before.revision:
        return GatePlan(checked, before, ())
    known = before.revision.rules if before else ()
    return GatePlan(checked, before, switching.find_changed(checked.revision.rules, known), commits)


def _list_hosts(gate: GateRecord) -> set[str]:
    return {*gate.hosts, *(gate.proposal.hosts if gate.proposal else ())}
