"""The errors of a driver, as one family, with the fields that a decision needs.

DriverError
├── NotConnected       there is no subscription now: nothing was sent
├── CallFailed         a call was refused, or its outcome is unknown
├── FailedOver         another scheduler has subscribed with this framework's id
├── FrameworkRemoved   the framework was torn down, or was away for too long
├── Rejected           Mesos ended the subscription for another reason
├── Unauthorized       the master refuses our credentials, and always has
├── Refused            the agent refuses SUBSCRIBE, and will refuse the next one too
├── AgentLost          no agent came back within the recovery timeout
└── ThreadDied         a defect of the driver: its thread has ended
"""

from __future__ import annotations


class DriverError(Exception):
    """A problem between this program and Mesos; str() is a sentence for people."""


class NotConnected(DriverError):
    """There is no subscription, so nothing was sent; `why` is the problem of the link."""

    def __init__(self, why: str) -> None:
        super().__init__(f"Not subscribed with Mesos, so nothing was sent: {why}")
        self.why = why


class CallFailed(DriverError):
    """A call was sent, and the response was not a 2xx, or did not come.

    `status` is the HTTP status, None without a response. With `outcome_unknown` Mesos may have
    executed the call: then do not send an ACCEPT again, but reconcile.
    """

    def __init__(self, call: str, why: str, *, status: int | None, outcome_unknown: bool) -> None:
        fate = "Mesos may have executed it" if outcome_unknown else "Mesos has not executed it"
        super().__init__(f"{call} failed, {fate}: {why}")
        self.call = call
        self.status = status
        self.outcome_unknown = outcome_unknown


class FailedOver(DriverError):
    """Another scheduler has subscribed with this framework's id, and leads now."""


class FrameworkRemoved(DriverError):
    """Mesos has removed the framework, and never accepts its id again."""


class Rejected(DriverError):
    """Mesos ended the subscription with an ERROR event; str() has the reason."""


class Unauthorized(DriverError):
    """The master answers SUBSCRIBE with 401 or 403, its `status`."""

    def __init__(self, why: str, status: int) -> None:
        super().__init__(f"Mesos rejects this framework's credentials: {why}")
        self.status = status


class Refused(DriverError):
    """The agent refuses this executor; another try would not help."""

    def __init__(self, why: str, status: int) -> None:
        super().__init__(f"The agent refuses this executor: {why}")
        self.status = status


class AgentLost(DriverError):
    """No agent came back within `seconds`, which is as long as an executor may wait."""

    def __init__(self, why: str, seconds: float) -> None:
        super().__init__(f"No agent has answered for {seconds:g} s: {why}")
        self.seconds = seconds


class ThreadDied(DriverError):
    """An exception, which is the cause, has ended the driver's thread. Always a defect."""


def read_error_event(message: str) -> DriverError:
    """Return the error for the message of an ERROR event. The texts are Mesos's own."""
    if "failed over" in message:
        return FailedOver(f"Mesos says: {message}")
    if "removed" in message:
        return FrameworkRemoved(f"Mesos says: {message}")
    return Rejected(f"Mesos says: {message}")
