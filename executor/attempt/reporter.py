"""What Mesos hears of an attempt: states in their order, and exactly one that ends it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping
from typing import Any

from executor.attempt.task_states import TaskState, failed, status
from executor.errors import ExecutorError
from executor.ports import Looked
from prevs.messages import Isolation, TaskReport
from prevs.states import Phase

_ORDER = {state: position for position, state in enumerate(TaskState)}


class Reporter:
    """Fulfils the port Reports. Thread safe; `send` must not block for long.

    A report that would go back is dropped: nothing follows an end, nothing but an end follows
    TASK_KILLING. Only TASK_STARTING is sent more than once, and TASK_RUNNING where a digest is
    known only then, or processes of it were killed for memory.
    """

    def __init__(
        self,
        task_id: str,
        send: Callable[[Mapping[str, Any]], None],
        isolation: Isolation | None = None,
    ) -> None:
        self._task_id = task_id
        self._send = send
        self._isolation = isolation
        self._lock = threading.Lock()
        self._sent: TaskState | None = None
        self._phase = Phase.FETCHING
        self._digest = ""
        self._protocol = ""
        self._kills = 0
        self._running = ""

    def progress(self, phase: Phase, message: str, *, detail: str = "", lasts: float = 0.0) -> None:
        """Report a phase before the application runs, that began `lasts` seconds ago."""
        began = {phase.value: round(lasts, 3)} if lasts else {}
        report = TaskReport(phase, detail=detail, began=began)
        self._report(TaskState.STARTING, report, message)

    def running(self, message: str, *, checked: float, protocol: str = "") -> None:
        """Report that the health check passed, `checked` seconds after it began."""
        began = {Phase.CHECKING.value: round(checked, 3)}
        self._running = message
        self._protocol = protocol
        report = TaskReport(Phase.RUNNING, began=began, protocol=protocol)
        self._report(TaskState.RUNNING, report, message)

    def shared(self, digest: str) -> None:
        """Tell what digest the image has in the registry: with each report from now on.

        While the application runs there may be none for days: then with one of its own, which says
        again that it does.
        """
        with self._lock:
            self._digest = digest
            self._say_again()

    def short_of_memory(self, kills: int) -> None:
        """Tell, while it runs, how many of its processes were killed for want of memory."""
        with self._lock:
            self._kills = kills
            self._say_again()

    def found(self, what: Looked, why: str) -> None:
        """Tell with each report from now on why something of the agent is open, "" for closed."""
        looked: dict[str, Any] = {what: why}
        with self._lock:
            if self._isolation is not None:
                self._isolation = dataclasses.replace(self._isolation, **looked)

    def _say_again(self) -> None:
        """Report once more that it runs, with what is known by now, if it does."""
        if self._sent is TaskState.RUNNING:
            report = TaskReport(
                Phase.RUNNING,
                digest=self._digest,
                protocol=self._protocol,
                memory_kills=self._kills,
                isolation=self._isolation,
            )
            self._send(status(self._task_id, self._sent, report, message=self._running))

    def killing(self, message: str) -> None:
        """Report that the attempt was told to end and does so."""
        self._report(TaskState.KILLING, TaskReport(self._phase), message)

    def ended(self, error: ExecutorError | None) -> None:
        """Report the end: a failure, or None where it was told to end."""
        if error is None:
            self._report(TaskState.KILLED, TaskReport(Phase.ENDED), "It was told to end.")
        else:
            self._report(TaskState.FAILED, failed(error), str(error))

    def _report(self, state: TaskState, report: TaskReport, message: str) -> None:
        with self._lock:
            if self._sent is not None and not _may_follow(self._sent, state):
                return
            self._sent = state
            self._phase = report.phase
            report = dataclasses.replace(report, digest=self._digest, isolation=self._isolation)
            self._send(status(self._task_id, state, report, message=message))


def _may_follow(sent: TaskState, state: TaskState) -> bool:
    if sent.terminal:
        return False
    return state is sent is TaskState.STARTING or _ORDER[state] > _ORDER[sent]
