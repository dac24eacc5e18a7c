"""Makes and reads passes, which are signed claims. HAProxy checks them too.

HAProxy reads the claims by their places, not by their names (proxy/haproxy/access.cfg.j2): their
order and spacing, and that no value has a quote or a colon, are a part of the format.
"""

import re
from collections.abc import Collection
from typing import Any, NamedTuple

from program.passes import signed_claims

ANY_HOST = "*"
"""The host of a pass for all previews of an app."""
_PLAIN = re.compile(r"[\w.*/ -]*", re.ASCII)


class Pass(NamedTuple):
    """What a pass allows: the previews of `app` at `host`, in one `era`, before `until`.

    `host` is the name in an address (main.shop.prevs.example) or ANY_HOST. `id` is that of an
    issued pass, which can be revoked; "" for a visitor's own. `purpose` keeps a text that was made
    for one use from being used for another; a pass has "".
    """

    app: str
    host: str
    era: int
    until: float
    id: str = ""
    purpose: str = ""


def write_pass(key: str, content: Pass) -> str:
    """Return a pass as text, signed with `key` (prevs.signatures.derive_pass_key).

    Raises ValueError for a value that HAProxy would not read as it is.
    """
    if odd := [one for one in content if isinstance(one, str) and not _PLAIN.fullmatch(one)]:
        raise ValueError(f"{odd[0]!r} cannot be in a pass")
    claims = {
        "aud": content.app,
        "h": content.host,
        "e": content.era,
        "exp": int(content.until),
        "j": content.id,
        "u": content.purpose,
    }
    return signed_claims.sign(key, claims)


def read_pass(keys: Collection[str], text: str) -> Pass | None:
    """Return what one of `keys` has signed; None for any other text.

    Whether the time, era, host and id are right is for the caller to check.
    """
    for key in keys:
        claims = signed_claims.read(key, text)
        if claims is not None:
            return _read(claims)
    return None


def _read(claims: dict[str, Any]) -> Pass | None:
    kinds = {"aud": str, "h": str, "e": int, "exp": int, "j": str, "u": str}
    if any(type(claims.get(name)) is not kind for name, kind in kinds.items()):
        return None
    return Pass(*(claims[name] for name in kinds))
