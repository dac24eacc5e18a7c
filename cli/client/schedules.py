"""The API's calls about schedules, and their answers. The calls raise the same errors as `Api`."""

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote

from cli.client.generated.records import (
    Job,
    Schedule,
    ScheduledTimes,
    WrittenSchedule,
)
from cli.client.jobs import Calls, keyed
from cli.client.paging import Listed


class Schedules:
    """The schedules of apps. Writing and running one may wait for git, for `patience` seconds."""

    def __init__(self, calls: Calls, *, patience: float) -> None:
        self._calls = calls
        self._patience = patience

    def list(self, app: str) -> Listed[Schedule]:
        """Return the schedules of an app, by name; `details` has a `file_trouble`, or None."""
        return self._calls.gather(_path(app), "schedules")

    def show(self, app: str, name: str) -> Schedule:
        """Return a schedule."""
        return cast(Schedule, self._calls.read("GET", _path(app, name)))

    def write(self, app: str, name: str, order: Mapping[str, object]) -> WrittenSchedule:
        """Make a schedule, or replace the one of that name, and return it."""
        answer = self._calls.read("PUT", _path(app, name), json=order, timeout=self._patience)
        return cast(WrittenSchedule, answer)

    def remove(self, app: str, name: str) -> None:
        """Remove a schedule. Its jobs go on."""
        self._calls.call("DELETE", _path(app, name)).close()

    def pause(self, app: str, name: str, *, paused: bool) -> Schedule:
        """Let a schedule make no jobs, or go on; return it."""
        method = "PUT" if paused else "DELETE"
        return cast(Schedule, self._calls.read(method, _path(app, name, "pause")))

    def run(self, app: str, name: str, key: str) -> Job:
        """Request the job of a schedule now, and return it; the same `key` makes no other one."""
        path, headers = _path(app, name, "run"), keyed(key)
        answer = self._calls.read("POST", path, headers=headers, timeout=self._patience)
        return cast(Job, answer)

    def times(self, app: str, name: str, count: int) -> ScheduledTimes:
        """Return the next times of a schedule."""
        answer: Any = self._calls.read(
            "GET", _path(app, name, "times"), params={"count": str(count)}
        )
        return cast(ScheduledTimes, answer)

    def try_times(self, app: str, order: Mapping[str, object], count: int) -> ScheduledTimes:
        """Return the next times that a schedule would have."""
        answer: Any = self._calls.read(
            "POST",
            f"/v1/apps/{quote(app, safe='')}/schedule-times",
            params={"count": str(count)},
            json=order,
        )
        return cast(ScheduledTimes, answer)


def _path(app: str, *parts: str) -> str:
    return "/v1/apps/" + "/".join(quote(part, safe="") for part in (app, "schedules", *parts))
