"""Times that tests wait for: by default short ones instead of the product's real ones.

With `PREVS_TEST_TIMES=real` all tests use the real times. Without it, one test for each time runs
twice: with the short time, and at night with the real one.
"""

import os
from typing import Any

import pytest

REAL = os.environ.get("PREVS_TEST_TIMES") == "real"


def choose(short: Any, real: Any) -> Any:
    """Return `short`, or `real` if all times are to be real."""
    return real if REAL else short


def both(short: Any, real: Any) -> list[Any]:
    """Return both as parameters of a test; the real one runs at night, or alone if all are real."""
    if REAL:
        return [pytest.param(real, id="real")]
    return [pytest.param(short, id="short"), pytest.param(real, id="real", marks=pytest.mark.night)]


PATIENCE = choose(6, 15)
"""Seconds that a restarted Mesos agent waits for its executors."""

LONGEST_SESSION = choose(5.0, 60.0)
"""The longest session that ZooKeeper grants in such tests: long enough for a busy machine, and
shorter than the sessions of a framework (6 s) and a proxy (10 s)."""
