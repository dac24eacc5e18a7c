"""Tries to sign in, as the browser that began one keeps it: a signed cookie. Pure.

Another browser has no such cookie, so nobody is signed in as somebody else by a link. Several may
be under way at once, one for each tab: a cookie's name ends in `name_attempt` of its state.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import NamedTuple

from framework.people import sealed_texts
from framework.ports.identity import SignInAttempt

LIFE_S = 600
"""How long somebody may take to sign in."""
_PURPOSE = "attempt"


class Pending(NamedTuple):
    """An attempt that is under way, until `until`; `to` is the path to go on to."""

    attempt: SignInAttempt
    to: str
    until: float


def new_attempt(redirect: str, new_secret: Callable[[], str]) -> SignInAttempt:
    """Return a new attempt; `new_secret` returns 256 new random bits as url-safe text.

    That text may be a PKCE verifier: 43 characters (RFC 7636, 4.1).
    """
    return SignInAttempt(redirect, new_secret(), new_secret(), new_secret())


def name_attempt(state: str) -> str:
    """Return the end of the name of an attempt's cookie."""
    return hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def seal(key: str, pending: Pending) -> str:
    """Return the value of the cookie for an attempt."""
    claims = {**pending.attempt._asdict(), "to": pending.to}
    return sealed_texts.seal(key, _PURPOSE, claims, pending.until)


def unseal(key: str, text: str, state: str, now: float) -> Pending | None:
    """Return the attempt with a `state` that came back; None for any other or ended one."""
    claims = sealed_texts.unseal(key, _PURPOSE, text, now)
    if claims is None:
        return None
    found = {name: str(claims.get(name, "")) for name in (*SignInAttempt._fields, "to")}
    to = found.pop("to")
    attempt = SignInAttempt(**found)
    if not hmac.compare_digest(attempt.state.encode(), state.encode("utf-8", "surrogatepass")):
        return None
    return Pending(attempt, to, float(claims["exp"]))


def make_challenge(verifier: str) -> str:
    """Return what proves a verifier without showing it (RFC 7636, S256)."""
    digest = hashlib.sha256(verifier.encode("utf-8", "replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
