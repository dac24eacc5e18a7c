"""Texts that only we can have made, for one use, until a time: signed claims. Pure.

They are signed, not secret: whoever holds one may read it.
"""

from collections.abc import Mapping
from typing import Any

from program.passes import signed_claims


def seal(key: str, purpose: str, claims: Mapping[str, Any], until: float) -> str:
    """Return the text for some claims, which ends at `until`; url-safe ASCII."""
    return signed_claims.sign(key, {**claims, "exp": int(until), "use": purpose})


def unseal(key: str, purpose: str, text: str, now: float) -> Mapping[str, Any] | None:
    """Return the claims of a text that was made for `purpose` and has not ended, else None."""
    claims = signed_claims.read(key, text)
    if claims is None:
        return None
    expiry = claims.get("exp")
    if claims.get("use") != purpose or type(expiry) is not int or expiry <= now:
        return None
    return claims
