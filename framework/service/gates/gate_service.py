"""How other threads read and change the service's gates."""

from collections.abc import Callable
from typing import TypeVar

from framework.events import call
from framework.service.gates.gate_commands import GateCommands
from framework.service.service import Service
from framework.state.snapshot import Snapshot

T = TypeVar("T")


class Gates:
    """The service's gates as other threads see them. Thread safe; see ServiceClient."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def snapshot(self) -> Snapshot:
        """All apps and gates, as last published."""
        return self._service.snapshot

    def command(self, command: Callable[[GateCommands], T]) -> T:
        """Run a command on the service's thread; return its result, or raise its error."""
        return call(self._service.inbox.put, lambda: command(self._service.gate_commands))
