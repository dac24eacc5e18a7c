"""Who has signed in, as texts that only we can have made: sessions, and tokens of people. Pure.

A text has the groups that the provider named; what the person may do is not in it, but found by
the roles whenever it is used. So it is good for nothing once the roles are gone.
"""

import hmac
from collections.abc import Collection, Iterable

from framework.people import sealed_texts
from framework.ports.identity import Person, Sealed
from prevs.roles import RoleRecord

SESSION, TOKEN = "session", "token"
"""The purposes of texts: none is accepted for the other."""
_MOST = 2000
"""Bytes of the names of groups in one text: browsers keep cookies of 4 kB."""


def derive_key(operator_token: str, provider: str) -> str:
    """Return the key of such texts; all of them end with another token or provider."""
    purpose = f"prevs: people of {provider}".encode()
    return hmac.digest(operator_token.encode(), purpose, "sha256").hex()


def seal(key: str, purpose: str, person: Person, until: float) -> str:
    """Return the text for a person, which counts until a time; url-safe ASCII."""
    claims = {"id": person.id, "login": person.login, "groups": sorted(person.groups)}
    return sealed_texts.seal(key, purpose, claims, until)


def unseal(key: str, purpose: str, text: str, now: float) -> Sealed | None:
    """Return what a text says; None if it was made for something else, or has ended."""
    claims = sealed_texts.unseal(key, purpose, text, now)
    if claims is None:
        return None
    groups = frozenset(map(str, claims["groups"]))
    return Sealed(Person(str(claims["id"]), str(claims["login"]), groups), float(claims["exp"]))


def fit(person: Person, roles: Collection[RoleRecord]) -> Person:
    """Return a person with as many of their groups as a text may hold, those with a role first."""
    named = {role.group for role in roles}
    ordered = sorted(person.groups, key=lambda group: (group not in named, group))
    return person._replace(groups=frozenset(_take(ordered)))


def _take(groups: Iterable[str]) -> Iterable[str]:
    left = _MOST
    for group in groups:
        left -= len(group.encode("unicode_escape")) + 3
        if left < 0:
            return
        yield group
