"""A try to sign in, as a browser makes it."""

from framework.people.attempts import new_attempt
from framework.ports.identity import SignInAttempt

BACK = "https://prevs.example.org/sign-in/callback"


def attempt(number: int = 1) -> SignInAttempt:
    """Return a try of which every secret is another for another number."""
    texts = iter("abc")
    return new_attempt(BACK, lambda: f"{number}{next(texts)}".ljust(43, "0"))
