"""The life of this process: it gets one task, runs its attempt on a thread, and reports its end.

The thread that calls run() owns all state; others put events into the inbox.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from executor.attempt.attempt import Attempt
from executor.attempt.course import Course
from executor.attempt.reporter import Reporter
from executor.attempt.task_states import Outcome, last_status
from executor.config import Config
from executor.errors import ExecutorError
from executor.limits.confinement import Confinement
from executor.mesos import Ended, Event, Killed, Launched, Lost, ShutDown
from executor.signals import StopSignal
from executor.task import read_task, task_id
from prevs.messages import Isolation

EXIT_DONE = 0
EXIT_LOST = 3
EXIT_NO_TASK = 4

_TASK_LIMIT = 60.0
"""Seconds for the agent to send the task after this process has started; usually none."""

_SIGNAL_LIMIT = 1.0
"""Seconds after which a signal is handled at the latest. Its handler runs only in the main thread
(Python's `signal`, "Signals and threads"), and a signal to another thread does not wake that."""

_ACKNOWLEDGE_LIMIT = 1200.0
"""Seconds for the agent to acknowledge the last report. It is longer than Mesos's recovery timeout:
the agent may be away, and be restarted, until the link to it is lost."""

_SHUTDOWN_ACKNOWLEDGE_LIMIT = 1.0
"""Seconds for the agent to acknowledge the last report after SHUTDOWN. If the framework was
removed, the agent acknowledges nothing any more."""

_REMOVAL_TIME = 2.0
"""Seconds of the shutdown grace that are kept for the removal and for the last report."""

_REPORT_TIME = 1.0
"""Seconds of them that are kept for the last report, if docker does not remove the container."""

_LOOK = 0.5
"""Seconds between checks whether there still is an agent to acknowledge the last report."""

logger = logging.getLogger(__name__)

CourseMaker = Callable[[Attempt, Reporter, StopSignal], Course]


class Link(Protocol):
    """What the service needs of the driver."""

    def stop(self) -> None:
        """Close the link to the agent."""
        ...

    def send_update(self, status: Mapping[str, Any]) -> None:
        """Send a status, again and again until the agent has acknowledged it. Never raises."""
        ...

    def wait_acknowledged(self, timeout: float) -> bool:
        """Block until every status is acknowledged, at most `timeout` seconds."""
        ...


def describe_isolation(confined: Confinement) -> Isolation:
    """Return the isolation to report before the agent's network and groups were checked."""
    return Isolation(
        allowed=tuple(map(str, confined.allowed)),
        required=confined.required,
        builds=confined.builds,
        fetches=confined.fetches,
    )


class Service:
    """Runs one task. Calls `make_course` on the attempt's own thread."""

    def __init__(
        self,
        config: Config,
        link: Link,
        inbox: queue.SimpleQueue[Event],
        make_course: CourseMaker,
    ) -> None:
        self._config = config
        self._link = link
        self._inbox = inbox
        self._make_course = make_course
        self._signals = StopSignal()
        self._reporter: Reporter | None = None
        self._stop_grace = 0.0
        self._is_shutdown = False
        self._attempting = False
        self._exit_code = EXIT_DONE

    @property
    def is_over(self) -> bool:
        """Whether no attempt runs in this process."""
        return not self._attempting

    def run(self) -> int:
        """Serve until the task has ended; return the exit code of this process."""
        try:
            while self._handle(self._next()):
                pass
            return self._exit_code
        finally:
            self._link.stop()

    def _next(self) -> Event:
        deadline = time.monotonic() + _TASK_LIMIT
        while self._reporter or time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                return self._inbox.get(timeout=_SIGNAL_LIMIT)
        logger.warning("the agent sent no task within %g s", _TASK_LIMIT)
        self._exit_code = EXIT_NO_TASK
        return ShutDown()

    def _handle(self, event: Event) -> bool:
        """Handle one event; return whether to wait for another one."""
        if isinstance(event, Ended):
            self._report_end(event.outcome)
            return False
        if isinstance(event, Launched):
            self._launch(event.task)
        elif isinstance(event, Killed):
            self._end(self._stop_grace if event.grace is None else event.grace)
        elif isinstance(event, ShutDown):
            self._is_shutdown = True
            self._expire_in(self._config.shutdown_grace - _REPORT_TIME)
            self._end(self._shutdown_grace())
        else:
            logger.error("the agent is lost: %s", event.reason)
            self._exit_code = EXIT_LOST
            self._end(self._shutdown_grace())
        return self._reporter is not None

    def _expire_in(self, seconds: float) -> None:
        """Report the end after so many seconds at most. The watchdog removes what is left then."""
        if self._reporter is None:
            return
        timer = threading.Timer(max(0.0, seconds), self._inbox.put, (Ended(None),))
        timer.daemon = True
        timer.start()

    def _shutdown_grace(self) -> float:
        return min(self._stop_grace, max(0.0, self._config.shutdown_grace - _REMOVAL_TIME))

    def _launch(self, task: Mapping[str, Any]) -> None:
        if self._reporter is not None:
            logger.error("one executor runs one task; ignored %s", task_id(task))
            return
        isolation = describe_isolation(self._config.confined)
        self._reporter = Reporter(task_id(task), self._link.send_update, isolation)
        try:
            attempt = read_task(task, self._config.cluster)
        except ExecutorError as exc:
            self._inbox.put(Ended(exc))
            return
        logger.info("the attempt begins")
        self._stop_grace = attempt.order.stop_grace
        self._attempting = True
        arguments = (attempt, self._reporter)
        threading.Thread(target=self._attempt, args=arguments, daemon=True, name="attempt").start()

    def _attempt(self, attempt: Attempt, reporter: Reporter) -> None:
        outcome: Outcome
        try:
            course = self._make_course(attempt, reporter, self._signals)
        except Exception:
            # Report any error: a task without an end keeps its resources for good.
            logger.exception("the attempt could not begin")
            outcome = ExecutorError("The executor could not start; its stderr has the details.")
        else:
            outcome = course.run()
        self._attempting = False
        self._inbox.put(Ended(outcome))

    def _end(self, grace: float) -> None:
        if self._reporter is not None:
            self._reporter.killing("It is stopping.")
            self._signals.stop(grace)

    def _report_end(self, outcome: Outcome) -> None:
        if self._reporter is None or self._exit_code == EXIT_LOST:
            return
        logger.info("the attempt has ended: %s", last_status(outcome)[2])
        self._reporter.ended(outcome)
        if not self._is_acknowledged():
            logger.error("the agent did not acknowledge the last report")

    def _is_acknowledged(self) -> bool:
        """Wait until the agent has acknowledged the last report or has given us up."""
        if not self._is_shutdown:
            for _ in range(round(_ACKNOWLEDGE_LIMIT / _LOOK)):
                if self._link.wait_acknowledged(_LOOK):
                    return True
                if self._is_agent_gone():
                    break
        return self._link.wait_acknowledged(_SHUTDOWN_ACKNOWLEDGE_LIMIT)

    def _is_agent_gone(self) -> bool:
        """Return whether the agent is lost or has sent SHUTDOWN."""
        try:
            event = self._inbox.get_nowait()
        except queue.Empty:
            return False
        return isinstance(event, (Lost, ShutDown))
