"""What a driver can tell its owner, as one family; each carries the fields that a decision needs.

DriverError
├── NotConnected       there is no subscription now: nothing was sent
├── CallFailed         a call was refused, or nobody knows what became of it
├── FailedOver         another scheduler has subscribed with this framework's id
├── FrameworkRemoved   the framework was torn down, or was away for too long
├── Rejected           Mesos ended the subscription for another reason
├── Unauthorized       the master does not take our credentials, and never did
├── Refused            the agent answers SUBSCRIBE with a no that stays
├── AgentLost          no agent to subscribe with for as long as an executor may wait
└── ThreadDied         a defect of the driver: its thread has ended
"""

from __future__ import annotations


class DriverError(Exception):
    """A problem between us and Mesos; str() is a sentence for people."""


class NotConnected(DriverError):
    """There is no subscription, so nothing was sent; `why` is what is known about the link."""

    def __init__(self, why: str) -> None:
        super().__init__(f"Not subscribed with Mesos, nothing was sent: {why}")
        self.why = why


class CallFailed(DriverError):
    """A call was sent and not answered by a 2xx.

    `status` is the HTTP status, None without an answer. With `outcome_unknown` Mesos may have
    done what was asked; an ACCEPT must then not be sent again: reconcile.
    """

    def __init__(self, call: str, why: str, *, status: int | None, outcome_unknown: bool) -> None:
        fate = "nobody knows whether it was done" if outcome_unknown else "it was not done"
        super().__init__(f"{call} failed, {fate}: {why}")
        self.call = call
        self.status = status
        self.outcome_unknown = outcome_unknown


class FailedOver(DriverError):
    """Another scheduler has subscribed with this framework's id; it is the one that leads now."""


class FrameworkRemoved(DriverError):
    """Mesos has removed the framework; its id will not be taken again."""


class Rejected(DriverError):
    """Mesos ended the subscription with an ERROR event, for a reason that is its str()."""


class Unauthorized(DriverError):
    """The master answers SUBSCRIBE with 401 or 403, its `status`."""

    def __init__(self, why: str, status: int) -> None:
        super().__init__(f"Mesos does not take this framework's credentials: {why}")
        self.status = status


class Refused(DriverError):
    """The agent does not take this executor (any more); asking again would not help."""

    def __init__(self, why: str, status: int) -> None:
        super().__init__(f"The agent refuses this executor: {why}")
        self.status = status


class AgentLost(DriverError):
    """There was no agent to subscribe with for `seconds`, as long as an executor may wait."""

    def __init__(self, why: str, seconds: float) -> None:
        super().__init__(f"No agent for {seconds:g} s: {why}")
        self.seconds = seconds


class ThreadDied(DriverError):
    """The driver's thread has ended by an exception, which is its cause. Always a defect."""


def read_error_event(message: str) -> DriverError:
    """Return what an ERROR event of the master means. The texts are those of Mesos's master."""
    if "failed over" in message:
        return FailedOver(f"Mesos says: {message}")
    if "removed" in message:
        return FrameworkRemoved(f"Mesos says: {message}")
    return Rejected(f"Mesos says: {message}")
