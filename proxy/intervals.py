"""How often the program does what it repeats. A test may pass shorter intervals."""

from typing import NamedTuple


class Intervals(NamedTuple):
    """All in seconds.

    The proxy reads HAProxy's counters every `usage`. It sends an empty usage report after
    `silence` without a report. It reads all placements again, and checks that its own record is
    still there, every `reread`.
    """

    usage: float = 2.0
    silence: float = 4.0
    reread: float = 30.0


USUAL = Intervals()
