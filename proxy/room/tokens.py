"""The signed tokens in a page, without which its start and retry do nothing, and no log is read.

It says that the page of this host was shown; a form on another site has none. All proxies have the
same key for it, made of the token that they alone share with the frameworks: any of them takes what
another has signed.
"""

import hmac
from collections.abc import Sequence

_LIFE_SECONDS = 12 * 3600
_PURPOSE = b"prevs: the waiting room's pages"

LOG_LIFE_SECONDS = 300
"""How long a page's token reads a log: its address may be passed on, and stand in a history. The
page has it renewed while it is open."""


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

    def sign_log(self, host: str, sha: str, now: float) -> str:
        """Return a token for the log and the events of the commit that `host` leads to."""
        expiry = int(now) + LOG_LIFE_SECONDS
        return f"{expiry}.{_mac(self._keys[0], _log_of(host, sha), expiry)}"

    def is_valid_log(self, token: str, host: str, sha: str, now: float) -> bool:
        """Tell whether a token was signed for that log at `host`, and has not expired."""
        return self.is_valid(token, _log_of(host, sha), now)


def _log_of(host: str, sha: str) -> str:
    """Return what stands for a host's log where else a host stands: none has a line break."""
    return f"{host}\n{sha}"


def _mac(key: bytes, host: str, expiry: int) -> str:
    return hmac.digest(key, f"{host}\n{expiry}".encode(), "sha256").hex()
