"""The life of this process: it gets a task, runs its attempt on a thread, and reports its end.

After a job it may get another task, and so on; never two at a time. The thread that calls run()
owns all state; others put events into the inbox.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from executor.attempt.attempt import Attempt
from executor.attempt.course import Course
from executor.attempt.reporter import Reporter
from executor.attempt.task_states import Outcome, last_status
from executor.config import Config
from executor.errors import ExecutorError
from executor.limits.confinement import Confinement
from executor.mesos import (
    Ended,
    Event,
    Killed,
    Launched,
    Lost,
    MessageReceived,
    Registered,
    ShutDown,
)
from executor.signals import StopSignal
from prevs.codec import RecordError
from prevs.messages import BuildOrder, Isolation
from prevs.work import may_linger

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


class Courses(Protocol):
    """Makes the courses of attempts, one after the other."""

    def make(self, attempt: Attempt, reporter: Reporter, signals: StopSignal) -> Course:
        """Return the course of an attempt, on the attempt's own thread."""
        ...

    def finish(self) -> bool:
        """Release all that the attempt had, which has ended; return whether nothing is left."""
        ...

    def offer_ports(self, ports: Sequence[tuple[int, int]]) -> None:
        """Take the spans of ports that the agent offers."""
        ...

    def tell(self, data: bytes) -> None:
        """Take a message of the framework. Does not block."""
        ...


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


class _Running:
    """The task that runs, or was the last to run."""

    def __init__(self, task_id: str, reporter: Reporter) -> None:
        self.id = task_id
        self.reporter = reporter
        self.signals = StopSignal()
        self.stop_grace = 0.0
        self.linger = 0.0


