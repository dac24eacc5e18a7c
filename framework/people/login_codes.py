"""Codes with which a command line gets a token for the person who has agreed in a browser.

A code counts once, for two minutes, and only with the verifier whose challenge came with the
question: whoever sees the code alone can do nothing with it (as PKCE, RFC 7636).
"""

import hmac
from collections.abc import Callable
from typing import NamedTuple

from framework.people.attempts import make_challenge
from framework.ports.identity import Person

LIFE_S = 120
_MOST = 1000
_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""No letter or digit here looks like another."""
_LENGTH = 12


class Agreed(NamedTuple):
    """A person who has agreed, and until when the token for them is to count."""

    person: Person
    until: float


class LoginCodes:
    """The codes of one leader; after a change of leader, people begin again. One thread's.

    `now` gives seconds; `choose` returns a random one of some letters.
    """

    def __init__(self, now: Callable[[], float], choose: Callable[[str], str]) -> None:
        self._now = now
        self._choose = choose
        self._known: dict[str, tuple[Agreed, str, float]] = {}

    def add(self, agreed: Agreed, challenge: str) -> str:
        """Return a new code; of very many, the oldest is dropped."""
        self._drop_ended()
        if len(self._known) >= _MOST:
            del self._known[next(iter(self._known))]
        code = "".join(self._choose(_LETTERS) for _ in range(_LENGTH))
        self._known[code] = (agreed, challenge, self._now() + LIFE_S)
        return "-".join(code[at : at + 4] for at in range(0, _LENGTH, 4))

    def take(self, code: str, verifier: str) -> Agreed | None:
        """Return who has agreed, and forget the code; None for a wrong one."""
        self._drop_ended()
        plain = "".join(letter for letter in code.upper() if letter in _LETTERS)
        agreed, challenge, _ = self._known.pop(plain, (None, "", 0.0))
        given = make_challenge(verifier)
        return agreed if hmac.compare_digest(given, challenge) else None

    def _drop_ended(self) -> None:
        now = self._now()
        self._known = {code: one for code, one in self._known.items() if one[2] > now}
