"""Who may ask for what: scopes, identities, and the tokens that prove them. Pure.

A token is a scope and 256 random bits, so that a plain digest of it cannot be turned around.
"""

import enum
import hashlib
import hmac
from collections.abc import Iterable
from typing import NamedTuple

from prevs.records import TokenRecord

OPERATOR = "operator"
"""The name of whoever has the token that the settings tell; no other token may have it."""


class Scope(enum.StrEnum):
    """What a token is good for; each has what the ones before it have."""

    READ = "read"
    USE = "use"
    ADMIN = "admin"

    def includes(self, needed: "Scope") -> bool:
        """Tell whether who has this scope may do what needs another."""
        order = tuple(Scope)
        return order.index(self) >= order.index(needed)


class Identity(NamedTuple):
    """Who asks: the name of a token and its scope."""

    name: str
    scope: Scope


def form_token(scope: Scope, secret: str) -> str:
    """Return a token as people get to see it once; `secret` is 256 random bits as text."""
    return f"prevs_{scope.value}_{secret}"


def digest(token: str) -> str:
    """Return what is kept of a token. Answers for any text."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def find(token: str, operator: str, records: Iterable[TokenRecord]) -> Identity | None:
    """Return whose a token is; `operator` is the digest of the operator's.

    Takes as long whichever it is. A record of a scope that is not known here is nobody's.
    """
    given = digest(token)
    found: Identity | None = None
    for record in records:
        if hmac.compare_digest(given.encode(), record.digest.encode()):
            found = identify(record)
    if hmac.compare_digest(given.encode(), operator.encode()):
        found = Identity(OPERATOR, Scope.ADMIN)
    return found


def identify(record: TokenRecord) -> Identity | None:
    """Return whom a token is of; None where its scope is not known here."""
    known = {scope.value: scope for scope in Scope}
    scope = known.get(record.scope)
    return Identity(record.name, scope) if scope else None
