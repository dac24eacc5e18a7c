"""The framework's Cluster, which records calls, and may fail."""

from collections.abc import Callable, Sequence
from typing import Any

from framework.errors import FrameworkError
from framework.ports.tasks import Task, TaskStatus


class FakeCluster:
    """Records calls; `refusals` are the refuse_seconds of each accept, `graces` those of kills.

    `waits` counts how often the caller has waited for the master.

    `before` sees each first; `failure`, once set, is raised by every one.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.tasks: list[Task] = []
        self.refusals: list[float] = []
        self.graces: list[float] = []
        self.waits = 0
        self.failure: FrameworkError | None = None
        self.before: Callable[[str], object] = lambda call: None

    def accept(
        self, offer_ids: Sequence[str], tasks: Sequence[Task], refuse_seconds: float
    ) -> None:
        self.refusals.append(refuse_seconds)
        self._call("accept", (list(offer_ids), [task.id for task in tasks]))
        self.tasks += tasks

    def decline(self, offer_ids: Sequence[str], refuse_seconds: float) -> None:
        self._call("decline", (list(offer_ids), refuse_seconds))

    def revive(self, role: str = "") -> None:
        self._call("revive", role or None)

    def suppress(self, role: str = "") -> None:
        self._call("suppress", role or None)

    def kill(self, task_id: str, agent_id: str | None, grace_seconds: float) -> None:
        self.graces.append(grace_seconds)
        self._call("kill", (task_id, agent_id))

    def tell(self, agent_id: str, executor_id: str, data: bytes) -> None:
        self._call("tell", (agent_id, executor_id, data))

    def accept_inverse(self, offer_ids: Sequence[str]) -> None:
        self._call("accept_inverse", list(offer_ids))

    def acknowledge(self, statuses: Sequence[TaskStatus]) -> None:
        self.waits -= len(statuses) - 1  # all of them are one wait
        for status in statuses:
            self._call("acknowledge", status.uuid or None)

    def reconcile(self, tasks: Sequence[tuple[str, str | None]]) -> None:
        self._call("reconcile", tuple(tasks))

    def of(self, name: str) -> list[Any]:
        """Return the arguments of each call of that name."""
        return [arguments for call, arguments in self.calls if call == name]

    def _call(self, name: str, arguments: Any) -> None:
        self.waits += 1
        self.before(name)
        self.calls.append((name, arguments))
        if self.failure is not None:
            raise self.failure
