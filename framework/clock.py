"""Time, as an argument."""

import time
from collections.abc import Callable
from typing import NamedTuple


class Clock(NamedTuple):
    """`now` stamps records (seconds since the epoch), `monotonic` measures waiting."""

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
