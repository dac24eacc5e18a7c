"""Texts that only the holder of a key can have made: JSON Web Tokens (RFC 7519) with HS256.

The first call imports joserfc, which takes 40 ms: few programs ever sign anything.
"""

from collections.abc import Mapping
from typing import Any

_ALGORITHM = "HS256"


def sign(key: str, claims: Mapping[str, Any]) -> str:
    """Return the text for some claims, in their order; url-safe ASCII."""
    from joserfc import jwt
    from joserfc.jwk import OctKey

    return jwt.encode({"alg": _ALGORITHM}, dict(claims), OctKey.import_key(key))


def read(key: str, text: str) -> dict[str, Any] | None:
    """Return the claims of a text that `key` has signed; None for any other text."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import OctKey

    try:
        return jwt.decode(text, OctKey.import_key(key), algorithms=[_ALGORITHM]).claims
    except (JoseError, ValueError):
        return None
