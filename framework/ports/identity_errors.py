"""Why nobody could be signed in. No text contains a secret, a code or a token."""

from framework.errors import FrameworkError


class SignInRefused(FrameworkError):
    """This try to sign in has failed; `why` is a sentence, `advice` the next step as another."""

    def __init__(self, why: str, advice: str = "Sign in again.") -> None:
        super().__init__(f"{why} {advice}")
        self.why, self.advice = why, advice


class ProviderUnreachable(FrameworkError):
    """The provider gives no usable answer; `why` ends a sentence that begins with its address."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(
            f"The identity provider at {address} {why}. Whoever has signed in already goes on, and "
            "tokens do. Try again in a minute; if it stays so, an operator has to look at it."
        )
        self.address, self.why = address, why
