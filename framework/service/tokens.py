"""The Tokens port: reads from the service's snapshot, writes through its inbox."""

import time
from collections.abc import Callable, Sequence

from framework import access
from framework.access import Identity, Scope
from framework.events import call
from framework.people import seals
from framework.people.identities import identify
from framework.ports.identity import Person, Sealed
from framework.service.service import Service
from prevs.records import TokenRecord
from prevs.roles import TOKEN_PREFIX


class ServiceTokens:
    """The tokens as the HTTP API sees them. Thread safe; see framework.ports.Tokens.

    `operator` is the operator's token, `proxies` are the proxies' tokens; `new_secret` returns 256
    new random bits as text. `provider` names where people sign in; what they have of another one
    does not count. `now` is in seconds since the epoch. Raises ValueError without an operator's
    token.
    """

    def __init__(
        self,
        service: Service,
        operator: str,
        new_secret: Callable[[], str],
        *,
        proxies: Sequence[str] = (),
        provider: str = "",
        now: Callable[[], float] = time.time,
    ) -> None:
        if not operator:
            raise ValueError("the API needs a token")
        self._service = service
        self._fixed = access.digest_fixed(operator, proxies)
        self._new_secret = new_secret
        self._key = seals.derive_key(operator, provider)
        self._now = now

    def authenticate(self, token: str) -> Identity | None:
        """Return the identity of a token; None for a text that is no token of ours."""
        if token.startswith(TOKEN_PREFIX):
            sealed = self.unseal_person(seals.TOKEN, token.removeprefix(TOKEN_PREFIX))
            return self.identify(sealed.person) if sealed else None
        return access.find(token, self._fixed, self._service.snapshot.tokens.values())

    def identify(self, person: Person) -> Identity:
        """Return who a person is, and what their roles let them do now."""
        return identify(self._service.snapshot.roles.values(), person)

    def seal_person(self, purpose: str, person: Person, until: float) -> str:
        """Return a text that proves who has signed in."""
        fitting = seals.fit(person, self._service.snapshot.roles.values())
        return seals.seal(self._key, purpose, fitting, until)

    def unseal_person(self, purpose: str, text: str) -> Sealed | None:
        """Return who has signed in; None for a text that does not count, or no more."""
        return seals.unseal(self._key, purpose, text, self._now())

    def tokens(self) -> Sequence[TokenRecord]:
        """Return every stored token, by name."""
        return sorted(self._service.snapshot.tokens.values(), key=lambda token: token.name)

    def add_token(self, name: str, scope: Scope, app: str = "") -> tuple[TokenRecord, str]:
        """Make a token and store its record; return both."""
        token = access.form_token(scope, self._new_secret())
        record = TokenRecord(name, access.digest(token), scope.value, app=app)
        added = call(self._service.inbox.put, lambda: self._service.commands.add_token(record))
        return added, token

    def remove_token(self, name: str) -> None:
        """Remove a token, which is refused from then on."""
        call(self._service.inbox.put, lambda: self._service.commands.remove_token(name))
