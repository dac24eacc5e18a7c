"""How other threads read and change the service's schedules."""

from collections.abc import Callable
from typing import TypeVar

from framework.events import call
from framework.service.jobs.schedule_commands import ScheduleCommands
from framework.service.service import Service
from framework.state.snapshot import Snapshot

T = TypeVar("T")


class Schedules:
    """The service's schedules as other threads see them. Thread safe; see ServiceClient."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def snapshot(self) -> Snapshot:
        """All apps and schedules, as last published."""
        return self._service.snapshot

    def command(self, command: Callable[[ScheduleCommands], T]) -> T:
        """Run a command on the service's thread; return its result, or raise its error."""
        return call(self._service.inbox.put, lambda: command(self._service.schedule_commands))
