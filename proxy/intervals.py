"""The times that the program itself sets, in one place: a test that has less brings its own."""

from typing import NamedTuple


class Intervals(NamedTuple):
    """Seconds. Use is read every `read`; after `silence` without anything to tell, that is told.

    All placements are read anew every `anew`, and the proxy's record is looked for.
    """

    read: float = 2.0
    silence: float = 4.0
    anew: float = 30.0


USUAL = Intervals()
