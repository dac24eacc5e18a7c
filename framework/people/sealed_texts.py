"""Texts that only we can have made, for one use, until a time: JSON Web Tokens with HS256. Pure.

They are signed, not secret: whoever holds one may read it.
"""

from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

_ALGORITHM = "HS256"


def seal(key: str, purpose: str, claims: Mapping[str, Any], until: float) -> str:
    """Return the text for some claims, which ends at `until`; url-safe ASCII."""
    content = {**claims, "exp": int(until), "use": purpose}
    return jwt.encode({"alg": _ALGORITHM}, content, OctKey.import_key(key))


def unseal(key: str, purpose: str, text: str, now: float) -> Mapping[str, Any] | None:
    """Return the claims of a text that was made for `purpose` and has not ended, else None."""
    try:
        claims = jwt.decode(text, OctKey.import_key(key), algorithms=[_ALGORITHM]).claims
    except (JoseError, ValueError):
        return None
    expiry = claims.get("exp")
    if claims.get("use") != purpose or type(expiry) is not int or expiry <= now:
        return None
    return claims
