"""pymesos's scheduler driver, with its calls and events, without its defects."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import logging
import ssl
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Optional, Protocol

from driver import library
from driver.connection import LinkOver
from driver.errors import (
    CallFailed,
    DriverError,
    NotConnected,
    ThreadDied,
    Unauthorized,
    read_error_event,
)
from driver.kept_connection import KeptConnection
from driver.link import Link
from driver.pace import Pace

logger = logging.getLogger(__name__)

_SILENT_INTERVALS = 5
_HEARTBEAT_SECONDS = 15.0
_NANOSECONDS = 1_000_000_000
_ACKNOWLEDGED = ("agent_id", "task_id", "uuid")

PACE = Pace(first_delay=0.5, longest_delay=15.0, answer_limit=10.0)


@dataclasses.dataclass(frozen=True)
class Credential:
    """What a framework authenticates with; FrameworkInfo.principal must be the same principal."""

    principal: str
    secret: str = dataclasses.field(repr=False)


class SchedulerEvents(Protocol):
    """Callbacks of a scheduler, on the driver's thread: they must only enqueue.

    All dicts are plain, in the shapes of the v1 scheduler API. An exception is logged, and the
    event is lost (but a status update comes again, as it was not acknowledged).
    """

    def subscribed(self, framework_id: str) -> None:
        """A subscription has begun: the first one, or one after a lost link."""

    def disconnected(self) -> None:
        """The subscription is lost, and its offers are void. The driver subscribes again."""

    def offered(self, offers: list[dict[str, Any]]) -> None:
        """Offers have come, at least one."""

    def rescinded(self, offer_id: str) -> None:
        """An offer is void. This may come before the offer was used."""

    def inverse_offered(self, offers: list[dict[str, Any]]) -> None:
        """Inverse offers have come, at least one: agents will be away.

        After it was accepted, each one comes again when its refuse_seconds have passed.
        """

    def inverse_rescinded(self, offer_id: str) -> None:
        """An inverse offer is void."""

    def updated(self, status: dict[str, Any]) -> None:
        """A TaskStatus has come. If it has a uuid, it comes again until it is acknowledged."""

    def agent_failed(
        self, agent_id: str | None, executor_id: str | None, status: int | None
    ) -> None:
        """An agent or an executor is gone. This is only a hint, and any part of it may be None."""

    def aborted(self, error: DriverError) -> None:
        """The driver has stopped for good: FailedOver, FrameworkRemoved, Rejected, Unauthorized or
        ThreadDied. No callback follows. All tasks go on.
        """


class SchedulerLink(Link, library.MesosSchedulerDriver):
    """pymesos's scheduler driver on a link that lasts. See driver.scheduler for the contract."""

    def __init__(
        self,
        events: SchedulerEvents,
        framework: Mapping[str, Any],
        *,
        credential: Credential | None,
        http_timeout: float,
        suppressed_roles: Sequence[str],
        pace: Pace,
        tls: Optional[ssl.SSLContext] = None,
    ) -> None:
        library.MesosSchedulerDriver.__init__(
            self,
            # Its callbacks, all no-ops, for the events that we have no use for.
            library.Scheduler(),
            # A copy, as pymesos notes the id in it.
            copy.deepcopy(dict(framework)),
            "",
            implicit_acknowledgements=False,
            principal=credential.principal if credential else None,
            secret=credential.secret if credential else None,
        )
        self._begin(path="/api/v1/scheduler", pace=pace, http_timeout=http_timeout, tls=tls)
        self._kept = KeptConnection(http_timeout, tls)
        self._events = events
        self._suppressed = tuple(suppressed_roles)
        self._leaving = False
        self._was_taken = False

    @property
    def framework(self) -> dict[str, Any]:
        """The FrameworkInfo exactly as its owner gave it, with the id once there is one."""
        return self._framework

    @property
    def connected(self) -> bool:
        """True. Raises NotConnected when pymesos would return False.

        pymesos's calls check this first, and silently do nothing if it is False.
        """
        if not self.is_subscribed:
            raise NotConnected(self.problem)
        return True

    def authorization(self) -> str | None:
        """Return the credential for HTTP Basic."""
        return self._basic_credential

    def subscription(self) -> dict[str, Any]:
        """Return a SUBSCRIBE that carries the suppressed roles, which Mesos has forgotten."""
        subscribe: dict[str, Any] = {"framework_info": self.framework}
        if self._suppressed:
            subscribe["suppressed_roles"] = list(self._suppressed)
        body: dict[str, Any] = {"type": "SUBSCRIBE", "subscribe": subscribe}
        if "id" in self.framework:
            body["framework_id"] = self.framework["id"]
        return body

    def _send(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a call. If no response comes, give up the subscription.

        A half dead master accepts connections and answers nothing. Each further call would wait as
        long again.
        """
        with self._abandoning():
            return super()._send(body)

    @contextlib.contextmanager
    def _abandoning(self) -> Iterator[None]:
        subscription = self._subscribed_at
        try:
            yield
        except (NotConnected, CallFailed) as error:
            if subscription is not None and getattr(error, "status", None) is None:
                self.abandon(subscription, str(error))
            raise

    def acknowledge_all(self, statuses: Sequence[Mapping[str, Any]]) -> None:
        """Send an ACKNOWLEDGE for each status: one that is lost is only sent again by its agent."""
        header = self._header("ACKNOWLEDGE")
        bodies = [
            {**header, "acknowledge": {name: status[name] for name in _ACKNOWLEDGED}}
            for status in statuses
        ]
        with self._abandoning():
            self._kept.post_all(self._place(), bodies)

    def stop(self) -> None:
        """End the link, as Link does."""
        super().stop()
        self._kept.close()

    def accept_inverse(self, offer_ids: Sequence[str], *, refuse_seconds: float) -> None:
        """Send ACCEPT_INVERSE_OFFERS; pymesos's own method fails before the first link."""
        accept = {
            "inverse_offer_ids": [{"value": offer_id} for offer_id in offer_ids],
            "filters": {"refuse_seconds": refuse_seconds},
        }
        self._send({**self._header("ACCEPT_INVERSE_OFFERS"), "accept_inverse_offers": accept})

    def suppress(self, roles: Sequence[str] = ()) -> None:
        """Send SUPPRESS, and suppress offers after each later subscription too."""
        known = self.framework.get("roles") or [self.framework.get("role", "*")]
        quiet = {*self._suppressed, *(roles or known)}
        self._suppressed = tuple(role for role in known if role in quiet)
        self.suppressOffers(roles)

    def revive(self, roles: Sequence[str] = ()) -> None:
        """Send REVIVE, which also drops the filters of declines."""
        self._suppressed = tuple(r for r in self._suppressed if roles and r not in roles)
        self.reviveOffers(roles)

    def kill(self, task_id: str, agent_id: str | None, *, grace_seconds: float | None) -> None:
        """Send KILL with what pymesos leaves out: the agent, and a kill policy."""
        kill: dict[str, Any] = {"task_id": {"value": task_id}}
        if agent_id is not None:
            kill["agent_id"] = {"value": agent_id}
        if grace_seconds is not None:
            nanoseconds = round(grace_seconds * _NANOSECONDS)
            kill["kill_policy"] = {"grace_period": {"nanoseconds": nanoseconds}}
        self._send({**self._header("KILL"), "kill": kill})

    def tell(self, agent_id: str, executor_id: str, data: bytes) -> None:
        """Send MESSAGE; while disconnected, pymesos's own method only says that it did."""
        message = {
            "agent_id": {"value": agent_id},
            "executor_id": {"value": executor_id},
            "data": library.encode_data(data),
        }
        self._send({**self._header("MESSAGE"), "message": message})

    def reconcile(self, tasks: Sequence[tuple[str, str | None]]) -> None:
        """Send RECONCILE with the agents' ids, which pymesos leaves out."""
        queried: list[dict[str, Any]] = []
        for task_id, agent_id in tasks:
            task: dict[str, Any] = {"task_id": {"value": task_id}}
            if agent_id is not None:
                task["agent_id"] = {"value": agent_id}
            queried.append(task)
        self._send({**self._header("RECONCILE"), "reconcile": {"tasks": queried}})

    def teardown(self) -> None:
        """Send TEARDOWN. The master then ends the stream, and that is the end of this."""
        self._leaving = True
        try:
            self._teardown()
        except DriverError:
            self._leaving = False
            raise

    def _header(self, call: str) -> dict[str, Any]:
        return {"type": call, "framework_id": {"value": self.framework_id}}

    def on_subscribed(self, info: dict[str, Any]) -> None:
        """Note the interval of heartbeats, and deliver `subscribed`."""
        heartbeat = float(info.get("heartbeat_interval_seconds") or _HEARTBEAT_SECONDS)
        framework_id = info["framework_id"]
        self._framework["id"] = framework_id
        self._was_taken = True
        self.subscribed(silence_limit=_SILENT_INTERVALS * heartbeat)
        self.deliver(self._events.subscribed, framework_id["value"])

    def on_offers(self, event: dict[str, Any]) -> None:
        """Deliver `offered`."""
        if offers := event.get("offers"):
            self.deliver(self._events.offered, offers)

    def on_rescind(self, event: dict[str, Any]) -> None:
        """Deliver `rescinded`."""
        self.deliver(self._events.rescinded, event["offer_id"]["value"])

    def on_inverse_offers(self, event: dict[str, Any]) -> None:
        """Deliver `inverse_offered`."""
        if offers := event.get("inverse_offers"):
            self.deliver(self._events.inverse_offered, offers)

    def on_rescind_inverse_offer(self, event: dict[str, Any]) -> None:
        """Deliver `inverse_rescinded`."""
        self.deliver(self._events.inverse_rescinded, event["inverse_offer_id"]["value"])

    def on_update(self, event: dict[str, Any]) -> None:
        """Deliver `updated`. The owner acknowledges the status once it has stored it."""
        self.deliver(self._events.updated, event["status"])

    def on_failure(self, failure: dict[str, Any]) -> None:
        """Deliver `agent_failed` with the parts that are there; pymesos needs all of them."""
        agent_id = failure.get("agent_id", {}).get("value")
        executor_id = failure.get("executor_id", {}).get("value")
        self.deliver(self._events.agent_failed, agent_id, executor_id, failure.get("status"))

    def on_heartbeat(self) -> None:
        """Do nothing: the link has noted already that bytes came."""

    def on_error(self, event: dict[str, Any]) -> None:
        """Stop for good; pymesos would subscribe again, against the scheduler that took over."""
        self._abort(read_error_event(str(event.get("message", ""))))

    def lost(self, over: LinkOver, *, was_subscribed: bool) -> None:
        """Deliver `disconnected` for a lost subscription, but not for a failed try."""
        if self._leaving:
            self.stop()
            return
        if over.status in (401, 403):
            error = Unauthorized(over.reason, over.status)
            # If they were right once, they will be right again once the masters know them.
            if not self._was_taken:
                self._abort(error)
                return
            logger.error("%s", error)
        if was_subscribed:
            self.deliver(self._events.disconnected)

    def _abort(self, error: DriverError) -> None:
        logger.error("%s", error)
        self.stop()
        self.problem = str(error)
        self.deliver(self._events.aborted, error)

    def died(self, error: ThreadDied) -> None:
        """Deliver `aborted`: the driver has ended by a defect."""
        self._events.aborted(error)
