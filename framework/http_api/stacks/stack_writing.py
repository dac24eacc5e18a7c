"""How stacks and variants are written: their labels are resolved first.

Belongs to the event loop's thread; what blocks runs in others.
"""

import asyncio
import functools
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

import anyio.to_thread

from framework.errors import AmbiguousLabel, InvalidSettings, Problem, UnknownApp, UnknownLabel
from framework.git import resolution
from framework.http_api.stacks.stack_orders import MemberOrder, StackOrder, VariantOrder
from framework.http_api.streams.label_resolver import LabelResolver
from framework.service.stacks.stack_commands import StackCommands
from framework.service.stacks.stack_service import Stacks
from framework.stacks.variants import WrittenVariant
from framework.stacks.written_stack import WrittenMember, WrittenStack
from prevs import names
from prevs.stacks import StackRecord

T = TypeVar("T")

ALL = "all"
_REFS = frozenset({"branch", "tag"})


class StackWriting:
    """Writes stacks and opens variants, and returns the stack as it is then, or would be."""

    def __init__(self, stacks: Stacks, resolver: LabelResolver) -> None:
        self._stacks = stacks
        self._resolver = resolver

    async def write(self, name: str, order: StackOrder, *, dry_run: bool, by: str) -> StackRecord:
        """Write a stack as a whole. All its labels must lead to commits.

        Raises TooManyStacks, InvalidSettings with all problems, RepositoryUnreachable.
        """
        labels = await self._find_labels(order)
        problems = [
            Problem(f"members.{member}.label", why[0])
            for member, why in labels.items()
            if not isinstance(why, str)
        ]
        members = {
            member: WrittenMember(one.app, found if isinstance(found, str) else "main")
            for member, one in order.members.items()
            for found in (labels.get(member, "main"),)
        }
        written = WrittenStack(order.entry, members)
        try:
            checked = await self._run(lambda commands: commands.check(name, written, by=by))
        except InvalidSettings as error:
            raise InvalidSettings([*error.problems, *problems]) from None
        if problems:
            raise InvalidSettings(problems)
        if dry_run:
            return checked
        return await self._run(lambda commands: commands.write(name, written, by=by))

    async def open(self, name: str, order: VariantOrder, *, by: str) -> tuple[StackRecord, str]:
        """Open a variant, or write it anew; return the stack and the variant's name.

        Raises UnknownStack, InvalidSettings with all problems, RepositoryUnreachable, and as
        variants.open_variant.
        """
        stack = self._stacks.snapshot.stack(name)
        apps = {member: usual.app for member, usual in stack.members.items()}
        problems = [
            Problem("labels", f"has {label} for {member}: {why}")
            for member, label in order.labels.items()
            if member in apps and names.is_label(label)
            if (why := await self._find_problem(apps[member], label))
        ]
        if problems:
            raise InvalidSettings(problems)
        own = tuple(apps) if order.own == [ALL] else tuple(order.own)
        written = WrittenVariant(order.ref, order.labels, own)
        having = await asyncio.gather(*(self._has(app, order.ref) for app in apps.values()))
        found = [member for member, has in zip(apps, having, strict=True) if has]
        return await self._run(lambda commands: commands.open(name, written, found, by=by))

    async def _find_labels(self, order: StackOrder) -> Mapping[str, str | tuple[str]]:
        """Return the label of each member whose app is known, or (what is wrong with it,)."""
        apps = self._stacks.snapshot.apps
        known = {key: one for key, one in order.members.items() if one.app in apps}
        found = await asyncio.gather(*map(self._find_label, known.values()))
        return dict(zip(known, found, strict=True))

    async def _find_label(self, member: MemberOrder) -> str | tuple[str]:
        if member.label is not None:
            is_label = names.is_label(member.label)
            why = await self._find_problem(member.app, member.label) if is_label else ""
            return (why,) if why else member.label
        try:
            main = resolution.find_main((await self._resolver.listing(member.app)).refs)
        except UnknownApp:
            main = None
        return main.label if main else ("is missing, and the repository has no branches yet",)

    async def _find_problem(self, app: str, label: str) -> str:
        """Return why a label leads to no commit of an app; "" if it leads to one."""
        try:
            await self._resolver.resolve(app, label)
        except (UnknownLabel, AmbiguousLabel) as error:
            return str(error)
        return ""

    async def _has(self, app: str, ref: str) -> bool:
        """Return whether an app's repository has a branch or tag of a name."""
        try:
            resolved, _ = await self._resolver.resolve(app, names.slug(ref), to_start=True)
        except UnknownLabel:
            return False
        return resolved.kind in _REFS

    async def _run(self, command: Callable[[StackCommands], T]) -> T:
        return await anyio.to_thread.run_sync(functools.partial(self._stacks.command, command))


def list_apps(stack: StackRecord) -> Collection[str]:
    """Return the apps of a stack, each once."""
    return {one.app for one in stack.members.values()}
