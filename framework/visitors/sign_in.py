"""How a visitor signs in: at the identity provider, or at a proxy in front of prevs."""

from collections.abc import Callable, Collection
from typing import NamedTuple

from framework.people import attempts, seals
from framework.people.attempts import Pending
from framework.people.roles import is_name
from framework.ports.identity import IdentityProvider, Person
from framework.visitors.errors import NobodyNamed, NoProvider, SignInEnded, SignInNeeded
from prevs.roles import RoleRecord

LIFE_S = 8 * 3600
"""How long somebody is known after a sign-in."""


class Begun(NamedTuple):
    """A sign-in at the provider's `address`; `attempt` is signed, and `state` comes back."""

    address: str
    state: str
    attempt: str


class Terms(NamedTuple):
    """Where and how visitors sign in.

    `key` is a key of seals.derive_key for visitors alone, as a session of theirs is none of the
    dashboard. `redirect` is our address to which the provider sends people back. With
    `trusts_proxy`, a proxy in front names people, and not the provider. `now` gives seconds since
    the epoch, `new_secret` another random text each time (attempts.new_attempt).
    """

    key: str
    redirect: str
    trusts_proxy: bool
    now: Callable[[], float]
    new_secret: Callable[[], str]


class VisitorSignIn:
    """Signs visitors in. Thread safe; `begin` and `finish` block as the provider does."""

    def __init__(self, provider: IdentityProvider | None, terms: Terms) -> None:
        self._provider = provider
        self._terms = terms

    def begin(self) -> Begun:
        """Return where a visitor signs in. Raises NoProvider, NobodyNamed, ProviderUnreachable."""
        provider, terms = self._find_provider(), self._terms
        attempt = attempts.new_attempt(terms.redirect, terms.new_secret)
        pending = Pending(attempt, "", terms.now() + attempts.LIFE_S)
        address = provider.begin(attempt)
        return Begun(address, attempt.state, attempts.seal(terms.key, pending))

    def finish(self, sealed: str, state: str, code: str) -> Person:
        """Return who has signed in; `state` and `code` are what the provider sent back.

        Raises SignInEnded, SignInRefused, and as `begin`.
        """
        provider, terms = self._find_provider(), self._terms
        pending = attempts.unseal(terms.key, sealed, state, terms.now())
        if pending is None:
            raise SignInEnded
        return provider.finish(pending.attempt, code)

    def write_session(self, person: Person, roles: Collection[RoleRecord]) -> str:
        """Return the text by which somebody is known later.

        If not all of their groups fit into a cookie, those with a role come first.
        """
        until = self._terms.now() + LIFE_S
        return seals.seal(self._terms.key, seals.SESSION, seals.fit(person, roles), until)

    def identify(self, session: str, signed_in: Person) -> Person:
        """Return who a visitor is; `signed_in` is what a proxy in front says."""
        if self._terms.trusts_proxy:
            found = signed_in if is_name(signed_in.login) else None
        else:
            sealed = seals.unseal(self._terms.key, seals.SESSION, session, self._terms.now())
            found = sealed.person if sealed else None
        if found is None:
            raise SignInNeeded
        return found

    def _find_provider(self) -> IdentityProvider:
        if self._terms.trusts_proxy:
            raise NobodyNamed
        if self._provider is None:
            raise NoProvider
        return self._provider
