"""The pauses and limits of a link. All times are in seconds."""

from typing import NamedTuple


class Pace(NamedTuple):
    """The pauses and limits of a link.

    After a lost link the next try comes after about `first_delay`, which doubles with each failure
    up to `longest_delay`. A connect may take `answer_limit`, and so may the response to SUBSCRIBE.
    The master's heartbeats, not this class, decide how long a subscription may be silent.
    """

    first_delay: float
    longest_delay: float
    answer_limit: float


def retry_delay(pace: Pace, failures: int, chance: float) -> float:
    """Return how long to wait after `failures` failures in a row; `chance` is in 0..1.

    Half of the delay is random, so that all who lost the same master don't return at once.
    """
    if failures == 0:
        return 0.0
    # The exponent is bounded only to keep floats finite: the delay is bounded long before.
    whole = min(pace.longest_delay, pace.first_delay * 2.0 ** min(failures - 1, 30))
    return whole * (0.5 + 0.5 * chance)
