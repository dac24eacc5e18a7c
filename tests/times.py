"""Times that tests would sit through: short here, and the product's own where somebody asks.

`PREVS_TEST_TIMES=real` gives every test the product's own. Without it each time has one test that
is there twice: with the short one, and at night with the real one.
"""

import os
from typing import Any

import pytest

REAL = os.environ.get("PREVS_TEST_TIMES") == "real"


def choose(short: Any, real: Any) -> Any:
    """Return `short`, or `real` where all times are to be real."""
    return real if REAL else short


def both(short: Any, real: Any) -> list[Any]:
    """Return both as parameters of a test: the real one is for the night, unless all are real."""
    if REAL:
        return [pytest.param(real, id="real")]
    return [pytest.param(short, id="short"), pytest.param(real, id="real", marks=pytest.mark.night)]


PATIENCE = choose(6, 15)
"""Seconds that a Mesos agent which restarts waits for its executors."""

LONGEST_SESSION = choose(5.0, 60.0)
"""The longest session that a ZooKeeper for this grants: not too short for a machine that is busy,
and shorter than a framework asks for (6 s) and a proxy (10 s)."""
