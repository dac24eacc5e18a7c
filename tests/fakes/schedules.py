"""The service's schedules: the real commands over the records of FakeJobs, without the service."""

from collections.abc import Callable
from typing import TypeVar

from framework.schedules.file_schedules import FileTrouble
from framework.service.jobs.file_schedules import FileSchedules
from framework.service.jobs.schedule_commands import ScheduleCommands
from framework.service.jobs.schedule_service import Schedules
from framework.state.snapshot import Snapshot
from prevs.schedules import ScheduleRecord
from tests.fakes.jobs import FakeJobs

T = TypeVar("T")


class FakeSchedules(Schedules):
    """Runs commands at once. No time of a schedule comes by itself."""

    def __init__(self, jobs: FakeJobs) -> None:
        self._jobs = jobs
        self.hindrances: dict[tuple[str, str], str] = {}
        self.file_troubles: dict[str, FileTrouble] = {}

    @property
    def snapshot(self) -> Snapshot:
        """The current snapshot."""
        return self._jobs.snapshot._replace(
            schedules=self._jobs.records.jobs.schedules.all,
            hindrances=self.hindrances,
            file_troubles=self.file_troubles,
        )

    def command(self, command: Callable[[ScheduleCommands], T]) -> T:
        self._jobs.take_apps()
        records, clock = self._jobs.records, self._jobs.clock.clock
        files = FileSchedules(records, lambda *_: None, clock)
        return command(ScheduleCommands(records, self._jobs.service_commands, files, clock))

    def save(self, schedule: ScheduleRecord) -> ScheduleRecord:
        """Have a schedule, whatever there was."""
        self._jobs.records.jobs.schedules.change_all([schedule])
        return schedule
