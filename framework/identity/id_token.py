"""The id token of OpenID Connect: who has signed in, signed by the provider.

It is checked as OpenID Connect Core 1.0, 3.1.3.7 says. joserfc checks the signature.
"""

import hmac
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from framework.ports.identity_errors import SignInRefused

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
"""Those with a public key. With `none` or the client's secret, others could sign."""
_KEY_KINDS = frozenset({"RSA", "EC", "OKP"})
LEEWAY_S = 60
"""How much the provider's clock may differ from ours."""


class Expected(NamedTuple):
    """What a token must say: its issuer, whom it is for, and the nonce of the attempt."""

    issuer: str
    client_id: str
    nonce: str


class UnknownKey(Exception):
    """None of the known keys is the one that the token names."""


def read_key_id(text: str) -> str | None:
    """Return the id of the key that a token names, None for none."""
    try:
        found = jws.extract_compact(text.encode()).headers().get("kid")
    except (JoseError, ValueError):
        raise _refuse("it is not a signed token") from None
    return found if isinstance(found, str) else None


def read_keys(found: Any) -> list[Mapping[str, Any]]:
    """Return the public keys for signatures in a provider's key set; unreadable ones are left out.

    A key without a `kty` that we know is another one's business.
    """
    keys = found.get("keys") if isinstance(found, dict) else None
    return [
        key
        for key in (keys if isinstance(keys, list) else ())
        if isinstance(key, dict)
        and key.get("kty") in _KEY_KINDS
        and key.get("use", "sig") == "sig"
        and _is_readable(key)
    ]


def verify(
    text: str, keys: Collection[Mapping[str, Any]], expected: Expected, now: float
) -> Mapping[str, Any]:
    """Return the claims of an id token, with a `sub`. Raises UnknownKey, SignInRefused."""
    key_id = read_key_id(text)
    fitting = [key for key in keys if key_id is None or key.get("kid") == key_id]
    if not fitting:
        raise UnknownKey
    for key in fitting:
        try:
            known = KeySet.import_key_set({"keys": [dict(key)]})
            token = jwt.decode(text, known.keys[0], algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            continue
        return _check(token.claims, expected, now)
    raise _refuse("none of the provider's keys has signed it by an algorithm with a public key")


def _check(claims: Mapping[str, Any], expected: Expected, now: float) -> Mapping[str, Any]:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    nonce, expiry, begin = claims.get("nonce"), claims.get("exp"), claims.get("nbf", 0)
    if claims.get("iss") != expected.issuer:
        raise _refuse("another issuer has made it")
    if expected.client_id not in audiences:
        raise _refuse("it is for another client")
    if (len(audiences) > 1 or "azp" in claims) and claims.get("azp") != expected.client_id:
        raise _refuse("it was made for another client")
    if _read_time(expiry, 0.0) <= now - LEEWAY_S:
        raise _refuse("it has ended, or the clocks differ by more than a minute")
    if _read_time(begin, float("inf")) > now + LEEWAY_S:
        raise _refuse("it does not count yet, or the clocks differ by more than a minute")
    if not (
        isinstance(nonce, str) and hmac.compare_digest(nonce.encode(), expected.nonce.encode())
    ):
        raise _refuse("it belongs to another try to sign in")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise _refuse("it names nobody")
    return claims


def _read_time(value: Any, otherwise: float) -> float:
    """Return a time in seconds since the epoch; `otherwise` for what is none."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else otherwise


def _is_readable(key: Mapping[str, Any]) -> bool:
    try:
        KeySet.import_key_set({"keys": [dict(key)]})
    except (JoseError, ValueError, TypeError):
        return False
    return True


def _refuse(why: str) -> SignInRefused:
    return SignInRefused(f"The identity provider's answer does not count: {why}.")
