"""Where the members of a stack's variant are, as the API shows it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import BaseModel, Field

from framework.http_api.http.examples import SHA, example
from framework.stacks import variants
from framework.stacks.pull_variants import EnteredVariant
from framework.state.snapshot import Snapshot
from prevs.names import Addresses
from prevs.records import PreviewRecord
from prevs.stacks import StackRecord
from prevs.states import State
from prevs.units import preview_unit

MEMBER: dict[str, Any] = {
    "member": "web",
    "app": "hello",
    "label": "feature-x",
    "apart": True,
    "url": "http://feature-x--shop.localhost:8080/",
    "sha": SHA,
    "commit": SHA,
    "state": "running",
    "reason": "",
    "queue_place": None,
}
_ADDRESS: dict[str, Any] = {
    "stack": "shop",
    "variant": "feature-x",
    "url": "http://feature-x--shop.localhost:8080/",
}
_PLACE: dict[str, Any] = {
    "stack": "shop",
    "variant": "feature-x",
    "member": "web",
    "members": [MEMBER],
}


class VariantAddress(BaseModel):
    """An open variant of a stack, and its address where visitors enter the stack."""

    model_config = example(_ADDRESS)

    stack: str
    variant: str
    url: str


class VariantMember(BaseModel):
    """Where a member is in a variant, and what runs there."""

    model_config = example(MEMBER)

    member: str
    app: str
    label: str = Field(description="The label of its app that it is at.")
    apart: bool = Field(
        description="Whether it has an instance of its own in the variant; false: it shares the "
        "preview of everybody."
    )
    url: str = Field(description="The variant's address at this member.")
    sha: str | None = Field(description="The id of its preview; null: nothing was started yet.")
    commit: str | None
    state: State | None
    reason: str = Field(description="Why it waits, stopped or failed; else empty.")
    queue_place: int | None = Field(description="Its place among those that wait for an agent.")


class VariantPlace(BaseModel):
    """The variant whose own instance a preview is, with those of its members that you see."""

    model_config = example(_PLACE)

    stack: str
    variant: str
    member: str = Field(description="The name of the member that it is.")
    members: list[VariantMember]


Holders = Mapping[tuple[str, str], PreviewRecord]
"""The preview to which each (app, label) leads, or will lead."""


def find_holders(snapshot: Snapshot, apps: Iterable[str]) -> Holders:
    """Return what labels lead to: the preview that runs and began last, or else the newest."""
    wanted = set(apps)
    found = [one for one in snapshot.previews.values() if one.app in wanted]
    found.sort(key=lambda one: (one.state is State.RUNNING, one.started or 0.0, one.changed))
    return {(one.app, label): one for one in found for label in (*one.labels, one.sha)}


def show_members(
    stack: StackRecord, name: str, snapshot: Snapshot, addresses: Addresses, *, holders: Holders
) -> list[VariantMember]:
    """Return where each member is in an open variant, in the stack's order."""
    shown = []
    for one in variants.list_members(stack, name, stack.variants[name]):
        preview = holders.get((one.app, one.lead))
        unit = preview and preview_unit(one.app, preview.sha)
        shown.append(
            VariantMember(
                member=one.member,
                app=one.app,
                label=one.source,
                apart=bool(one.instance),
                url=addresses.gate_url(stack.instance(name, one.member)),
                sha=preview.sha if preview else None,
                commit=preview.commit if preview else None,
                state=preview.state if preview else None,
                reason=preview.why if preview else "",
                queue_place=snapshot.queue_places.get(unit) if unit else None,
            )
        )
    return shown


class Places:
    """Finds the variants of instances. Thread safe.

    Many viewers look at the same previews: what labels lead to is found once for all of them.
    """

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._known: tuple[object, object, Holders] = (None, None, {})

    def find(self, instance: str, snapshot: Snapshot) -> VariantPlace | None:
        """Return the variant of the instance with a label; None for any other, or a closed one."""
        found = snapshot.instances.get(instance)
        if found is None:
            return None
        stack = snapshot.stacks[found.stack]
        holders = self._find_holders(snapshot)
        members = show_members(stack, found.variant, snapshot, self._addresses, holders=holders)
        return VariantPlace(
            stack=stack.name, variant=found.variant, member=found.at.member, members=members
        )

    def _find_holders(self, snapshot: Snapshot) -> Holders:
        previews, stacks, holders = self._known
        if previews is not snapshot.previews or stacks is not snapshot.stacks:
            apps = {app for stack in snapshot.stacks.values() for app in stack.apps}
            holders = find_holders(snapshot, apps)
            self._known = (snapshot.previews, snapshot.stacks, holders)
        return holders


def hide_others(place: VariantPlace | None, sees: Callable[[str], bool]) -> VariantPlace | None:
    """Return a place without the members of apps that somebody does not see."""
    if place is None or all(sees(one.app) for one in place.members):
        return place
    return place.model_copy(update={"members": [one for one in place.members if sees(one.app)]})


def show_addresses(entered: Iterable[EnteredVariant], addresses: Addresses) -> list[VariantAddress]:
    """Return open variants with their addresses."""
    return [
        VariantAddress(stack=one.stack, variant=one.name, url=addresses.gate_url(one.label))
        for one in entered
    ]
