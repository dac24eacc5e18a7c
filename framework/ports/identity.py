"""What the framework needs from an identity provider: a host where people sign in."""

from typing import NamedTuple, Protocol


class Person(NamedTuple):
    """Somebody who has signed in, as their provider describes them.

    `id` is what the provider never gives to anybody else ("583231", a subject of OpenID Connect).
    `login` is what people call them ("ada", an email address if there is no other name). `groups`
    are the names of the groups, organizations or teams that they are in.
    """

    id: str
    login: str
    groups: frozenset[str] = frozenset()


class Sealed(NamedTuple):
    """Whom a text of ours is about who has signed in, and until when it counts."""

    person: Person
    until: float


class SignInAttempt(NamedTuple):
    """One try to sign in. All but `redirect` are random; the browser that began it keeps them.

    `redirect` is our address to which the provider sends the browser back. `state` comes back with
    it, `nonce` in the id token, and `verifier` proves that the same side ends it (PKCE, RFC 7636).
    """

    redirect: str
    state: str
    nonce: str
    verifier: str


class IdentityProvider(Protocol):
    """A provider at which people sign in. Thread safe; `begin` and `finish` block.

    `title` is its name for people ("GitHub", or the host of an OpenID Connect issuer).
    """

    title: str

    def begin(self, attempt: SignInAttempt) -> str:
        """Return the provider's address to send the browser to. Raises ProviderUnreachable."""
        ...

    def finish(self, attempt: SignInAttempt, code: str) -> Person:
        """Return who has signed in; `code` is what the provider sent back.

        Raises SignInRefused, or ProviderUnreachable.
        """
        ...
