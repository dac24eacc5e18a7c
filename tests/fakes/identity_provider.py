"""framework.ports.identity.IdentityProvider without HTTP.

tests/contract/test_identity_fake.py holds it against the real one.
"""

import itertools
from urllib.parse import parse_qs, urlencode, urlsplit

from framework.ports.identity import Person, SignInAttempt
from framework.ports.identity_errors import SignInRefused


class FakeProvider:
    """A provider at which everybody may sign in. `error`, if set, is raised instead."""

    def __init__(self, title: str = "Fake") -> None:
        self.title = title
        self.error: Exception | None = None
        self.begun: dict[str, SignInAttempt] = {}
        self.codes: dict[str, tuple[SignInAttempt, Person]] = {}
        self._numbers = itertools.count()

    def begin(self, attempt: SignInAttempt) -> str:
        """Return an address with what a provider may know."""
        if self.error:
            raise self.error
        self.begun[attempt.state] = attempt
        query = {"state": attempt.state, "redirect_uri": attempt.redirect}
        return f"https://sso.example/authorize?{urlencode(query)}"

    def sign_in(self, address: str, person: Person) -> str:
        """Return the code with which somebody comes back from an address of `begin`."""
        (state,) = parse_qs(urlsplit(address).query)["state"]
        code = f"code-{next(self._numbers)}"
        self.codes[code] = (self.begun[state], person)
        return code

    def finish(self, attempt: SignInAttempt, code: str) -> Person:
        """Return the person of a code; it counts once, and for its own attempt."""
        if self.error:
            raise self.error
        found, person = self.codes.pop(code, (None, None))
        if person is None or found != attempt:
            raise SignInRefused("The provider does not know the code.")
        return person
