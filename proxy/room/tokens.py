"""The signed token in a page, without which its start and retry do nothing.

It says that the page of this host was shown; a form on another site has none. All proxies have the
same key for it, made of the token that they alone share with the frameworks: any of them takes what
another has signed.
"""

import hmac
from collections.abc import Sequence

_LIFE_SECONDS = 12 * 3600
_PURPOSE = b"prevs: the waiting room's pages"


class Tokens:
    """Signs and checks; `now` is in seconds since the epoch.

    `secrets` are the proxies' tokens: the first signs, what any of them has signed is taken.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [hmac.digest(one.encode(), _PURPOSE, "sha256") for one in secrets]

    def sign(self, host: str, now: float) -> str:
        """Return a token for the pages of `host`."""
        expiry = int(now) + _LIFE_SECONDS
        return f"{expiry}.{_mac(self._keys[0], host, expiry)}"

    def is_valid(self, token: str, host: str, now: float) -> bool:
        """Tell whether a token was signed for `host` and has not expired."""
        expiry, _, mac = token.partition(".")
        if not (expiry.isascii() and expiry.isdecimal() and len(expiry) < 16 and mac.isascii()):
            return False
        signed = [hmac.compare_digest(mac, _mac(key, host, int(expiry))) for key in self._keys]
        return any(signed) and now < int(expiry)


def _mac(key: bytes, host: str, expiry: int) -> str:
    return hmac.digest(key, f"{host}\n{expiry}".encode(), "sha256").hex()