class Service:
    """Runs one task after the other. Calls `on_task` with the id of each, before it logs anything.

    A preview's task is the only one. After a job, the service waits for another one for as long as
    the job's order says, but only if nothing went wrong.
    """

    def __init__(
        self,
        config: Config,
        link: Link,
        inbox: queue.SimpleQueue[Event],
        courses: Courses,
        *,
        on_task: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._config = config
        self._link = link
        self._inbox = inbox
        self._courses = courses
        self._on_task = on_task
        self._early: deque[Event] = deque()
        self._last: _Running | None = None
        self._runs = False
        self._until = time.monotonic() + _TASK_LIMIT
        self._is_shutdown = False
        self._attempting = False
        self._exit_code = EXIT_DONE

    @property
    def is_over(self) -> bool:
        """Whether no attempt runs in this process."""
        return not self._attempting

    def run(self) -> int:
        """Serve until the last task has ended; return the exit code of this process."""
        try:
            while self._handle(self._next()):
                pass
            return self._exit_code
        finally:
            self._link.stop()

    def _next(self) -> Event:
        if self._early:
            return self._early.popleft()
        while self._runs or time.monotonic() < self._until:
            limit = _SIGNAL_LIMIT
            if not self._runs:
                limit = min(limit, max(0.0, self._until - time.monotonic()))
            with contextlib.suppress(queue.Empty):
                return self._inbox.get(timeout=limit)
        if self._last is None:
            logger.warning("the agent sent no task within %g s", _TASK_LIMIT)
            self._exit_code = EXIT_NO_TASK
        else:
            logger.info("no other job has come")
        return ShutDown()

    def _handle(self, event: Event) -> bool:
        """Handle one event; return whether to wait for another one."""
        if isinstance(event, Ended):
            return self._finish(event.outcome)
        if isinstance(event, Registered):
            self._courses.offer_ports(event.ports)
            return True
        if isinstance(event, MessageReceived):
            self._courses.tell(event.data)
            return True
        if isinstance(event, Launched):
            self._launch(event.task)
        elif isinstance(event, Killed):
            return self._kill(event)
        elif isinstance(event, ShutDown):
            self._is_shutdown = True
            self._expire_in(self._config.shutdown_grace - _REPORT_TIME)
            self._end(self._shutdown_grace())
        else:
            logger.error("the agent is lost: %s", event.reason)
            self._exit_code = EXIT_LOST
            self._end(self._shutdown_grace())
        return self._runs

    def _kill(self, event: Killed) -> bool:
        """End the last task, or this process if that has ended. Kills may come late, and twice."""
        if self._last is None or self._last.id == event.task_id:
            self._end(self._last_grace() if event.grace is None else event.grace)
            return self._runs
        return True

    def _expire_in(self, seconds: float) -> None:
        """Report the end after so many seconds at most. The watchdog removes what is left then."""
        if not self._runs:
            return
        timer = threading.Timer(max(0.0, seconds), self._inbox.put, (Ended(None),))
        timer.daemon = True
        timer.start()

    def _last_grace(self) -> float:
        return self._last.stop_grace if self._last else 0.0

    def _shutdown_grace(self) -> float:
        return min(self._last_grace(), max(0.0, self._config.shutdown_grace - _REMOVAL_TIME))

    def _launch(self, task: Mapping[str, Any]) -> None:
        if self._runs:
            logger.error("an executor runs one task at a time; ignored %s", task_id(task))
            return
        self._on_task(task_id(task))
        isolation = describe_isolation(self._config.confined)
        reporter = Reporter(task_id(task), self._link.send_update, isolation)
        running = self._last = _Running(task_id(task), reporter)
        self._runs = True
        try:
            attempt = read_task(task, self._config.cluster)
        except ExecutorError as exc:
            self._inbox.put(Ended(exc))
            return
        logger.info("the attempt begins")
        running.stop_grace = attempt.order.stop_grace
        running.linger = attempt.order.work.linger if attempt.order.work else 0.0
        self._attempting = True
        arguments = (attempt, reporter, running.signals)
        threading.Thread(target=self._attempt, args=arguments, daemon=True, name="attempt").start()

    def _attempt(self, attempt: Attempt, reporter: Reporter, signals: StopSignal) -> None:
        outcome: Outcome
        try:
            course = self._courses.make(attempt, reporter, signals)
        except Exception:
            # Report any error: a task without an end keeps its resources for good.
            logger.exception("the attempt could not begin")
            outcome = ExecutorError("The executor could not start; its stderr has the details.")
        else:
            outcome = course.run()
        self._attempting = False
        self._inbox.put(Ended(outcome))

    def _end(self, grace: float) -> None:
        if self._last is not None and self._runs:
            self._last.reporter.killing("It is stopping.")
            self._last.signals.stop(grace)

    def _finish(self, outcome: Outcome) -> bool:
        """Report the end of the task; return whether to wait for the next task."""
        if self._last is None or not self._report_end(self._last, outcome):
            return False
        if not _may_linger(self._last, outcome) or not self._courses.finish():
            return False
        self._runs = False
        self._until = time.monotonic() + self._last.linger
        return True

    def _report_end(self, running: _Running, outcome: Outcome) -> bool:
        """Report the end of a task; return whether the agent knows of it and stays."""
        if self._exit_code == EXIT_LOST:
            return False
        logger.info("the attempt has ended: %s", last_status(outcome)[2])
        running.reporter.ended(outcome)
        is_acknowledged = self._is_acknowledged()
        if not is_acknowledged:
            logger.error("the agent did not acknowledge the last report")
        return is_acknowledged and not self._is_shutdown

    def _is_acknowledged(self) -> bool:
        """Wait until the agent has acknowledged the last report or has given us up."""
        if not self._is_shutdown:
            for _ in range(round(_ACKNOWLEDGE_LIMIT / _LOOK)):
                if self._link.wait_acknowledged(_LOOK):
                    return True
                if self._is_agent_gone():
                    self._is_shutdown = True
                    break
        return self._link.wait_acknowledged(_SHUTDOWN_ACKNOWLEDGE_LIMIT)

    def _is_agent_gone(self) -> bool:
        """Return whether the agent is lost or has sent SHUTDOWN."""
        try:
            event = self._inbox.get_nowait()
        except queue.Empty:
            return False
        if isinstance(event, (Lost, ShutDown)):
            return True
        self._early.append(event)
        return False


def _may_linger(running: _Running, outcome: Outcome) -> bool:
    """Return whether this process may take another task after one that has ended so."""
    if outcome is None or running.signals.stopped:
        return False
    cause = outcome.cause if isinstance(outcome, ExecutorError) else None
    return running.linger > 0 and may_linger(cause)


def read_task(task: Mapping[str, Any], cluster: str | None) -> Attempt:
    """Return the attempt of a TaskInfo. Raises ExecutorError if it holds no build order."""
    try:
        order = BuildOrder.decode(base64.b64decode(task["data"], validate=True))
    except (KeyError, binascii.Error, RecordError) as exc:
        raise ExecutorError(
            f"This executor cannot read the task's build order ({exc}). The framework and the "
            "executor may have different versions."
        ) from exc
    agent = str(task.get("agent_id", {}).get("value", ""))
    return Attempt(task_id(task), agent, cluster, order)


def task_id(task: Mapping[str, Any]) -> str:
    """Return the id of a TaskInfo."""
    return str(task["task_id"]["value"])
