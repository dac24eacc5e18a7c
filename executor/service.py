"""The life of this process: one task, its attempt on a thread, one end, and the way out.

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
from executor.attempt.job import Job, Tools
from executor.attempt.reporter import Reporter
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
"""Seconds for the agent to send the task after this process began; it does so at once."""

_SIGNAL_LIMIT = 1.0
"""Seconds after which a signal is seen at the latest: its handler runs in the main thread alone
(Python's `signal`, "Signals and threads"), and what another thread gets does not wake that."""

_ACKNOWLEDGE_LIMIT = 1200.0
"""Seconds for the agent to confirm the last report: longer than Mesos's recovery timeout, for it
may be away, and be restarted, for as long as the link to it is not lost."""

_HASTY_ACKNOWLEDGE_LIMIT = 1.0
"""Seconds for the agent to confirm the last report after SHUTDOWN: one whose framework was removed
confirms nothing any more."""

_REMOVAL_TIME = 2.0
"""Seconds of the agent's patience that are kept for removing the container and the last report."""

_REPORT_TIME = 1.0
"""Seconds of them that are kept for the last report, should docker not let go of the container."""

_LOOK = 0.5
"""Seconds between looks at whether there is an agent still that may confirm the last report."""

logger = logging.getLogger(__name__)

ToolMaker = Callable[[Attempt, Reporter, StopSignal], Tools]


class Link(Protocol):
    """What the service asks of the driver."""

    def stop(self) -> None:
        """Close the link to the agent."""
        ...

    def send_update(self, status: Mapping[str, Any]) -> None:
        """Keep a status until the agent has acknowledged it; never raises."""
        ...

    def wait_acknowledged(self, timeout: float) -> bool:
        """Block until every status is acknowledged, at most `timeout` seconds."""
        ...


def tell(confined: Confinement) -> Isolation:
    """Return what a framework is told of an agent before anything was looked at there."""
    return Isolation(
        allowed=tuple(map(str, confined.allowed)),
        required=confined.required,
        builds=confined.builds,
        fetches=confined.fetches,
    )


class Service:
    """Runs one task. `make_tools` is called on the attempt's own thread."""

    def __init__(
        self,
        config: Config,
        link: Link,
        inbox: queue.SimpleQueue[Event],
        make_tools: ToolMaker,
    ) -> None:
        self._config = config
        self._link = link
        self._inbox = inbox
        self._make_tools = make_tools
        self._signals = StopSignal()
        self._reporter: Reporter | None = None
        self._stop_grace = 0.0
        self._hasty = False
        self._attempting = False
        self._exit_code = EXIT_DONE

    @property
    def is_over(self) -> bool:
        """Tell whether no attempt goes on in this process."""
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
        """Act on one event; return whether there is anything left to wait for."""
        if isinstance(event, Ended):
            self._report_end(event.error)
            return False
        if isinstance(event, Launched):
            self._launch(event.task)
        elif isinstance(event, Killed):
            self._end(self._stop_grace if event.grace is None else event.grace)
        elif isinstance(event, ShutDown):
            self._hasty = True
            self._expire_in(self._config.shutdown_grace - _REPORT_TIME)
            self._end(self._hasty_grace())
        else:
            logger.error("the agent is lost: %s", event.reason)
            self._exit_code = EXIT_LOST
            self._end(self._hasty_grace())
        return self._reporter is not None

    def _expire_in(self, seconds: float) -> None:
        """Report an end in time; the watchdog goes on with what has not ended by then."""
        if self._reporter is None:
            return
        timer = threading.Timer(max(0.0, seconds), self._inbox.put, (Ended(None),))
        timer.daemon = True
        timer.start()

    def _hasty_grace(self) -> float:
        return min(self._stop_grace, max(0.0, self._config.shutdown_grace - _REMOVAL_TIME))

    def _launch(self, task: Mapping[str, Any]) -> None:
        if self._reporter is not None:
            logger.error("one executor runs one task; ignored %s", task_id(task))
            return
        isolation = tell(self._config.confined)
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
        error: ExecutorError | None
        try:
            tools = self._make_tools(attempt, reporter, self._signals)
        except Exception:
            # Whatever it is, it must be told: a task without an end holds its share for good.
            logger.exception("the attempt could not begin")
            error = ExecutorError("The executor could not begin; its stderr has the details.")
        else:
            error = Job(attempt, tools).run()
        self._attempting = False
        self._inbox.put(Ended(error))

    def _end(self, grace: float) -> None:
        if self._reporter is not None:
            self._reporter.killing("It was told to end.")
            self._signals.stop(grace)

    def _report_end(self, error: ExecutorError | None) -> None:
        if self._reporter is None or self._exit_code == EXIT_LOST:
            return
        logger.info("the attempt has ended: %s", error or "it was told to")
        self._reporter.ended(error)
        if not self._is_acknowledged():
            logger.error("the agent did not acknowledge the last report")

    def _is_acknowledged(self) -> bool:
        """Wait until the agent has confirmed the last report, or wants to hear of us no more."""
        if not self._hasty:
            for _ in range(round(_ACKNOWLEDGE_LIMIT / _LOOK)):
                if self._link.wait_acknowledged(_LOOK):
                    return True
                if self._is_left():
                    break
        return self._link.wait_acknowledged(_HASTY_ACKNOWLEDGE_LIMIT)

    def _is_left(self) -> bool:
        """Tell whether there is no agent any more that wants to hear of us."""
        try:
            event = self._inbox.get_nowait()
        except queue.Empty:
            return False
        return isinstance(event, (Lost, ShutDown))
