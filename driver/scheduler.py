"""The scheduler driver for frameworks. It never ends a task by accident."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from driver.detector import SCHEME, Detector
from driver.pace import Pace
from driver.scheduler_link import PACE, Credential, SchedulerEvents, SchedulerLink

__all__ = ["Credential", "SchedulerDriver", "SchedulerEvents"]

_MASTER_PORT = 5050


class SchedulerDriver:
    """A subscription with the leading master, kept up until `stop`.

    `master` is host:port, or zk://[user:password@]host:port,.../path. `framework` is the
    FrameworkInfo. It is sent as it is, so it must have a failover_timeout (else ValueError), and
    after a restart its id. Acknowledgements are explicit. With `tls` (driver.tls) the connection
    uses TLS, and the master's certificate must have the name or address that leads to it.

    Thread safe. Every call blocks for about `http_timeout` seconds at most. It raises
    NotConnected (nothing was sent) or CallFailed (see its outcome_unknown).
    """

    def __init__(
        self,
        events: SchedulerEvents,
        framework: Mapping[str, Any],
        master: str,
        *,
        credential: Credential | None = None,
        http_timeout: float = 10.0,
        suppressed_roles: Sequence[str] = (),
        pace: Pace = PACE,
        tls: Optional[ssl.SSLContext] = None,
    ) -> None:
        if "failover_timeout" not in framework:
            raise ValueError("FrameworkInfo must have a failover_timeout: the default is 0 s")
        self._link = SchedulerLink(
            events,
            framework,
            credential=credential,
            http_timeout=http_timeout,
            suppressed_roles=suppressed_roles,
            pace=pace,
            tls=tls,
        )
        self._master = master
        self._detector: Detector | None = None
        if master.startswith(SCHEME):
            self._detector = Detector(master, self._link.appoint)

    @property
    def connected(self) -> bool:
        """Whether the master has confirmed the subscription. Never blocks."""
        return self._link.is_subscribed

    @property
    def problem(self) -> str:
        """Why there is no subscription now, for people; empty while there is one."""
        return self._link.problem

    @property
    def master(self) -> str | None:
        """The current master, host:port; None while none is known."""
        return self._link.master

    @property
    def masters(self) -> tuple[str, ...]:
        """All masters that are known, host:port each. Never blocks."""
        if self._detector is not None:
            return self._detector.masters
        return (self.master,) if self.master else ()

    def start(self) -> None:
        """Start to subscribe. Does not block; can be called once."""
        self._link.start()
        if self._detector is not None:
            self._detector.start()
        elif ":" in self._master:
            self._link.appoint(self._master)
        else:
            self._link.appoint(f"{self._master}:{_MASTER_PORT}")

    def stop(self) -> None:
        """End the subscription, and let all tasks go on; Mesos waits for failover_timeout.

        Blocks for some seconds at most. No event follows, except one that is being delivered.
        """
        if self._detector is not None:
            self._detector.stop()
        self._link.stop()

    def teardown(self) -> None:
        """Remove the framework from Mesos: kills every task, and ends the use of the id."""
        self._link.teardown()
        self.stop()

    def accept(
        self,
        offer_ids: Sequence[str],
        operations: Sequence[Mapping[str, Any]],
        *,
        refuse_seconds: float,
    ) -> None:
        """Accept offers of one agent. Without operations this declines them."""
        filters = {"refuse_seconds": refuse_seconds}
        self._link.acceptOffers(_values(offer_ids), list(operations), filters)

    def accept_inverse(self, offer_ids: Sequence[str], *, refuse_seconds: float) -> None:
        """Agree to leave the agents of inverse offers in time. The offers come again later."""
        self._link.accept_inverse(offer_ids, refuse_seconds=refuse_seconds)

    def decline(self, offer_ids: Sequence[str], *, refuse_seconds: float) -> None:
        """Decline offers."""
        self._link.declineOffer(_values(offer_ids), {"refuse_seconds": refuse_seconds})

    def suppress(self, roles: Sequence[str] = ()) -> None:
        """Stop offers for some roles, or for all if none is named.

        This holds after a lost link too, even if this call fails.
        """
        self._link.suppress(roles)

    def revive(self, roles: Sequence[str] = ()) -> None:
        """Request offers again, and drop the filters of all declines; `roles` as in `suppress`."""
        self._link.revive(roles)

    def kill(self, task_id: str, agent_id: str | None, *, grace_seconds: float | None) -> None:
        """Kill a task. Mesos forgets this if the agent is away: then kill it again."""
        self._link.kill(task_id, agent_id, grace_seconds=grace_seconds)

    def tell(self, agent_id: str, executor_id: str, data: bytes) -> None:
        """Send bytes to an executor. They may be lost, without a word, or come twice."""
        self._link.tell(agent_id, executor_id, data)

    def acknowledge(self, *statuses: Mapping[str, Any]) -> None:
        """Acknowledge statuses, so that agents send the next ones. One without uuid is left out.

        If this raises, some of them may be acknowledged.
        """
        if acknowledged := [status for status in statuses if "uuid" in status]:
            self._link.acknowledge_all(acknowledged)

    def reconcile(self, tasks: Sequence[tuple[str, str | None]]) -> None:
        """Query the states of tasks (task id, agent id); of all known tasks if there are none."""
        self._link.reconcile(tasks)


def _values(ids: Sequence[str]) -> list[dict[str, str]]:
    return [{"value": value} for value in ids]
