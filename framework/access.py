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
PROXY = "proxy"
"""The name of whoever has one of the proxies' tokens, which the settings tell, too."""


class Scope(enum.StrEnum):
    """What a token is good for."""

    READ = "read"
    USE = "use"
    ADMIN = "admin"
    PROXY = "proxy"

    def includes(self, needed: "Scope") -> bool:
        """Tell whether who has this scope may do what needs another.

        Of read, use and admin each has what the ones before it have; proxy has itself alone.
        """
        if Scope.PROXY in (self, needed):
            return self is needed
        order = tuple(Scope)
        return order.index(self) >= order.index(needed)


STORED = (Scope.READ, Scope.USE, Scope.ADMIN)
"""What a token may have that somebody makes; those of proxies are in a file."""
OF_ONE_APP = (Scope.READ, Scope.USE)
"""What one may have that is for one app: an app's settings may cost all others something."""


class Identity(NamedTuple):
    """Who asks: the name of a token, its scope, and the one app that it is for, "" for all."""

    name: str
    scope: Scope
    app: str = ""

    def sees(self, app: str) -> bool:
        """Tell whether an app is one of those that the token is for."""
        return self.app in ("", app)

    @property
    def is_limited(self) -> bool:
        """Whether it may ask only so often: it is neither the operator nor asks for visitors."""
        return self.name != OPERATOR and self.scope is not Scope.PROXY


class Told(NamedTuple):
    """The digests of the tokens that are not stored: the settings tell them."""

    operator: str
    proxies: tuple[str, ...] = ()


def form_token(scope: Scope, secret: str) -> str:
    """Return a token as people get to see it once; `secret` is 256 random bits as text."""
    return f"prevs_{scope.value}_{secret}"


def digest(token: str) -> str:
    """Return what is kept of a token. Answers for any text."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def tell(operator: str, proxies: Iterable[str] = ()) -> Told:
    """Return the digests of the operator's token and of the proxies'."""
    return Told(digest(operator), tuple(map(digest, proxies)))


def find(token: str, told: Told, records: Iterable[TokenRecord]) -> Identity | None:
    """Return whose a token is.

    Takes as long whichever it is. A record of a scope that is not known here is nobody's.
    """
    given = digest(token)
    found: Identity | None = None
    for record in records:
        if hmac.compare_digest(given.encode(), record.digest.encode()):
            found = identify(record)
    for proxy in told.proxies:
        if hmac.compare_digest(given.encode(), proxy.encode()):
            found = Identity(PROXY, Scope.PROXY)
    if hmac.compare_digest(given.encode(), told.operator.encode()):
        found = Identity(OPERATOR, Scope.ADMIN)
    return found


def identify(record: TokenRecord) -> Identity | None:
    """Return whom a token is of; None where no token that is made here is so."""
    known = {scope.value: scope for scope in (OF_ONE_APP if record.app else STORED)}
    scope = known.get(record.scope)
    if scope is None or record.name == OPERATOR:
        return None
    return Identity(record.name, scope, record.app)
