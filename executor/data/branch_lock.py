"""Who has the data of a branch on this agent: one attempt at a time, however the others end.

A lock of the kernel tells the executors apart. It ends with its executor, and a container may
outlive that for a moment: so nobody has the data as long as a container of another attempt runs.
"""

from __future__ import annotations

from collections.abc import Mapping

from docker.errors import APIError

from executor.attempt.attempt import BRANCH, Attempt
from executor.docker.daemon import Daemon, daemon_errors, explanation
from executor.errors import DockerUnavailable
from executor.workspace import usage_locks
from executor.workspace.container_guard import LABEL
from executor.workspace.usage_locks import UsageLocks
from executor.workspace.work_folder import WorkFolder


class BranchLock:
    """The data of the branch of an attempt's order."""

    def __init__(
        self, daemon: Daemon, folder: WorkFolder, uses: UsageLocks, attempt: Attempt
    ) -> None:
        self._daemon = daemon
        self._folder = folder
        self._uses = uses
        self._order = attempt.order
        self._task_id = attempt.task_id

    def take(self) -> bool:
        """Take the data for this attempt until it ends; return whether nobody else has them.

        Raises DockerUnavailable.
        """
        order = self._order
        resource = usage_locks.data(order.app, order.data, order.app_created)
        return self._uses.take(resource) and not self._others()

    def find_holder(self) -> str:
        """Return the commit whose container has the data, "" if there is none.

        Raises DockerUnavailable.
        """
        return next((labels.get("prevs.commit", "") for labels in self._others()), "")

    def _others(self) -> list[Mapping[str, str]]:
        """Return the labels of the containers of other attempts that run with these data."""
        order = self._order
        own = {
            "prevs.app": order.app,
            BRANCH: order.data,
            LABEL: self._folder.id(),
        }
        wanted = [f"{name}={value}" for name, value in own.items()]
        try:
            with daemon_errors():
                found = self._daemon.client().containers(filters={"label": wanted})
        except APIError as exc:
            raise DockerUnavailable(explanation(exc)) from exc
        labels: list[Mapping[str, str]] = [one["Labels"] for one in found]
        return [one for one in labels if one.get("prevs.task") != self._task_id]
