"""How much of everything there may be, for the whole system. Apps have limits of their own."""

from typing import NamedTuple


class Limits(NamedTuple):
    """Bounds that an operator sets. Times are in seconds.

    `previews` may have a task at a time; `starts_per_agent` and `starts_per_app` of them may be
    on the way from placed to running. A request that was open when its preview lost its placement
    may go on for `drain`; the preview of a branch that is gone goes after `vanished`.
    """

    previews: int = 1000
    starts_per_agent: int = 4
    starts_per_app: int = 8
    drain: float = 30.0
    vanished: float = 3600.0
