"""Mesos's shapes, translated once: the driver's callbacks become events in an inbox."""

from __future__ import annotations

import base64
import binascii
import queue
from collections.abc import Mapping
from typing import Any, NamedTuple, Union

from executor.attempt import Attempt
from executor.errors import ExecutorError
from prevs.messages import BuildOrder
from prevs.records import RecordError


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


def read_task(task: Mapping[str, Any], cluster: str | None) -> Attempt:
    """Return the attempt that a TaskInfo asks for. Raises ExecutorError if it holds no order."""
    try:
        order = BuildOrder.decode(base64.b64decode(task["data"], validate=True))
    except (KeyError, binascii.Error, RecordError) as exc:
        raise ExecutorError(
            f"The task carries no build order that this executor can read ({exc}). "
            "Framework and executor may be of different versions."
        ) from exc
    agent = str(task.get("agent_id", {}).get("value", ""))
    return Attempt(task_id(task), agent, cluster, order)


def task_id(task: Mapping[str, Any]) -> str:
    """Return the id of a TaskInfo."""
    return str(task["task_id"]["value"])
