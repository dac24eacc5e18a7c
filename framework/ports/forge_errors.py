"""Why a forge gave no answer that can be used. No text contains a token or a request's id."""

from framework.errors import FrameworkError


class ForgeError(FrameworkError):
    """A call of a forge that failed. `api` is the address of its API.

    Callers of prevs's API get none of these: a check has them as findings.
    """

    def __init__(self, api: str, sentence: str) -> None:
        super().__init__(sentence)
        self.api = api


class ForgeUnreachable(ForgeError):
    """There is no usable answer; `why` is the end of a sentence that begins with the forge."""

    def __init__(self, api: str, why: str) -> None:
        super().__init__(api, f"The forge at {api} {why}.")
        self.why = why


class ForgeRefused(ForgeError):
    """The credential is not accepted, or may not do this.

    `status` is the HTTP status. `why` is a sentence, and `advice` is the next step as another one.
    """

    def __init__(self, api: str, status: int, why: str, advice: str) -> None:
        super().__init__(api, f"{why} {advice}")
        self.status, self.why, self.advice = status, why, advice


class ForgeBusy(ForgeError):
    """The forge limits the rate of calls: the next one may be made in `seconds`."""

    def __init__(self, api: str, seconds: float) -> None:
        super().__init__(
            api,
            f"The forge at {api} limits the rate of calls. prevs asks again in {seconds:.0f} s.",
        )
        self.seconds = seconds
