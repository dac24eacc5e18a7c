"""A stack as people write it, and the check that makes a record of it. Pure.

{"entry": "web", "members": {"web": {"app": "shop-web", "label": "main"},
                             "cart": {"app": "shop-cart", "label": "main"}}}
"""

import dataclasses
import re
from collections.abc import Collection, Iterator, Mapping

from framework.errors import InvalidSettings, Problem
from framework.stacks import variants
from framework.stacks.variables import name_variable
from prevs.names import PROXIES_OWN, is_app_name, is_label, is_own_variable
from prevs.stacks import Member, StackRecord, Variant, order_members

MOST_MEMBERS = 20
LONGEST_NAME = 19
"""Of a stack, and of a member: a gate is named by both, and its name has 40 characters at most."""
"""How the variables begin that prevs sets itself."""
_NAME = re.compile(rf"[a-z](?:[a-z0-9-]{{0,{LONGEST_NAME - 2}}}[a-z0-9])?", re.ASCII)


@dataclasses.dataclass(frozen=True)
class WrittenStack:
    """The members of a stack by name, and the one at which visitors begin."""

    entry: str
    members: Mapping[str, Member]


@dataclasses.dataclass(frozen=True)
class Neighbours:
    """What a stack may not collide with: the apps, and the gates, each with its stack or ""."""

    apps: Collection[str] = ()
    gates: Mapping[str, str] = dataclasses.field(default_factory=dict)


def check(
    name: str,
    written: WrittenStack,
    neighbours: Neighbours,
    *,
    now: float,
    by: str,
    before: StackRecord | None = None,
) -> StackRecord:
    """Return the record of a stack written at `now`, with the variants of `before`.

    What these say of members that are gone goes with them, and a variant that is the stack as it is
    now goes too. Raises InvalidSettings with all problems.
    """
    problems = list(_find_problems(name, written, neighbours))
    if problems:
        raise InvalidSettings(problems)
    record = StackRecord(
        name=name,
        entry=written.entry,
        members=order_members(written.entry, written.members),
        created=before.created if before else now,
        changed=now,
        by=by,
        closed=before.closed if before else (),
    )
    return dataclasses.replace(record, variants=_keep_all(record, before))


def _keep_all(record: StackRecord, before: StackRecord | None) -> Mapping[str, Variant]:
    """Return the variants of `before` in the record of its stack that has other members now.

    Their names change with the longest name of a gate, before which they have to fit.
    """
    kept = {}
    for known, variant in before.variants.items() if before else ():
        name, now = variants.name_variant(record, variant.ref or known), _keep(variant, record)
        has_lost_its_last = variant.found and not now.found and not now.chosen
        if not has_lost_its_last and variants.list_instances(record, name, now):
            kept[name] = now
    return kept


def _keep(variant: Variant, record: StackRecord) -> Variant:
    """Return what a variant says of the members that there are."""
    members = record.members
    return dataclasses.replace(
        variant,
        found=tuple(one for one in variant.found if one in members),
        chosen={alias: label for alias, label in variant.chosen.items() if alias in members},
        own=tuple(one for one in variant.own if one in members),
    )


def _find_problems(name: str, written: WrittenStack, neighbours: Neighbours) -> Iterator[Problem]:
    if problem := _find_name_problem(name):
        yield Problem("name", problem)
    if not 1 <= len(written.members) <= MOST_MEMBERS:
        yield Problem("members", f"must be 1 to {MOST_MEMBERS}, not {len(written.members)}")
    if written.entry not in written.members:
        known = ", ".join(written.members) or "none"
        yield Problem("entry", f"must be one of the members: {known}")
    for alias, member in written.members.items():
        yield from _find_member_problems(f"members.{alias}", alias, member, neighbours)
    record = StackRecord(name, written.entry, {})
    for alias in written.members:
        if problem := _find_gate_problem(record.gate(alias), name, neighbours):
            field = "name" if alias == written.entry else f"members.{alias}"
            yield Problem(field, problem)


def _find_member_problems(
    field: str, alias: str, member: Member, neighbours: Neighbours
) -> Iterator[Problem]:
    if problem := _find_name_problem(alias):
        yield Problem(field, f"is named {alias[:60]!r}, and a name {problem}")
    elif is_own_variable(variable := name_variable(alias)):
        yield Problem(field, f"would have its address in {variable}, which prevs sets itself")
    if member.app not in neighbours.apps:
        yield Problem(f"{field}.app", f"is no app: {member.app[:60]!r}. `prevs app ls` lists them.")
    if not is_label(member.label):
        yield Problem(f"{field}.label", "must be a label, as in an address: main")


def _find_name_problem(name: str) -> str | None:
    if not _NAME.fullmatch(name) or not is_app_name(name):
        signs = f"1 to {LONGEST_NAME} of a-z, 0-9 and -"
        return f"must be {signs}, a letter first, no - last and no -- within"
    return None


def _find_gate_problem(gate: str, stack: str, neighbours: Neighbours) -> str | None:
    """Return why a stack cannot have the address of a gate; None if it can."""
    if gate in PROXIES_OWN:
        return f"has the address {gate}, which is prevs's own. Choose another name."
    if gate in neighbours.apps:
        return (
            f"has the address {gate}, which is that of the app's branches: main--{gate}. Choose "
            "another name."
        )
    if gate in neighbours.gates and neighbours.gates[gate] != stack:
        of = neighbours.gates[gate]
        whose = f"the stack {of}" if of else "a gate of that name"
        return f"has the address {gate}, which {whose} has. Choose another name."
    return None
