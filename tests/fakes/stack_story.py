"""Stacks in a driven service: what people write, and what visitors and repositories do."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

from framework import events
from framework.errors import UnknownLabel
from framework.ports import Heads
from framework.service.stacks.stack_commands import StackCommands
from framework.stacks import member_gates, variants
from framework.stacks.variants import WrittenVariant
from framework.stacks.written_stack import WrittenStack
from framework.units.lifecycle import STARTING, WITH_TASK
from prevs import names
from prevs.gates import GateRecord
from prevs.messages import BuildOrder
from prevs.records import PreviewRecord
from prevs.stacks import Member, StackRecord
from prevs.states import Phase, State
from prevs.units import preview_unit
from tests.fakes.clock import FakeClock
from tests.fakes.driven import APP, A, B, C, Driven
from tests.fakes.mishaps import Fate
from tests.fakes.offers import offer
from tests.fakes.store import FakeZnodes

WEB, CART, AUTH = "front", "basket", "login"
APPS = (WEB, CART, AUTH)
MEMBERS = {"web": WEB, "cart": CART}
MAIN, FEATURE, NEXT = A, B, C


class StackStory:
    """A driven framework with three apps, each with a branch main.

    `heads` has the commit of each branch, by app.
    """

    def __init__(
        self,
        znodes: FakeZnodes | None = None,
        clock: FakeClock | None = None,
        *,
        fates: Sequence[Fate] = (),
        **app: object,
    ) -> None:
        self.driven = Driven(znodes, clock, subscribed=False)
        self.heads: dict[str, dict[str, str]] = {name: {"main": MAIN} for name in APPS}
        self._offers = itertools.count(1)
        self.driven.mishaps.plan(fates)
        self.driven.step(events.Subscribed("framework-1"))
        if znodes is None:
            like = dataclasses.replace(APP, max_previews=20, **app)  # type: ignore[arg-type]
            for name in APPS:
                self.driven.add_app(dataclasses.replace(like, name=name))

    @property
    def commands(self) -> StackCommands:
        return self.driven.stack_commands

    def written(
        self, members: Mapping[str, str] = MEMBERS, entry: str = "web", **labels: str
    ) -> WrittenStack:
        """Return a stack of the apps of `members`, each at main or its label in `labels`."""
        return WrittenStack(
            entry,
            {one: Member(app, labels.get(one, "main")) for one, app in members.items()},
        )

    def write(
        self,
        members: Mapping[str, str] = MEMBERS,
        entry: str = "web",
        *,
        name: str = "shop",
        **labels: str,
    ) -> StackRecord:
        wanted = self.written(members, entry, **labels)
        return self.commands.write(name, wanted, by="ada")

    def remove(self, name: str = "shop") -> None:
        self.commands.remove(name)

    def open(self, ref: str, *own: str, name: str = "shop", **chosen: str) -> str:
        """Open a variant as the API does: with the members whose repository has its branch."""
        members = self.stack(name).members
        has = [key for key, one in members.items() if names.slug(ref) in self.heads[one.app]]
        wanted = WrittenVariant(ref, chosen, own)
        _, variant = self.commands.open(name, wanted, has, by="ada")
        return variant

    def close(self, variant: str, name: str = "shop") -> None:
        self.commands.close(name, variant)

    def pin(self, variant: str, name: str = "shop", *, pinned: bool = True) -> None:
        self.commands.pin(name, variant, pinned=pinned)

    def stack(self, name: str = "shop") -> StackRecord:
        return self.driven.service.snapshot.stack(name)

    def gates(self) -> Mapping[str, GateRecord]:
        """Return the gates as stored."""
        found = (one for one, _ in self.driven.znodes.records.values())
        return {one.name: one for one in found if isinstance(one, GateRecord)}

    def previews(self) -> Sequence[PreviewRecord]:
        """Return the previews as stored."""
        found = (one for one, _ in self.driven.znodes.records.values())
        return [one for one in found if isinstance(one, PreviewRecord)]

    def instances(self) -> Mapping[str, PreviewRecord]:
        """Return the instances that have their label, by it."""
        return {one.instance: one for one in self.previews() if one.instance and one.labels}

    def visit(self, member: str, variant: str = "", name: str = "shop") -> PreviewRecord:
        """Request what a gate leads to, as its proxy and the API do."""
        snapshot = self.driven.service.snapshot
        gate = snapshot.gate(snapshot.stack(name).gate(member))
        label = gate.revision.variants.get(variant, gate.revision.rules[0].to[0].label)
        found = snapshot.instances.get(label)
        source = found.at.source if found else label
        commit = self.heads[gate.app].get(source)
        if commit is None:
            raise UnknownLabel(gate.app, source, "there is no branch of that name.")
        refs = tuple(f"heads/{one}" for one, at in self.heads[gate.app].items() if at == commit)
        instance = label if found else ""
        return self.driven.commands.start(gate.app, commit, label, refs=refs, instance=instance)

    def run(self, member: str, variant: str = "", name: str = "shop") -> PreviewRecord:
        """Visit what a gate leads to until it runs."""
        preview = self.place(self.visit(member, variant, name))
        return self.runs(preview)

    def place(self, preview: PreviewRecord) -> PreviewRecord:
        """Let a queued preview have an agent."""
        number = next(self._offers)
        first = 31000 + 10 * number
        many = offer(f"o{number}", begin=first, end=first + 9)
        self.driven.step(events.Offered([many]))
        return self.now(preview)

    def runs(self, preview: PreviewRecord) -> PreviewRecord:
        """Let a preview with a task run."""
        self.driven.report("TASK_RUNNING", Phase.RUNNING, task=preview.task_id)
        return self.now(preview)

    def ended(self, preview: PreviewRecord) -> PreviewRecord | None:
        """Let the task of a stopping preview end, and the service look again."""
        self.driven.update("TASK_KILLED", task=self.now(preview).task_id)
        self.driven.tick(6)
        return self.find(preview)

    def now(self, preview: PreviewRecord) -> PreviewRecord:
        found = self.find(preview)
        assert found is not None
        return found

    def find(self, preview: PreviewRecord) -> PreviewRecord | None:
        unit = preview_unit(preview.app, preview.sha)
        return self.driven.service.snapshot.previews.get(unit)

    def order(self, preview: PreviewRecord) -> BuildOrder:
        """Return the order of a preview's task."""
        task_id = self.now(preview).task_id
        return next(one.order for one in self.driven.cluster.tasks if one.id == task_id)

    def push(self, app: str, **heads: str | None) -> None:
        """Move branches of an app, remove those at None, and let the framework fetch that."""
        known = {**self.heads[app], **heads}
        self.heads[app] = {label: sha for label, sha in known.items() if sha is not None}
        self.fetch(app)

    def fetch(self, app: str) -> None:
        heads = self.heads[app]
        found = Heads(
            dict(heads),
            {
                sha: tuple(f"heads/{label}" for label, at in heads.items() if at == sha)
                for sha in heads.values()
            },
        )
        self.driven.step(events.HeadsFetched(app, found))

    def told(self) -> list[str]:
        """Return what the history says of stacks."""
        found = self.driven.service.history.events
        return [one.sentence for one in found if one.type == "stack"]

    def take_over(self, *, fates: Sequence[Fate] = ()) -> "StackStory":
        """Return another framework that leads now; `fates` are those of its first writes."""
        self.driven.znodes.epoch += 1
        return self.lead_on(self.driven.znodes, fates=fates)

    def lead_on(self, znodes: FakeZnodes, *, fates: Sequence[Fate] = ()) -> "StackStory":
        """Return a framework that leads at these znodes, with the same repositories."""
        later = StackStory(znodes, self.driven.clock, fates=fates)
        later.heads = {app: dict(heads) for app, heads in self.heads.items()}
        return later

    def settle(self) -> None:
        """Let all that stops have ended, and repositories be read."""
        for _ in range(3):
            for one in self.previews():
                if one.state is State.DRAINING:
                    self.driven.update("TASK_KILLED", task=one.task_id)
            for app in APPS:
                self.fetch(app)
            self.driven.tick(6)

    def go_on(self, preview: PreviewRecord) -> None:
        """Let the next thing happen to a preview."""
        if preview.state is State.QUEUED:
            self.place(preview)
        elif preview.state is State.DRAINING:
            self.driven.update("TASK_KILLED", task=preview.task_id)
        elif preview.state in STARTING:
            self.runs(preview)

    def find_wrong(self) -> list[str]:
        """Return what does not follow from the stacks, once nothing is under way."""
        return [*self._find_wrong_gates(), *self._find_wrong_instances()]

    def _find_wrong_gates(self) -> list[str]:
        snapshot, stored = self.driven.service.snapshot, self.gates()
        wanted = {
            gate.name: gate
            for stack in snapshot.stacks.values()
            for gate in member_gates.list_gates(stack, stored, 0.0)
        }
        found = [f"{name} is too many" for name in stored.keys() - wanted.keys()]
        found += [f"{one} leads elsewhere" for one in wanted if stored.get(one) != wanted[one]]
        if dict(snapshot.gates) != dict(stored):
            found.append("the gates in memory are others")
        return found

    def _find_wrong_instances(self) -> list[str]:
        snapshot = self.driven.service.snapshot
        wanted = {
            (at.app, at.instance): (at.source, variant.pinned)
            for stack in snapshot.stacks.values()
            for name, variant in stack.variants.items()
            for at in variants.list_instances(stack, name, variant)
        }
        at = {(one.app, one.instance, one.commit) for one in self.previews()}
        found = []
        for one in self.previews():
            if not one.instance:
                continue
            source, pinned = wanted.get((one.app, one.instance), ("", False))
            head = self.heads[one.app].get(source, one.commit)
            if not source:
                found.append(f"{one.instance} is {one.state.value}, and no variant has it")
            elif one.labels != (one.instance,):
                found.append(f"{one.instance} is there without its label")
            elif one.pinned is not pinned:
                found.append(f"{one.instance} is not pinned as its variant")
            elif one.state in WITH_TASK and (one.app, one.instance, head) not in at:
                found.append(f"{one.instance} runs {one.commit[:4]}, and not {source}")
        return found
