"""How long a fault lasts: measured by the tests, collected by bench/faults.py."""

import time


class Recovery:
    """A stopwatch that writes lines to `results`."""

    def __init__(self, results: list[str]) -> None:
        self._results = results
        self._began = time.monotonic()

    def begin(self) -> None:
        """The fault happens now."""
        self._began = time.monotonic()

    def end(self, fault: str) -> None:
        """It has healed now."""
        self._results.append(f"recovery {fault}: {time.monotonic() - self._began:.2f} s")
