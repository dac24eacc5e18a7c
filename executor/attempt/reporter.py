"""Reports an attempt to Mesos: task states in their order, and exactly one final state."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping
from typing import Any

from executor.attempt.task_states import Outcome, TaskState, last_status, status
from executor.ports import IsolationField
from prevs.messages import Isolation, TaskReport
from prevs.states import Phase
from prevs.work import Progress

_ORDER = {state: position for position, state in enumerate(TaskState)}


class Reporter:
    """Fulfils the port Reports. Thread safe; `send` must not block for long.

    Reports that would go back are dropped: nothing follows a final state, and only a final state
    follows TASK_KILLING. TASK_STARTING may be sent several times. TASK_RUNNING is sent again when
    the image's digest becomes known, when processes were killed because memory ran out, and when a
    job's command tells its progress.
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
        self._progress: Progress | None = None
        self._running = ""

    def progress(self, phase: Phase, message: str, *, detail: str = "", lasts: float = 0.0) -> None:
        """Report a phase before the application runs; it began `lasts` seconds ago."""
        began = {phase.value: round(lasts, 3)} if lasts else {}
        report = TaskReport(phase, detail=detail, began=began)
        self._report(TaskState.STARTING, report, message)

    def running(self, message: str, *, checked: float | None = None, protocol: str = "") -> None:
        """Report that it runs: the health check passed, `checked` seconds after it began."""
        began = {} if checked is None else {Phase.CHECKING.value: round(checked, 3)}
        self._running = message
        self._protocol = protocol
        report = TaskReport(Phase.RUNNING, began=began, protocol=protocol)
        self._report(TaskState.RUNNING, report, message)

    def shared(self, digest: str) -> None:
        """Add the image's digest in the registry to each report from now on.

        If the application runs, there may be no other report for days: then report again now.
        """
        with self._lock:
            self._digest = digest
            self._repeat_running()

    def short_of_memory(self, kills: int) -> None:
        """Report, while it runs, how many of its processes were killed because memory ran out."""
        with self._lock:
            self._kills = kills
            self._repeat_running()

    def progressed(self, progress: Progress) -> None:
        """Report, while it runs, what the command of a job says about its progress."""
        with self._lock:
            self._progress = progress
            self._repeat_running()

    def set_isolation(self, field: IsolationField, why: str) -> None:
        """Add to each report from now on why the agent is open in that way, "" if it is closed."""
        change: dict[str, Any] = {field: why}
        with self._lock:
            if self._isolation is not None:
                self._isolation = dataclasses.replace(self._isolation, **change)

    def _repeat_running(self) -> None:
        """Report TASK_RUNNING again with what is known by now, if it was the last state."""
        if self._sent is TaskState.RUNNING:
            report = TaskReport(
                Phase.RUNNING,
                digest=self._digest,
                protocol=self._protocol,
                memory_kills=self._kills,
                isolation=self._isolation,
                progress=self._progress,
            )
            self._send(status(self._task_id, self._sent, report, message=self._running))

    def killing(self, message: str) -> None:
        """Report that the attempt is being stopped."""
        self._report(TaskState.KILLING, TaskReport(self._phase), message)

    def ended(self, outcome: Outcome) -> None:
        """Report the end."""
        self._report(*last_status(outcome))

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
