"""The limits for the whole installation. Apps have limits of their own."""

from typing import NamedTuple


class Limits(NamedTuple):
    """Limits that an operator sets. Times are in seconds.

    At most `previews` have a task at a time; at most `starts_per_agent` and `starts_per_app` of
    them are between placed and running. Requests that are open when a preview loses its placement
    may continue for `drain` seconds. A preview without a branch or tag is removed after
    `unreferenced` seconds. At most `jobs` have a task at a time, and they take at most the share
    `jobs_share` of an agent's memory.
    """

    previews: int = 1000
    starts_per_agent: int = 4
    starts_per_app: int = 8
    drain: float = 30.0
    unreferenced: float = 3600.0
    jobs: int = 200
    jobs_share: float = 0.5
