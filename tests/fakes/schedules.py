"""The service's schedules: the real commands over the records of FakeJobs, without the service."""

from collections.abc import Callable
from typing import TypeVar

from framework.service.jobs.file_schedules import FileSchedules
from framework.service.jobs.schedule_commands import ScheduleCommands
from framework.service.jobs.schedule_service import Schedules
from framework.state.snapshot import Snapshot
from tests.fakes.jobs import FakeJobs

T = TypeVar("T")


class FakeSchedules(Schedules):
    """Runs commands at once. No time of a schedule ever comes."""

    def __init__(self, jobs: FakeJobs) -> None:
        self._jobs = jobs

    @property
    def snapshot(self) -> Snapshot:
        """The current snapshot."""
        return self._jobs.snapshot._replace(schedules=self._jobs.records.jobs.schedules.all)

    def command(self, command: Callable[[ScheduleCommands], T]) -> T:
        self._jobs.take_apps()
        records, clock = self._jobs.records, self._jobs.clock.clock
        files = FileSchedules(records, lambda *_: None, clock)
        return command(ScheduleCommands(records, self._jobs.service_commands, files, clock))
