"""Who has the data of a branch on this agent: one attempt at a time, however the others end.

A lock of the kernel tells the executors apart. It ends with its executor, and a container may
outlive that for a moment: so nobody has the data as long as a container of another attempt runs.
Who copies them comes before who starts with them: else that would have them for good.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from docker.errors import APIError

from executor.attempt.attempt import BRANCH, Attempt
from executor.docker.daemon import Daemon, daemon_errors, explanation
from executor.errors import DockerUnavailable
from executor.workspace import usage_locks
from executor.workspace.container_guard import LABEL
from executor.workspace.usage_locks import UsageLocks
from executor.workspace.work_folder import WorkFolder


class BranchLock:
    """The data of a branch of an attempt's app: its own branch's, or those that it copies."""

    def __init__(
        self, daemon: Daemon, uses: UsageLocks, folder: WorkFolder, attempt: Attempt
    ) -> None:
        self._daemon = daemon
        self._uses = uses
        self._folder = folder
        self._attempt = attempt
        self.branch = attempt.order.data
        self._is_copying = False

    def take(self) -> bool:
        """Take the data until the attempt ends, or copying() does; return whether they are free.

        Raises DockerUnavailable.
        """
        is_wanted = not self._is_copying and self._uses.is_used(self._copies)
        return not is_wanted and self._uses.take(self._data) and not self._others()

    def find_holder(self) -> str:
        """Return the commit whose container has the data, "" if there is none.

        Raises DockerUnavailable.
        """
        return next((labels.get("prevs.commit", "") for labels in self._others()), "")

    @contextlib.contextmanager
    def copying(self) -> Iterator[BranchLock]:
        """Within the context, the lock is that of the data that the attempt copies."""
        lock = BranchLock(self._daemon, self._uses, self._folder, self._attempt)
        lock.branch, lock._is_copying = self._attempt.order.seed, True
        with self._uses.using(lock._copies):
            try:
                yield lock
            finally:
                self._uses.let_go(lock._data)

    @property
    def _data(self) -> str:
        order = self._attempt.order
        return usage_locks.data(order.app, self.branch, order.app_created)

    @property
    def _copies(self) -> str:
        return f"copy of {self._data}"

    def _others(self) -> list[Mapping[str, str]]:
        """Return the labels of the containers of other attempts that run with these data."""
        own = {
            "prevs.app": self._attempt.order.app,
            BRANCH: self.branch,
            LABEL: self._folder.id(),
        }
        wanted = [f"{name}={value}" for name, value in own.items()]
        try:
            with daemon_errors():
                found = self._daemon.client().containers(filters={"label": wanted})
        except APIError as exc:
            raise DockerUnavailable(explanation(exc)) from exc
        labels: list[Mapping[str, str]] = [one["Labels"] for one in found]
        return [one for one in labels if one.get("prevs.task") != self._attempt.task_id]
