"""The scheduler driver: its events go into the inbox, and the service's calls go to it.

The only module of the framework that knows the driver and the JSON of offers.
"""

import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from driver import errors
from driver.errors import CallFailed, DriverError, NotConnected
from driver.scheduler import Credential, SchedulerDriver
from framework import events
from framework.errors import (
    FailedOver,
    Fatal,
    OutcomeUnknown,
    Refused,
    Removed,
    Unauthorized,
    Unavailable,
)
from framework.matching.resources import Offer
from framework.mesos import task_status
from framework.mesos.resources import read_resources, read_revocable
from framework.mesos.task_info import task_info
from framework.ports import InverseOffer
from framework.ports.tasks import Task, TaskStatus

FAILOVER_SECONDS = 4 * 7 * 86400.0
"""How long Mesos keeps the tasks of a framework that is away; its documentation advises weeks."""

INVERSE_SECONDS = 20.0
"""How long Mesos does not repeat an accepted inverse offer.

`framework.scheduling.maintenance` relies on that.
"""

_NANOSECONDS = 1_000_000_000


def framework_info(
    *,
    name: str,
    roles: Sequence[str],
    user: str,
    hostname: str,
    webui_url: str,
    principal: str | None,
    revocable: bool = False,
) -> dict[str, Any]:
    """Return the FrameworkInfo of a first subscription; `MesosCluster` adds a stored id.

    Checkpointing and the user can never change after a framework has registered; its roles can, and
    whether it is offered `revocable` resources.
    """
    info: dict[str, Any] = {
        "user": user,
        "name": name,
        "roles": list(roles),
        "hostname": hostname,
        "webui_url": webui_url,
        "checkpoint": True,
        "failover_timeout": FAILOVER_SECONDS,
        "capabilities": [
            {"type": "PARTITION_AWARE"},
            {"type": "TASK_KILLING_STATE"},
            {"type": "MULTI_ROLE"},
        ],
    }
    if revocable:
        info["capabilities"].append({"type": "REVOCABLE_RESOURCES"})
    if principal:
        info["principal"] = principal
    return info


def read_offer(offer: Mapping[str, Any]) -> Offer:
    """Return an offer, from v1 JSON. Its host is the agent's address if the offer has one."""
    address = offer.get("url", {}).get("address", {})
    return Offer(
        id=offer["id"]["value"],
        agent_id=offer["agent_id"]["value"],
        host=address.get("ip") or offer["hostname"],
        resources=read_resources(offer.get("resources", [])),
        attributes={a["name"]: _text(a) for a in offer.get("attributes", [])},
        unavailable_from=_start(offer),
        role=offer.get("allocation_info", {}).get("role", ""),
        revocable=read_revocable(offer.get("resources", [])),
    )


def read_inverse_offer(offer: Mapping[str, Any]) -> InverseOffer | None:
    """Return an inverse offer, from v1 JSON; None for one without an agent or a time."""
    start = _start(offer)
    if start is None or "agent_id" not in offer:
        return None
    return InverseOffer(offer["id"]["value"], offer["agent_id"]["value"], start)


def _start(offer: Mapping[str, Any]) -> float | None:
    """Return when an agent goes away, in seconds since the epoch."""
    unavailability = offer.get("unavailability")
    if unavailability is None:
        return None
    return float(unavailability["start"]["nanoseconds"]) / _NANOSECONDS


def _text(attribute: Mapping[str, Any]) -> str:
    """Return an attribute's value as written in an agent's --attributes."""
    match attribute["type"]:
        case "SCALAR":
            return f"{attribute['scalar']['value']:g}"
        case "RANGES":
            spans = attribute["ranges"].get("range", [])
            return f"[{','.join('{begin}-{end}'.format(**span) for span in spans)}]"
        case "SET":
            return f"{{{','.join(attribute['set'].get('item', []))}}}"
    return str(attribute["text"]["value"])


class Inbox:
    """driver.scheduler.SchedulerEvents: submits the callbacks as events, on the driver's thread."""

    def __init__(self, submit: Callable[[events.Event], None]) -> None:
        self._submit = submit

    def subscribed(self, framework_id: str) -> None:
        """Submit a subscription."""
        self._submit(events.Subscribed(framework_id))

    def disconnected(self) -> None:
        """Submit the loss of the subscription."""
        self._submit(events.Disconnected())

    def offered(self, offers: list[dict[str, Any]]) -> None:
        """Submit offers."""
        self._submit(events.Offered([read_offer(offer) for offer in offers]))

    def rescinded(self, offer_id: str) -> None:
        """Submit that an offer is void."""
        self._submit(events.Rescinded(offer_id))

    def inverse_offered(self, offers: list[dict[str, Any]]) -> None:
        """Submit the agents that will go away."""
        read = [inverse for offer in offers if (inverse := read_inverse_offer(offer))]
        if read:
            self._submit(events.InverseOffered(read))

    def inverse_rescinded(self, offer_id: str) -> None:
        """Submit that an inverse offer is void."""
        self._submit(events.InverseRescinded(offer_id))

    def updated(self, status: dict[str, Any]) -> None:
        """Submit a task status."""
        self._submit(events.TaskStatusReceived(task_status.read(status)))

    def agent_failed(
        self, agent_id: str | None, executor_id: str | None, status: int | None
    ) -> None:
        """Submit a hint that an agent or executor is gone; its exit status is of no use."""
        del status
        self._submit(events.AgentFailed(agent_id, executor_id))

    def aborted(self, error: DriverError) -> None:
        """Submit that the driver has ended for good."""
        self._submit(events.EdgeFailed(_read_end(error)))


