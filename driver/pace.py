"""How long a link waits for what. All times are in seconds."""

from typing import NamedTuple


class Pace(NamedTuple):
    """The intervals of a link.

    After a link is lost the next is tried after about `first_delay`, doubled with every failure
    up to `longest_delay`. A connect may take `answer_limit`, and so may the answer to SUBSCRIBE;
    how long a subscription may be silent is said by who is subscribed with.
    """

    first_delay: float
    longest_delay: float
    answer_limit: float


def retry_delay(pace: Pace, failures: int, chance: float) -> float:
    """Return how long to wait after `failures` failures in a row; `chance` is in 0..1.

    Half of the delay is chance, so that those who lost the same master don't return at once.
    """
    if failures == 0:
        return 0.0
    # The exponent is bounded for the sake of floats; the delay is bounded long before.
    whole = min(pace.longest_delay, pace.first_delay * 2.0 ** min(failures - 1, 30))
    return whole * (0.5 + 0.5 * chance)
