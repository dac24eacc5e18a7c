"""Who may do what: scopes, identities, and the tokens that prove them. Pure.

A token is a scope and 256 random bits, so nobody can find it from its plain digest.
"""

import enum
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from prevs.roles import SCOPES, TokenRecord

OPERATOR = "operator"
"""The name of the operator's token, which is in the settings; no other token may have it."""
PROXY = "proxy"
"""The name of the proxies' tokens, which are in the settings too."""
PERSON = "@"
"""What the names of people begin with."""
_NO_APPS: Mapping[str, "Scope"] = MappingProxyType({})


class Scope(enum.StrEnum):
    """What a token allows."""

    READ = "read"
    USE = "use"
    ADMIN = "admin"
    PROXY = "proxy"

    def includes(self, needed: "Scope") -> bool:
        """Return whether this scope allows what the `needed` one allows.

        Use includes read, and admin includes both. Proxy includes only itself.
        """
        if Scope.PROXY in (self, needed):
            return self is needed
        order = tuple(Scope)
        return order.index(self) >= order.index(needed)


STORED = tuple(map(Scope, SCOPES))
"""The scopes of stored tokens; those of proxies are in a file."""
OF_ONE_APP = (Scope.READ, Scope.USE)
"""The scopes of a token for one app. Not admin: an app's settings can take from all other apps."""


class Identity(NamedTuple):
    """The sender of a request, by its token or as a person, and what they may do.

    `scope` is what they may do in `app`, "" for all apps; None for nothing. `apps` has what a
    person may do in single apps beyond that. A person's name begins with PERSON, a token's never.
    """

    name: str
    scope: Scope | None
    app: str = ""
    apps: Mapping[str, Scope] = _NO_APPS

    def scope_of(self, app: str) -> Scope | None:
        """Return what they may do in an app, with "" in all apps and beyond; None for nothing."""
        return self.apps.get(app, self.scope if self.app in ("", app) else None)

    def may(self, needed: Scope, app: str = "") -> bool:
        """Return whether they have a scope in an app; with "" in all apps and beyond."""
        found = self.scope_of(app)
        return found is not None and found.includes(needed)

    def sees(self, app: str) -> bool:
        """Return whether they may do anything in an app."""
        return self.scope_of(app) is not None

    @property
    def sees_all(self) -> bool:
        """Whether they see all apps, and the cluster."""
        return self.scope is not None and not self.app

    @property
    def highest(self) -> Scope | None:
        """What they may do where they may do most; None for nothing anywhere."""
        order = tuple(Scope)
        found = [scope for scope in (self.scope, *self.apps.values()) if scope is not None]
        return max(found, key=order.index, default=None)

    @property
    def is_person(self) -> bool:
        """Whether it is a person who has signed in, and no token."""
        return self.name.startswith(PERSON)

    @property
    def is_limited(self) -> bool:
        """Whether rate limits apply. The operator has none, and proxies act for visitors."""
        return self.name != OPERATOR and self.scope is not Scope.PROXY


class FixedTokens(NamedTuple):
    """The digests of the tokens in the settings, which are not stored."""

    operator: str
    proxies: tuple[str, ...] = ()


def form_token(scope: Scope, secret: str) -> str:
    """Return a token, which people see only once; `secret` is 256 random bits as text."""
    return f"prevs_{scope.value}_{secret}"


def digest(token: str) -> str:
    """Return the digest of a token, which is stored instead of it. Accepts any text."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def digest_fixed(operator: str, proxies: Iterable[str] = ()) -> FixedTokens:
    """Return the digests of the operator's and the proxies' tokens."""
    return FixedTokens(digest(operator), tuple(map(digest, proxies)))


def find(token: str, fixed: FixedTokens, records: Iterable[TokenRecord]) -> Identity | None:
    """Return the identity of a token, None for a text that is no token of ours.

    Takes the same time for each token. A record with an unknown scope has no identity.
    """
    given = digest(token)
    found: Identity | None = None
    for record in records:
        if hmac.compare_digest(given.encode(), record.digest.encode()):
            found = identify(record)
    for proxy in fixed.proxies:
        if hmac.compare_digest(given.encode(), proxy.encode()):
            found = Identity(PROXY, Scope.PROXY)
    if hmac.compare_digest(given.encode(), fixed.operator.encode()):
        found = Identity(OPERATOR, Scope.ADMIN)
    return found


def identify(record: TokenRecord) -> Identity | None:
    """Return the identity of a stored token; None if its scope or name is not allowed."""
    known = {scope.value: scope for scope in (OF_ONE_APP if record.app else STORED)}
    scope = known.get(record.scope)
    if scope is None or record.name == OPERATOR:
        return None
    return Identity(record.name, scope, record.app)
