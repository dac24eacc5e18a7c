"""The signed tokens in a page. Start, retry and the log need one.

A token proves that the page of this host was shown; a form on another site has none. All proxies
derive the same key from the token that they share with the frameworks alone, so that each accepts
what another has signed.
"""

import hmac
from collections.abc import Sequence

_LIFE_SECONDS = 12 * 3600
_PURPOSE = b"prevs: the waiting room's pages"

LOG_LIFE_SECONDS = 300
"""How long a page's token reads a log. It is short, as the address may be passed on or stay in a
browser's history; an open page renews its token."""


class Tokens:
    """Signs and checks tokens; `now` is in seconds since the epoch.

    `secrets` are the proxies' tokens: the first one signs, signatures of all are accepted.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [hmac.digest(one.encode(), _PURPOSE, "sha256") for one in secrets]

    def sign(self, host: str, now: float) -> str:
        """Return a token for the pages of `host`."""
        expiry = int(now) + _LIFE_SECONDS
        return f"{expiry}.{_mac(self._keys[0], host, expiry)}"

    def is_valid(self, token: str, host: str, now: float) -> bool:
        """Return whether a token was signed for `host` and has not expired."""
        expiry, _, mac = token.partition(".")
        if not (expiry.isascii() and expiry.isdecimal() and len(expiry) < 16 and mac.isascii()):
            return False
        signed = [hmac.compare_digest(mac, _mac(key, host, int(expiry))) for key in self._keys]
        return any(signed) and now < int(expiry)

    def sign_log(self, host: str, sha: str, now: float) -> str:
        """Return a token for the log and the events of the commit that `host` leads to."""
        expiry = int(now) + LOG_LIFE_SECONDS
        return f"{expiry}.{_mac(self._keys[0], _log_of(host, sha), expiry)}"

    def is_valid_log(self, token: str, host: str, sha: str, now: float) -> bool:
        """Return whether a token was signed for that log at `host`, and has not expired."""
        return self.is_valid(token, _log_of(host, sha), now)


def _log_of(host: str, sha: str) -> str:
    """Return the signed name of a host's log; it cannot be a host, which has no line break."""
    return f"{host}\n{sha}"


def _mac(key: bytes, host: str, expiry: int) -> str:
    return hmac.digest(key, f"{host}\n{expiry}".encode(), "sha256").hex()
