"""The signed token in a page, without which its start and retry do nothing.

It says that the page of this host was shown; a form on another site has none. Proxies with one API
token agree on it, so any of them takes what another has signed.
"""

import hmac

_LIFE_SECONDS = 12 * 3600


class Tokens:
    """Signs and checks; `now` is in seconds since the epoch."""

    def __init__(self, api_token: str) -> None:
        self._key = hmac.digest(api_token.encode(), b"prevs: the waiting room's pages", "sha256")

    def sign(self, host: str, now: float) -> str:
        """Return a token for the pages of `host`."""
        expiry = int(now) + _LIFE_SECONDS
        return f"{expiry}.{self._mac(host, expiry)}"

    def is_valid(self, token: str, host: str, now: float) -> bool:
        """Tell whether a token was signed for `host` and has not expired."""
        expiry, _, mac = token.partition(".")
        if not (expiry.isascii() and expiry.isdecimal() and len(expiry) < 16 and mac.isascii()):
            return False
        return hmac.compare_digest(mac, self._mac(host, int(expiry))) and now < int(expiry)

    def _mac(self, host: str, expiry: int) -> str:
        return hmac.digest(self._key, f"{host}\n{expiry}".encode(), "sha256").hex()
