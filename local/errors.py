"""Why a local cluster cannot do what it was asked, with what to do about it."""


class LocalError(Exception):
    """A step that failed. `why` may be several lines; `advice` says what the person can do."""

    def __init__(self, step: str, why: str, advice: str = "") -> None:
        super().__init__(f"{step}: {why}" + (f"\n{advice}" if advice else ""))
        self.step = step
        self.why = why
        self.advice = advice
