"""Keeps gates and instances as stacks say, and stacks as branches and pull requests say.

Owned by the service's thread. What is to be is in the records, so the next leader goes on.
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping

import structlog

from framework.clock import Clock
from framework.errors import FrameworkError
from framework.events import HeadsFetched
from framework.stacks import following, member_gates, variants
from framework.stacks.variants import WrittenVariant
from framework.state.records import Records
from framework.units.lifecycle import WITH_TASK
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Stopped
from prevs.records import PreviewRecord
from prevs.stacks import StackRecord
from prevs.states import State

log = structlog.get_logger(__name__)

LOOK_SECONDS = 5.0
"""How often instances are looked at while no stack changes."""
CLOSED = Reason(ReasonKind.UNREFERENCED, "No open variant of a stack has it any more.")
MOVED_ON = Reason(ReasonKind.SUPERSEDED, "Its variant is at another commit now.")
OF_PULLS = "a pull request"
"""Who opens the variant of a pull request's branch."""
_UNDER_WAY = frozenset({*WITH_TASK, State.QUEUED})


class StackUpkeep:
    """Acts on every difference between the stacks and what follows from them."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._looked: Mapping[str, StackRecord] = {}
        self._again = 0.0
        self._labels: dict[str, Collection[str]] = {}
        self._unopened: dict[tuple[str, str], str] = {}

    def reconcile(self) -> None:
        """Act if a stack has changed, and on instances after a while. Raises Unavailable."""
        if self._looked is not self._records.stacks.all:
            self.reconcile_now()
        elif self._clock.monotonic() >= self._again:
            self._look_after_all()

    def reconcile_now(self) -> None:
        """Write the gates of stacks, and end the instances that no variant has.

        Raises Unavailable; then the next turn does the rest.
        """
        stacks = self._records.stacks.all
        self._write_gates(one for name, one in stacks.items() if self._looked.get(name) is not one)
        self._look_after_all()
        self._looked = stacks

    def fetched(self, event: HeadsFetched) -> None:
        """Let variants follow the branches of an app, and open those of its pull requests.

        A repository without branches changes nothing: somebody is setting it up again. Raises
        Unavailable.
        """
        stacks = self._records.stacks.of_app(event.app)
        if not stacks or not event.heads.commits or self._is_other(event.app):
            return
        pulls = self._records.pulls.of(event.app).values()
        labels = following.list_labels(event.heads.commits, pulls)
        self._labels[event.app] = labels
        branches = self._list_branches(event.app)
        for stack in stacks:
            followed = following.follow(stack, event.app, labels)
            followed = following.forget_closed(followed, self.list_branches(stack))
            self._records.stacks.save(followed)
            for branch in following.list_missing(followed, branches, labels):
                self._open(stack.name, branch)
        self.reconcile()

    def list_branches(self, stack: StackRecord) -> Collection[str]:
        """Return the branches of the open pull requests of a stack's members."""
        return {branch for app in stack.apps for branch in self._list_branches(app)}

    def _list_branches(self, app: str) -> Collection[str]:
        known = self._records.find_app(app)
        if known is None or self._records.find_rules(app).pulls == "off":
            return ()
        return list(following.list_branches(self._records.pulls.of(app).values()))

    def _open(self, name: str, branch: str) -> None:
        """Open the variant of a pull request's branch, if any member differs in it."""
        stack = self._records.stacks.stack(name)
        found = following.find_having(stack, branch, self._labels)
        try:
            opened = variants.open_variant(
                stack, WrittenVariant(branch), found, now=self._clock.now(), by=OF_PULLS
            )
        except FrameworkError as error:
            if self._unopened.get((name, branch)) != (why := str(error)):
                self._unopened[name, branch] = why
                log.info("no variant is opened", stack=name, branch=branch, why=why)
            return
        self._records.stacks.save(opened)
        self._unopened.pop((name, branch), None)
        log.info("a variant is opened", stack=name, branch=branch, by=OF_PULLS)

    def _is_other(self, app: str) -> bool:
        known = self._records.find_app(app)
        return known is None or known.removed or bool(self._records.find_other_repository(app))

    def _write_gates(self, changed: Iterable[StackRecord]) -> None:
        """Write the gates of stacks that have changed, and remove those that no stack has."""
        gates, owners = self._records.gates, self._records.stacks.gates
        left_out = self._records.stacks.refused
        for name, gate in tuple(gates.all.items()):
            if gate.stack and name not in owners and gate.stack not in left_out:
                gates.remove(name)
        for stack in changed:
            for gate in member_gates.list_gates(stack, gates.all, self._clock.now()):
                known = gates.all.get(gate.name) or gates.refused.get(gate.name)
                if known is not None and not known.stack:
                    # No command lets this happen. What somebody has written is not ours to lose.
                    log.error("another gate has the name of a stack's", gate=gate.name)
                else:
                    gates.save(gate)

    def _look_after_all(self) -> None:
        self._again = self._clock.monotonic() + LOOK_SECONDS
        for preview in self._records.list_instances():
            self._look_after(preview)

    def _look_after(self, preview: PreviewRecord) -> None:
        """Keep an instance as its variant says, or end it.

        One without its label has served until a newer one ran: nothing leads to it any more.
        """
        stacks = self._records.stacks
        found = stacks.find_instance(preview)
        if not found and stacks.refused:
            return  # It may be of a stack whose record none of our tokens has signed.
        if found and preview.labels:
            pinned = stacks.variant(found).pinned
            self._records.save(dataclasses.replace(preview, pinned=pinned))
        elif preview.state in _UNDER_WAY:
            self._records.change(preview, Stopped(MOVED_ON if found else CLOSED))
        else:
            log.info("an instance is removed", app=preview.app, instance=preview.instance)
            self._records.forget_preview(preview)
