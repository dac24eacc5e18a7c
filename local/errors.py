"""Why a local cluster fails, with the next step."""


class LocalError(Exception):
    """A step that failed. `why` may be several lines; `advice` is the next step."""

    def __init__(self, step: str, why: str, advice: str = "") -> None:
        super().__init__(f"{step}: {why}" + (f"\n{advice}" if advice else ""))
        self.step = step
        self.why = why
        self.advice = advice
