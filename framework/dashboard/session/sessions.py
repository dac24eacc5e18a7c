"""Sessions: a signed cookie names who has signed in, and until when. Pure but for the tokens.

The cookie of a token's session is `name.expiry.nonce.mac`. Its mac covers the digest of the token
that was used to sign in: the session is over once that token is removed, or another one gets its
name. The key is derived from the operator's token, so each framework of an installation accepts the
others' cookies. A person's session is a text of framework/people/seals.py.
"""

import base64
import binascii
import hmac
from collections.abc import Callable
from typing import NamedTuple

from framework import access
from framework.access import Identity, Scope
from framework.people import seals
from framework.people.identities import describe
from framework.ports import Tokens
from framework.ports.identity import Person

LIFE_SECONDS = 12 * 3600
PERSON_SECONDS = 8 * 3600
"""How long the groups count that the provider has named."""


class Viewer(NamedTuple):
    """Somebody who has signed in, and the app `at` that their page is about, "" for none.

    `csrf` is in each of their forms, and in nobody else's. `person` is None for a token's session;
    else they have `signed_in` at that time. Without a session, a proxy in front signs them in.
    """

    identity: Identity
    csrf: str
    person: Person | None = None
    at: str = ""
    signed_in: float = 0.0
    has_session: bool = True

    def may(self, needed: Scope) -> bool:
        """Return whether they have a scope for what the page is about."""
        return self.identity.may(needed, self.at)

    def is_form(self, csrf: str) -> bool:
        """Return whether a form comes from a page that was shown to them."""
        return hmac.compare_digest(csrf.encode("utf-8", "replace"), self.csrf.encode())

    @property
    def sees_all(self) -> bool:
        """Whether they see all apps, and the cluster."""
        return self.identity.sees_all

    @property
    def standing(self) -> str:
        """What they may do, in a few words."""
        identity = self.identity
        if identity.apps or identity.scope is None:
            return describe(identity)
        return identity.scope.value + (f" of {identity.app}" if identity.app else "")

    @property
    def may_use(self) -> bool:
        """Whether they may start and stop previews."""
        return self.may(Scope.USE)

    @property
    def may_admin(self) -> bool:
        """Whether they may change apps and tokens."""
        return self.may(Scope.ADMIN)


class Sessions:
    """Makes and verifies the cookies of sessions. Thread safe.

    `now` is in seconds since the epoch. `new_nonce` returns a new url-safe text each time. `mark`
    is the same for all frameworks of one installation, and differs between installations.
    `attempt_key` signs tries to sign in.
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
        self.attempt_key = hmac.digest(self._key, b"tries to sign in", "sha256").hex()
        self.mark = hmac.digest(self._key, b"mark", "sha256").hex()[:8]
        self._now = now
        self._new_nonce = new_nonce

    def begin(self, token: str) -> str | None:
        """Return the cookie of a session for a token; None if it is invalid, or a proxy's."""
        identity = self._tokens.authenticate(token)
        if identity is None or identity.scope is Scope.PROXY:
            return None
        expiry = int(self._now()) + LIFE_SECONDS
        name = base64.urlsafe_b64encode(identity.name.encode()).decode().rstrip("=")
        payload = f"{name}.{expiry}.{self._new_nonce()}"
        return f"{payload}.{self._mac(payload, access.digest(token))}"

    def begin_person(self, person: Person) -> str:
        """Return the cookie of a session for somebody who has signed in with the provider."""
        return self._tokens.seal_person(seals.SESSION, person, self._now() + PERSON_SECONDS)

    def identify(self, person: Person) -> Identity:
        """Return who a person is, and what their roles let them do now."""
        return self._tokens.identify(person)

    def find(self, cookie: str) -> Viewer | None:
        """Return whose session a cookie is; None if it is invalid, or the session is over."""
        sealed = self._tokens.unseal_person(seals.SESSION, cookie)
        if sealed is not None:
            return self.view(sealed.person, cookie, sealed.until - PERSON_SECONDS)
        payload, _, mac = cookie.rpartition(".")
        parts = payload.split(".")
        if len(parts) != 3 or not cookie.isascii() or not _is_time(parts[1]):
            return None
        if self._now() >= int(parts[1]):
            return None
        found = self._find_token(_read_name(parts[0]))
        if found is None or not hmac.compare_digest(mac, self._mac(payload, found[1])):
            return None
        return Viewer(found[0], self._csrf(cookie))

    def view(self, person: Person, session: str, signed_in: float) -> Viewer:
        """Return a person as a viewer; `session` is different for each session."""
        csrf = self._csrf(session)
        return Viewer(self._tokens.identify(person), csrf, person, signed_in=signed_in)

    def view_from_proxy(self, person: Person) -> Viewer:
        """Return somebody as a viewer whom a proxy in front has signed in: they have no session."""
        viewer = self.view(person, f"proxy {person.login}", self._now())
        return viewer._replace(has_session=False)

    def _csrf(self, session: str) -> str:
        return hmac.digest(self._key, f"form\n{session}".encode(), "sha256").hex()

    def _find_token(self, name: str) -> tuple[Identity, str] | None:
        """Return the identity of the token with a name, and the token's digest."""
        if name == access.OPERATOR:
            return Identity(name, Scope.ADMIN), self._operator
        for record in self._tokens.tokens():
            if record.name == name and (identity := access.identify(record)):
                return identity, record.digest
        return None

    def _mac(self, payload: str, digest: str) -> str:
        return hmac.digest(self._key, f"session\n{payload}\n{digest}".encode(), "sha256").hex()


def _is_time(text: str) -> bool:
    return text.isdecimal() and len(text) < 16


def _read_name(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        return ""
