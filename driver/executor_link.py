"""pymesos's executor driver, with its events and subscription, without its defects."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Mapping
from typing import Any, Protocol

from driver import library
from driver.connection import LinkOver
from driver.environment import Environment
from driver.errors import (
    AgentLost,
    CallFailed,
    DriverError,
    NotConnected,
    Refused,
    Rejected,
    ThreadDied,
)
from driver.link import Link
from driver.pace import Pace
from driver.updates import Updates

logger = logging.getLogger(__name__)

_NANOSECONDS = 1_000_000_000
_ANSWER_SECONDS = 5.0
_LONGEST_DELAY_SECONDS = 1.0
_RESEND_SECONDS = 0.5
# 404: an agent that starts answers before it knows its own paths. 429: it is overloaded.
_STAYS_FOR_A_WHILE = frozenset({307, 404, 408, 429})


def read_pace(environment: Environment) -> Pace:
    """Return a pace with several tries within the agent's window for subscribing again."""
    longest = min(_LONGEST_DELAY_SECONDS, environment.resubscribe_window / 5)
    return Pace(min(0.05, longest), longest, answer_limit=_ANSWER_SECONDS)


class ExecutorEvents(Protocol):
    """Callbacks of an executor, on the driver's thread: they must only enqueue.

    All dicts are plain, in the shapes of the v1 executor API.
    """

    def registered(
        self,
        executor_info: dict[str, Any],
        framework_info: dict[str, Any],
        agent_info: dict[str, Any],
    ) -> None:
        """The first subscription has begun. Later ones are not delivered."""

    def launched(self, task: dict[str, Any]) -> None:
        """A TaskInfo to run has come. Each one is delivered once."""

    def killed(self, task_id: str, grace_seconds: float | None) -> None:
        """A task has to end, within a grace that overrides its own (None: its own).

        This may come several times, and for tasks that have ended.
        """

    def message_received(self, data: bytes) -> None:
        """The framework has sent a message. It may be old, and come twice."""

    def shutdown(self) -> None:
        """The executor has to end everything. The link stays up for the last updates."""

    def lost(self, error: DriverError) -> None:
        """The driver has stopped for good: AgentLost, Refused, Rejected or ThreadDied."""


