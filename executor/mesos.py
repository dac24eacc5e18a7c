"""What an executor hears of Mesos: the driver's callbacks become events in an inbox."""

from __future__ import annotations

import queue
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Union

if TYPE_CHECKING:
    # No more than this is loaded before the executor subscribes.
    from executor.errors import ExecutorError


class Launched(NamedTuple):
    """The agent has a task for us; `task` is its TaskInfo."""

    task: Mapping[str, Any]


class Killed(NamedTuple):
    """A task is to end; `grace` in seconds where the kill says so."""

    task_id: str
    grace: float | None


class ShutDown(NamedTuple):
    """This process is to end, and its task with it."""


class Lost(NamedTuple):
    """There is no agent any more that wants to hear of us."""

    reason: str


class Ended(NamedTuple):
    """The attempt has ended: a failure, or None where it was told to end."""

    error: ExecutorError | None


Event = Union[Launched, Killed, ShutDown, Lost, Ended]


class MesosEvents:
    """Fulfils the driver's ExecutorEvents: every callback only puts an event into `inbox`."""

    def __init__(self, inbox: queue.SimpleQueue[Event]) -> None:
        self._inbox = inbox

    def registered(
        self,
        executor_info: dict[str, Any],
        framework_info: dict[str, Any],
        agent_info: dict[str, Any],
    ) -> None:
        """Nothing to do: the agent sends the task by itself."""

    def launched(self, task: dict[str, Any]) -> None:
        """The agent has a task for us."""
        self._inbox.put(Launched(task))

    def killed(self, task_id: str, grace_seconds: float | None) -> None:
        """A task is to end."""
        self._inbox.put(Killed(task_id, grace_seconds))

    def shutdown(self) -> None:
        """This process is to end."""
        self._inbox.put(ShutDown())

    def lost(self, error: Exception) -> None:
        """The link to the agent is gone for good."""
        self._inbox.put(Lost(str(error)))
