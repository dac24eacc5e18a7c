"""Turns the driver's callbacks into events in an inbox."""

from __future__ import annotations

import queue
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Union

if TYPE_CHECKING:
    # Only for types: the executor imports as little as possible before it subscribes.
    from executor.attempt.task_states import Outcome


class Registered(NamedTuple):
    """The agent has taken this process; `ports` are the first and last of each span it offers."""

    ports: Sequence[tuple[int, int]]


class MessageReceived(NamedTuple):
    """The framework has sent a message."""

    data: bytes


class Launched(NamedTuple):
    """The agent has sent a task; `task` is its TaskInfo."""

    task: Mapping[str, Any]


class Killed(NamedTuple):
    """A task has to end, within `grace` seconds if the kill sets a grace."""

    task_id: str
    grace: float | None


class ShutDown(NamedTuple):
    """This process has to end, and its task with it."""


class Lost(NamedTuple):
    """The link to the agent is lost for good."""

    reason: str


class Ended(NamedTuple):
    """The attempt has ended."""

    outcome: Outcome


Event = Union[Registered, MessageReceived, Launched, Killed, ShutDown, Lost, Ended]


class MesosEvents:
    """Fulfils ExecutorEvents of the driver: every callback only puts an event into `inbox`."""

    def __init__(self, inbox: queue.SimpleQueue[Event]) -> None:
        self._inbox = inbox

    def registered(
        self,
        executor_info: dict[str, Any],
        framework_info: dict[str, Any],
        agent_info: dict[str, Any],
    ) -> None:
        """Put Registered; the agent sends the task by itself."""
        del executor_info, framework_info
        self._inbox.put(Registered(_read_ports(agent_info)))

    def message_received(self, data: bytes) -> None:
        """Put MessageReceived."""
        self._inbox.put(MessageReceived(data))

    def launched(self, task: dict[str, Any]) -> None:
        """Put Launched."""
        self._inbox.put(Launched(task))

    def killed(self, task_id: str, grace_seconds: float | None) -> None:
        """Put Killed."""
        self._inbox.put(Killed(task_id, grace_seconds))

    def shutdown(self) -> None:
        """Put ShutDown."""
        self._inbox.put(ShutDown())

    def lost(self, error: Exception) -> None:
        """Put Lost."""
        self._inbox.put(Lost(str(error)))


def _read_ports(agent_info: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return the spans of ports among an agent's resources."""
    return [
        (int(span["begin"]), int(span["end"]))
        for resource in agent_info.get("resources", ())
        if resource.get("name") == "ports"
        for span in resource.get("ranges", {}).get("range", ())
    ]