class ExecutorLink(Link, library.MesosExecutorDriver):
    """pymesos's executor driver on a link that lasts. See driver.executor for the contract."""

    def __init__(
        self, events: ExecutorEvents, environment: Environment, *, http_timeout: float, pace: Pace
    ) -> None:
        # pymesos's own constructor reads os.environ. This is what its methods rely on.
        library.Process.__init__(self, master=environment.agent)
        self.executor = library.Executor()
        self.framework_id = {"value": environment.framework_id}
        self.executor_id = {"value": environment.executor_id}
        self.executor_info: dict[str, Any] | None = None
        self.tasks: dict[str, dict[str, Any]] = {}
        self._launched: set[str] = set()
        self._begin(path="/api/v1/executor", pace=pace, http_timeout=http_timeout)
        self._events = events
        self._environment = environment
        self._alone_since: float | None = time.monotonic()
        self._updates = Updates()
        self._sender = threading.Thread(target=self._send_updates, name="updates", daemon=True)

    def authorization(self) -> str | None:
        """Return the header with the agent's token."""
        token = self._environment.token
        return f"Bearer {token}" if token else None

    def subscription(self) -> dict[str, Any]:
        """Return a SUBSCRIBE with the tasks and updates that the agent may have missed."""
        return {
            "type": "SUBSCRIBE",
            "framework_id": self.framework_id,
            "executor_id": self.executor_id,
            "subscribe": {
                "unacknowledged_tasks": list(self.tasks.values()),
                "unacknowledged_updates": [{"status": s} for s in self._updates.carry()],
            },
        }

    def start(self) -> None:
        """Start to subscribe, and to send."""
        self._alone_since = time.monotonic()
        super().start()
        self._sender.start()

    def stop(self) -> None:
        """End both threads."""
        self._updates.close()
        super().stop()

    def send_update(self, status: Mapping[str, Any]) -> None:
        """Store an update, to be sent as soon as there is a link."""
        task_id = status["task_id"]["value"]
        if task_id not in self._launched:
            # Mesos's agent aborts on this: "Queued tasks can only be transitioned to terminal".
            raise ValueError(f"no task {task_id!r} was launched, so it has no updates")
        self._updates.add(
            {
                "timestamp": time.time(),
                "source": "SOURCE_EXECUTOR",
                "executor_id": self.executor_id,
                **status,
                "uuid": library.encode_data(uuid.uuid4().bytes),
            }
        )

    def wait_acknowledged(self, limit: float) -> bool:
        """Wait until every update is acknowledged."""
        return self._updates.wait_empty(limit)

    def _send_updates(self) -> None:
        """Send what is stored, in order, until the link is stopped."""
        while (status := self._updates.next_unsent()) is not None:
            try:
                self._send_update(status)
            except Exception:
                logger.exception("The driver could not send an update; it tries again")
                self._updates.wait_closed(_RESEND_SECONDS)

    def _send_update(self, status: dict[str, Any]) -> None:
        try:
            self._send(
                {
                    "type": "UPDATE",
                    "framework_id": self.framework_id,
                    "executor_id": self.executor_id,
                    "update": {"status": status},
                }
            )
        except (NotConnected, CallFailed) as exc:
            # 403 means that the agent waits for our SUBSCRIBE, which will come.
            if isinstance(exc, CallFailed) and _is_final(exc.status) and exc.status != 403:
                # Sending it again would get the same response, and delay the later updates.
                logger.exception("The agent refused an update; the next link sends it again")
            else:
                # It has a uuid, so it may arrive twice.
                logger.warning("The driver sends an update again soon: %s", exc)
                self._updates.wait_closed(_RESEND_SECONDS)
                return
        self._updates.mark_sent(status)

    def on_subscribed(self, info: dict[str, Any]) -> None:
        """Let updates flow, and deliver `registered` for the first subscription."""
        self._alone_since = None
        self.subscribed(silence_limit=None)
        self._updates.set_linked(True)
        first, self.executor_info = self.executor_info is None, info["executor_info"]
        if first:
            infos = (info["executor_info"], info["framework_info"], info["agent_info"])
            self.deliver(self._events.registered, *infos)

    def on_launch(self, event: dict[str, Any]) -> None:
        """Deliver `launched`, unless the task is known."""
        task = event["task"]
        task_id = task["task_id"]["value"]
        if task_id not in self._launched:
            self._launched.add(task_id)
            self.tasks[task_id] = task
            self.deliver(self._events.launched, task)

    def on_launch_group(self, event: dict[str, Any]) -> None:
        """Take the tasks of a group one by one."""
        for task in event["task_group"]["tasks"]:
            self.on_launch({"task": task})

    def on_acknowledged(self, event: dict[str, Any]) -> None:
        """Drop an update. The agent knows its task now."""
        self._updates.acknowledge(event["uuid"])
        self.tasks.pop(event["task_id"]["value"], None)

    def on_kill(self, event: dict[str, Any]) -> None:
        """Deliver `killed` with the kill policy, which pymesos leaves out."""
        period = event.get("kill_policy", {}).get("grace_period", {}).get("nanoseconds")
        grace = None if period is None else int(period) / _NANOSECONDS
        self.deliver(self._events.killed, event["task_id"]["value"], grace)

    def on_message(self, event: dict[str, Any]) -> None:
        """Deliver `message_received`."""
        self.deliver(self._events.message_received, library.decode_data(event["data"]))

    def on_shutdown(self) -> None:
        """Deliver `shutdown`; pymesos would kill the process group, but not the containers."""
        self.deliver(self._events.shutdown)

    def on_error(self, event: dict[str, Any]) -> None:
        """Give up: the agent has ended the subscription for good."""
        self._give_up(Rejected(f"The agent says: {event.get('message', '')}"))

    def lost(self, over: LinkOver, *, was_subscribed: bool) -> None:
        """Keep updates for the next link, or give up if there will be none."""
        self._updates.set_linked(False)
        if self._alone_since is None:
            self._alone_since = time.monotonic()
        if _is_final(over.status):
            self._give_up(Refused(over.reason, over.status or 0))
        elif was_subscribed and not self._environment.checkpoint:
            # An agent that comes back will not know this executor.
            self._give_up(AgentLost(over.reason, 0.0))

    def wait_until(self) -> float | None:
        """Return when the agent's recovery timeout passes."""
        if self._alone_since is None:
            return None
        return self._alone_since + self._environment.recovery_timeout

    def waiting(self, now: float) -> None:
        """Give up if the agent does not come back in time."""
        until = self.wait_until()
        if self._started and until is not None and now >= until:
            self._give_up(AgentLost(self.problem, self._environment.recovery_timeout))

    def _give_up(self, error: DriverError) -> None:
        logger.error("%s", error)
        self.stop()
        self.problem = str(error)
        self.deliver(self._events.lost, error)

    def died(self, error: ThreadDied) -> None:
        """Deliver `lost`: the driver has ended by a defect."""
        self._updates.close()
        self._events.lost(error)


def _is_final(status: int | None) -> bool:
    """Return whether an agent would send the same status to each further try."""
    return status is not None and 400 <= status < 500 and status not in _STAYS_FOR_A_WHILE
