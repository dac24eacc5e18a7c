"""How stacks and variants are written: their labels are resolved first.

Belongs to the event loop's thread; what blocks runs in others.
"""

import asyncio
import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

import anyio.to_thread

from framework.errors import AmbiguousLabel, InvalidSettings, Problem, UnknownLabel
from framework.git import resolution
from framework.http_api.stacks.stack_orders import ALL, MemberOrder, StackOrder, VariantOrder
from framework.http_api.streams.label_resolver import LabelResolver
from framework.service.stacks.stack_commands import StackCommands
from framework.service.stacks.stack_service import Stacks
from framework.stacks import variants
from framework.stacks.variants import WrittenVariant
from framework.stacks.written_stack import WrittenStack
from prevs import names
from prevs.stacks import Member, StackRecord

T = TypeVar("T")

_REFS = frozenset({"branch", "tag"})
_UNKNOWN = "main"
"""The label of a member whose own cannot be found, until that is told."""


class StackWriting:
    """Writes stacks and opens variants, and returns the stack as it is then, or would be."""

    def __init__(self, stacks: Stacks, resolver: LabelResolver) -> None:
        self._stacks = stacks
        self._resolver = resolver

    async def write(self, name: str, order: StackOrder, *, dry_run: bool, by: str) -> StackRecord:
        """Write a stack as a whole. All its labels must lead to commits.

        Raises TooManyStacks, InvalidSettings with all problems, RepositoryUnreachable.
        """
        found = await asyncio.gather(*map(self._find_member, order.members.values()))
        members = dict(zip(order.members, found, strict=True))
        written = WrittenStack(order.entry, {key: one for key, (one, _) in members.items()})
        problems = [
            Problem(f"members.{key}.label", why) for key, (_, why) in members.items() if why
        ]
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

        Raises UnknownStack, InvalidSettings with all problems, AmbiguousLabel if its branch is one
        of the labels that could mean several commits, RepositoryUnreachable, and as
        variants.open_variant.
        """
        stack = self._stacks.snapshot.stack(name)
        own = tuple(stack.members) if order.own == [ALL] else tuple(order.own)
        written = WrittenVariant(order.ref, order.labels, own)
        problems = [
            *variants.find_problems(stack, written),
            *await self._find_label_problems(stack, order.labels),
        ]
        if problems:
            raise InvalidSettings(problems)
        found = await self._find_having(stack, written)
        return await self._run(lambda commands: commands.open(name, written, found, by=by))

    async def _find_member(self, order: MemberOrder) -> tuple[Member, str]:
        """Return a member, and what is wrong with its label; "" if that leads to a commit.

        What the check of the stack tells by itself is not told twice.
        """
        app, label = order.app, order.label
        if app not in self._stacks.snapshot.apps:
            return Member(app, _UNKNOWN if label is None else label), ""
        if label is None:
            main = resolution.find_main((await self._resolver.listing(app)).refs)
            if main is None:
                why = "is missing, and the repository has no branches yet"
                return Member(app, _UNKNOWN), why
            label = main.label
        return Member(app, label), await self._find_problem(app, label)

    async def _find_label_problems(
        self, stack: StackRecord, labels: Mapping[str, str]
    ) -> Sequence[Problem]:
        """Return which of the labels of members lead to no commit, and why."""
        known = {key: label for key, label in labels.items() if key in stack.members}
        asked = (self._find_problem(stack.members[key].app, label) for key, label in known.items())
        found = zip(known, await asyncio.gather(*asked), strict=True)
        return [Problem(f"labels.{key}", why) for key, why in found if why]

    async def _find_problem(self, app: str, label: str) -> str:
        """Return why a label leads to no commit of an app; "" if it does, or is no label at all."""
        found = await self._resolver.check(app, label) if names.is_label(label) else ""
        return found if isinstance(found, str) else ""

    async def _find_having(self, stack: StackRecord, written: WrittenVariant) -> Collection[str]:
        """Return the members whose repository has a branch or tag of the variant's name."""
        label = names.slug(written.ref)
        asked = (
            self._has(usual.app, label, is_chosen=key in written.chosen)
            for key, usual in stack.members.items()
        )
        having = zip(stack.members, await asyncio.gather(*asked), strict=True)
        return [key for key, has in having if has]

    async def _has(self, app: str, label: str, *, is_chosen: bool) -> bool:
        """Return whether a label is that of a branch or tag of an app.

        If it could mean several commits, somebody has to choose one of them.
        """
        try:
            resolved, _ = await self._resolver.resolve(app, label, to_start=True)
        except UnknownLabel:
            return False
        except AmbiguousLabel:
            if is_chosen:
                return False
            raise
        return resolved.kind in _REFS

    async def _run(self, command: Callable[[StackCommands], T]) -> T:
        return await anyio.to_thread.run_sync(functools.partial(self._stacks.command, command))
