"""What the calls about notifications need."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from framework.apps.receivers import Receiver


class LastTry(NamedTuple):
    """The last try to send something to a receiver, at `at` (epoch seconds).

    `status` is that of the receiver's answer, None without one. `problem` is a sentence without
    secrets, "" if it was taken.
    """

    at: float
    status: int | None
    problem: str


class CallbackTry(NamedTuple):
    """The last try to tell of the end of a job, and when the `next` comes (epoch seconds).

    It comes later if the receiver takes nothing else meanwhile.
    """

    last: LastTry
    next: float


class Standing(NamedTuple):
    """How a receiver does since this framework leads: events that wait, and dropped ones."""

    last: LastTry | None = None
    waiting: int = 0
    dropped: int = 0


class NotificationPorts(NamedTuple):
    """What the calls about notifications need. All are thread safe, and only `test` blocks.

    `hosts` are those that the operator allows. `standing` returns that of an app's receivers, by
    name. `test` sends a test to a receiver of an app, and returns after some seconds at most.
    `last_try` returns the last try to tell of the end of a job, by its app and id, if it is tried
    again. `random` returns so many random bytes.
    """

    hosts: Sequence[str]
    standing: Callable[[str], Mapping[str, Standing]]
    test: Callable[[str, Receiver], LastTry]
    last_try: Callable[[str, str], CallbackTry | None]
    random: Callable[[int], bytes]
