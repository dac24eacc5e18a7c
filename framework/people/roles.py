"""What people may do, by their roles. Pure.

A role gives a scope to a person, or to everybody in a group of the identity provider: for one app,
or for all. Whoever has a role for an app is of that app's team. Logins and groups are compared
exactly as the provider writes them.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from framework.access import OF_ONE_APP, STORED, Scope
from framework.errors import InvalidSettings, Problem
from framework.ports.identity import Person
from prevs.roles import RoleRecord

MOST_ROLES = 1000
NAME = r"^[^\x00-\x20\x7f]([^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?$"
"""The texts that may be a login or a group's name."""
LONGEST_NAME = 256
"""Characters of a login or of a group's name."""


class Rights(NamedTuple):
    """What somebody may do: in all apps, None for nothing, and in single apps beyond that."""

    everywhere: Scope | None
    apps: Mapping[str, Scope]


def find_scope(roles: Collection[RoleRecord], person: Person, app: str) -> Scope | None:
    """Return the highest scope that somebody has in an app, None if they have none.

    With `app` "" it is the scope for all apps. A role with a scope that is not known, or that
    cannot be for one app, gives nothing.
    """
    return _highest(_read(role) for role in _held(roles, person) if role.app in ("", app))


def find_rights(roles: Collection[RoleRecord], person: Person) -> Rights:
    """Return what somebody may do, everywhere and in single apps."""
    held = list(_held(roles, person))
    everywhere = _highest(_read(role) for role in held if not role.app)
    found = {app: find_scope(held, person, app) for app in {role.app for role in held} - {""}}
    return Rights(
        everywhere,
        {app: scope for app, scope in found.items() if scope and scope is not everywhere},
    )


def check(role: RoleRecord) -> None:
    """Raise InvalidSettings with everything that is wrong with a new role."""
    problems = []
    if bool(role.group) == bool(role.person):
        problems.append(Problem("group", "or else person must be set, and not both"))
    for field, name in (("group", role.group), ("person", role.person)):
        if name and not is_name(name):
            why = (
                f"must have at most {LONGEST_NAME} characters, no control characters, and no space "
                "at either end"
            )
            problems.append(Problem(field, why))
    if _read(role) is None:
        known = " or ".join(OF_ONE_APP) if role.app else ", ".join(STORED)
        problems.append(Problem("scope", f"must be {known}" + " for one app" * bool(role.app)))
    if problems:
        raise InvalidSettings(problems)


def is_name(text: Any) -> bool:
    """Return whether something may be a login or a group's name."""
    return isinstance(text, str) and len(text) <= LONGEST_NAME and bool(re.fullmatch(NAME, text))


def _held(roles: Iterable[RoleRecord], person: Person) -> Iterable[RoleRecord]:
    for role in roles:
        match role.group, role.person:
            case "", "":
                continue
            case "", login if login == person.login:
                yield role
            case group, "" if group in person.groups:
                yield role


def _read(role: RoleRecord) -> Scope | None:
    """Return the scope of a role. None for admin of one app: its settings can take from others."""
    known = {scope.value: scope for scope in (OF_ONE_APP if role.app else STORED)}
    return known.get(role.scope)


def _highest(found: Iterable[Scope | None]) -> Scope | None:
    order = {scope: place for place, scope in enumerate(STORED)}
    return max((scope for scope in found if scope), key=order.__getitem__, default=None)
