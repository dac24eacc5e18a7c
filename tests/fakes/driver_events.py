"""The callbacks of a driver, kept for tests to wait for."""

import threading
from collections.abc import Callable
from typing import Any

from driver.errors import DriverError

Json = dict[str, Any]
Event = tuple[str, tuple[Any, ...]]


def _any(*arguments: Any) -> bool:
    return True


class _Recorded:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.raises: dict[str, BaseException] = {}
        self._taken = 0
        self._changed = threading.Condition()

    def _put(self, name: str, *arguments: Any) -> None:
        with self._changed:
            self.events.append((name, arguments))
            self._changed.notify_all()
        if name in self.raises:
            raise self.raises[name]

    def names(self) -> list[str]:
        """Return the callbacks so far, in order."""
        with self._changed:
            return [name for name, _ in self.events]

    def wait(
        self, name: str, matching: Callable[..., bool] = _any, *, limit: float = 60.0
    ) -> tuple[Any, ...]:
        """Return the arguments of the next such event, after those that were waited for before."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._find(name, matching) is not None, limit), (
                f"no {name} came, but {self.events[self._taken :]}"
            )
            found = self._find(name, matching)
            assert found is not None
            self._taken = found + 1
            return self.events[found][1]

    def _find(self, name: str, matching: Callable[..., bool]) -> int | None:
        for index, (one, arguments) in enumerate(self.events[self._taken :], self._taken):
            if one == name and matching(*arguments):
                return index
        return None


class RecordedScheduler(_Recorded):
    """SchedulerEvents. `raises` maps a callback's name to what it raises."""

    def subscribed(self, framework_id: str) -> None:
        self._put("subscribed", framework_id)

    def disconnected(self) -> None:
        self._put("disconnected")

    def offered(self, offers: list[Json]) -> None:
        self._put("offered", offers)

    def rescinded(self, offer_id: str) -> None:
        self._put("rescinded", offer_id)

    def inverse_offered(self, offers: list[Json]) -> None:
        self._put("inverse_offered", offers)

    def inverse_rescinded(self, offer_id: str) -> None:
        self._put("inverse_rescinded", offer_id)

    def updated(self, status: Json) -> None:
        self._put("updated", status)

    def agent_failed(
        self, agent_id: str | None, executor_id: str | None, status: int | None
    ) -> None:
        self._put("agent_failed", agent_id, executor_id, status)

    def aborted(self, error: DriverError) -> None:
        self._put("aborted", error)


class RecordedExecutor(_Recorded):
    """ExecutorEvents."""

    def registered(self, executor_info: Json, framework_info: Json, agent_info: Json) -> None:
        self._put("registered", executor_info, framework_info, agent_info)

    def launched(self, task: Json) -> None:
        self._put("launched", task)

    def killed(self, task_id: str, grace_seconds: float | None) -> None:
        self._put("killed", task_id, grace_seconds)

    def message_received(self, data: bytes) -> None:
        self._put("message_received", data)

    def shutdown(self) -> None:
        self._put("shutdown")

    def lost(self, error: DriverError) -> None:
        self._put("lost", error)
