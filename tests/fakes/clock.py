"""A clock that stands still until a test moves it."""

from framework.clock import Clock


class FakeClock:
    """Both of a Clock's times, from one value in seconds."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.seconds = now
        self.clock = Clock(now=self.read, monotonic=self.read)

    def read(self) -> float:
        return self.seconds

    def pass_seconds(self, seconds: float) -> None:
        self.seconds += seconds
