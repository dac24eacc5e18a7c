"""The API's calls about schedules, and their answers. The calls raise the same errors as `Api`."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict, cast
from urllib.parse import quote

from cli.client.api_types import Mistake
from cli.client.jobs import Calls, Job, keyed
from cli.client.paging import Listed


class ScheduledTime(TypedDict):
    """A time of a schedule: in epoch seconds, in UTC, and as a clock in its zone shows it."""

    at: int
    utc: str
    local: str


class ScheduledTimes(TypedDict):
    """The next times of a schedule in a zone; `reason` is why there is none, or empty."""

    zone: str
    times: list[ScheduledTime]
    reason: str


class SkippedTime(TypedDict):
    """A time (epoch seconds) at which a schedule made no job, and why."""

    at: int
    why: str


class ActiveJob(TypedDict):
    """A job of a schedule that has not ended."""

    id: str
    state: str


class Schedule(TypedDict):
    """What makes jobs at times. Moments are in seconds since the epoch.

    It has a `job` or a `command`, and a `cron` or `every`; the others are None. `reason` is why no
    time comes, or empty; `hindrance` why one that has come makes no job yet. `by` is who wrote it,
    None for one of a file. `delay` is how long after each time its job begins. The newest of
    `skipped` and `active` come first.
    """

    app: str
    name: str
    label: str
    job: str | None
    command: list[str] | None
    cron: str | None
    every: int | None
    zone: str
    start_at: int | None
    end_at: int | None
    times: int
    overlap: str
    missed: str
    deadline: float
    spread: float
    delay: float
    paused: bool
    reason: str
    hindrance: str
    next: list[ScheduledTime]
    last: float
    count: int
    skipped: list[SkippedTime]
    active: list[ActiveJob]
    created: float
    by: str | None
    from_file: bool


class WrittenSchedule(Schedule):
    """A schedule that was just written, and what its jobs take (MB) by the commit of now.

    An older framework sends neither.
    """

    cpus: NotRequired[float | None]
    mem: NotRequired[int | None]


class FileTrouble(TypedDict):
    """Why schedules in the .prevs.toml of the default branch, `label`, do not hold."""

    label: str
    commit: str
    why: str
    mistakes: list[Mistake]


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
