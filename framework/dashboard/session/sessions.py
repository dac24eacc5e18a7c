"""Sessions: who a cookie says has signed in, and for how long. Pure but for the tokens it asks of.

A cookie is `name.expiry.nonce.mac`. Its mac covers the digest of the token that it was given for:
once that token is removed, or another has its name, the session is over. The key is made from the
operator's token, so that each framework takes what another has signed.
"""

import base64
import binascii
import hmac
from collections.abc import Callable
from typing import NamedTuple

from framework import access
from framework.access import Identity, Scope
from framework.ports import Tokens

LIFE_SECONDS = 12 * 3600


class Viewer(NamedTuple):
    """Somebody who has signed in. `csrf` is in each form of theirs, and in nobody else's."""

    identity: Identity
    csrf: str

    def may(self, needed: Scope) -> bool:
        """Tell whether their token is good for what needs a scope."""
        return self.identity.scope.includes(needed)

    def is_form(self, csrf: str) -> bool:
        """Tell whether a form is of a page that was shown to them."""
        return hmac.compare_digest(csrf.encode("utf-8", "replace"), self.csrf.encode())

    @property
    def app(self) -> str:
        """The one app that they see, "" for all."""
        return self.identity.app

    @property
    def may_use(self) -> bool:
        """Whether they may start and stop previews."""
        return self.may(Scope.USE)

    @property
    def may_admin(self) -> bool:
        """Whether they may change apps and tokens."""
        return self.may(Scope.ADMIN)


class Sessions:
    """Begins sessions and knows them again. Thread safe.

    `now` is in seconds since the epoch; `new_nonce` returns url-safe text, others each time. `mark`
    is the same for the frameworks of one installation, and another for any other one.
    """

    def __init__(
        self,
        tokens: Tokens,
        operator_token: str,
        *,
        now: Callable[[], float],
        new_nonce: Callable[[], str],
    ) -> None:
        self._tokens = tokens
        self._operator = access.digest(operator_token)
        self._key = hmac.digest(operator_token.encode(), b"prevs: sessions", "sha256")
        self.mark = hmac.digest(self._key, b"mark", "sha256").hex()[:8]
        self._now = now
        self._new_nonce = new_nonce

    def begin(self, token: str) -> str | None:
        """Return the cookie of a session for a token; None for no token of ours, or of people."""
        identity = self._tokens.authenticate(token)
        if identity is None or identity.scope is Scope.PROXY:
            return None
        expiry = int(self._now()) + LIFE_SECONDS
        name = base64.urlsafe_b64encode(identity.name.encode()).decode().rstrip("=")
        said = f"{name}.{expiry}.{self._new_nonce()}"
        return f"{said}.{self._mac(said, access.digest(token))}"

    def find(self, cookie: str) -> Viewer | None:
        """Return whose session a cookie is; None for any other text, and for one that is over."""
        said, _, mac = cookie.rpartition(".")
        parts = said.split(".")
        if len(parts) != 3 or not cookie.isascii() or not _is_time(parts[1]):
            return None
        if self._now() >= int(parts[1]):
            return None
        found = self._find_token(_read_name(parts[0]))
        if found is None or not hmac.compare_digest(mac, self._mac(said, found[1])):
            return None
        csrf = hmac.digest(self._key, f"form\n{cookie}".encode(), "sha256").hex()
        return Viewer(found[0], csrf)

    def _find_token(self, name: str) -> tuple[Identity, str] | None:
        """Return what the token of a name is good for, and its digest."""
        if name == access.OPERATOR:
            return Identity(name, Scope.ADMIN), self._operator
        for record in self._tokens.tokens():
            if record.name == name and (identity := access.identify(record)):
                return identity, record.digest
        return None

    def _mac(self, said: str, digest: str) -> str:
        return hmac.digest(self._key, f"session\n{said}\n{digest}".encode(), "sha256").hex()


def _is_time(text: str) -> bool:
    return text.isdecimal() and len(text) < 16


def _read_name(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        return ""
