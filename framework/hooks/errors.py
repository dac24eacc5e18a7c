"""Why a delivery is not taken."""

from framework.errors import FrameworkError


class HookRefused(FrameworkError):
    """No secret of the app has signed the delivery. It does not reveal whether the app exists."""

    def __init__(self) -> None:
        super().__init__(
            "There is no such app, it has no webhook secret, or this delivery does not prove one "
            "of its secrets. `prevs forge hook APP` enters it at the forge, or shows what to enter."
        )


class TooManyHooks(FrameworkError):
    """An app's forge sends authentic deliveries too fast."""

    def __init__(self, app: str, rate: int) -> None:
        super().__init__(
            f"{app!r} gets more than {rate} webhooks a second. Its repository is read all the "
            "same: nothing is lost."
        )
        self.app = app