def _read_end(error: DriverError) -> Fatal:
    """Return what the driver's end means for this program."""
    match error:
        case errors.FailedOver():
            return FailedOver(str(error))
        case errors.FrameworkRemoved():
            return Removed(str(error))
        case errors.Unauthorized():
            return Unauthorized(str(error))
        case errors.ThreadDied():
            return Fatal(str(error))
    return Refused(str(error))


class MesosCluster:
    """framework.ports.Cluster over the hardened driver. Thread safe."""

    def __init__(
        self,
        inbox: Inbox,
        info: Mapping[str, Any],
        master: str,
        *,
        framework_id: str | None,
        credential: Credential | None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        known = {"id": {"value": framework_id}} if framework_id else {}
        self._driver = SchedulerDriver(
            inbox,
            {**info, **known},
            master,
            credential=credential,
            # No preview waits before the service has looked; it revives when one does.
            suppressed_roles=info["roles"],
            tls=tls,
        )

    @property
    def master(self) -> str | None:
        """The leading master's host:port, or None while it is unknown."""
        return self._driver.master

    @property
    def masters(self) -> tuple[str, ...]:
        """The host:port of all known masters."""
        return self._driver.masters

    @property
    def problem(self) -> str:
        """Why there is no subscription, for people; empty while there is one."""
        return self._driver.problem

    def start(self) -> None:
        """Begin to subscribe."""
        self._driver.start()

    def stop(self) -> None:
        """End the subscription; tasks keep running."""
        self._driver.stop()

    def accept(
        self, offer_ids: Sequence[str], tasks: Sequence[Task], refuse_seconds: float
    ) -> None:
        """Launch tasks on offers of one agent, for one role."""
        launch = {"type": "LAUNCH", "launch": {"task_infos": [task_info(task) for task in tasks]}}
        with _mapped():
            self._driver.accept(offer_ids, [launch], refuse_seconds=refuse_seconds)

    def decline(self, offer_ids: Sequence[str], refuse_seconds: float) -> None:
        """Give offers back."""
        with _mapped():
            self._driver.decline(offer_ids, refuse_seconds=refuse_seconds)

    def revive(self, role: str = "") -> None:
        """Request offers, for one role or for all."""
        with _mapped():
            self._driver.revive([role] if role else ())

    def suppress(self, role: str = "") -> None:
        """Receive no offers, for one role or for all, until `revive`."""
        with _mapped():
            self._driver.suppress([role] if role else ())

    def kill(self, task_id: str, agent_id: str | None, grace_seconds: float) -> None:
        """Request the end of a task."""
        with _mapped():
            self._driver.kill(task_id, agent_id, grace_seconds=grace_seconds)

    def tell(self, agent_id: str, executor_id: str, data: bytes) -> None:
        """Send bytes to an executor; they may be lost."""
        with _mapped():
            self._driver.tell(agent_id, executor_id, data)

    def accept_inverse(self, offer_ids: Sequence[str]) -> None:
        """Agree to leave the agents of inverse offers in time."""
        with _mapped():
            self._driver.accept_inverse(offer_ids, refuse_seconds=INVERSE_SECONDS)

    def acknowledge(self, statuses: Sequence[TaskStatus]) -> None:
        """Confirm that statuses are stored."""
        stored = [
            {
                "task_id": {"value": status.task_id},
                "agent_id": {"value": status.agent_id},
                "uuid": status.uuid,
            }
            for status in statuses
            if status.uuid
        ]
        with _mapped():
            self._driver.acknowledge(*stored)

    def reconcile(self, tasks: Sequence[tuple[str, str | None]]) -> None:
        """Query the state of tasks."""
        with _mapped():
            self._driver.reconcile(tasks)


@contextmanager
def _mapped() -> Iterator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except NotConnected as error:
        raise Unavailable("The Mesos master") from error
    except CallFailed as error:
        if error.outcome_unknown:
            raise OutcomeUnknown(error.call, str(error)) from error
        raise Unavailable("The Mesos master") from error
