"""The executor driver. It survives restarts of its agent and loses no update."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from driver.environment import read_environment
from driver.executor_link import ExecutorEvents, ExecutorLink, read_pace
from driver.pace import Pace

__all__ = ["ExecutorDriver", "ExecutorEvents"]


class ExecutorDriver:
    """A subscription with the agent that started this executor, kept up until `stop`.

    `environ` has the agent's variables (ValueError if any is missing). Thread safe.
    """

    def __init__(
        self,
        events: ExecutorEvents,
        environ: Mapping[str, str],
        *,
        http_timeout: float = 10.0,
        pace: Pace | None = None,
    ) -> None:
        environment = read_environment(environ)
        self._link = ExecutorLink(
            events, environment, http_timeout=http_timeout, pace=pace or read_pace(environment)
        )

    def start(self) -> None:
        """Start to subscribe. Does not block; can be called once."""
        self._link.start()

    def stop(self) -> None:
        """Leave the agent. Drops updates without an acknowledgement: wait for them before.

        Blocks for some seconds at most. No event follows, except one that is being delivered.
        """
        self._link.stop()

    def send_update(self, status: Mapping[str, Any]) -> None:
        """Store a TaskStatus (task_id and state at least) until the agent acknowledges it.

        It is sent as soon as there is a link, after all earlier updates, and again with every new
        subscription. Does not block, and does not raise if the link is down. Raises ValueError for
        a task that was not launched yet.
        """
        self._link.send_update(status)

    def wait_acknowledged(self, timeout: float) -> bool:
        """Wait for `timeout` seconds at most; return whether every update is acknowledged."""
        return self._link.wait_acknowledged(timeout)
