"""Runs the command of a job to its exit, or to its time limit, and takes what it left."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import functools
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from executor.attempt import job_progress
from executor.attempt.attempt import Attempt, container_spec, describe_command, identity
from executor.errors import DiskFull, DockerUnavailable, ExecutorError, Stopped
from executor.job_errors import (
    CommandExited,
    EndUnknown,
    JobDiskFull,
    JobOutOfMemory,
    ResultUnusable,
    TimedOut,
)
from executor.ports import (
    Container,
    Containers,
    ContainerSpec,
    Exit,
    Finished,
    Left,
    Log,
    Reports,
    Signals,
)
from prevs import names
from prevs import work as job_files
from prevs.artifacts import MOST
from prevs.messages import BuildOrder
from prevs.states import Phase

logger = logging.getLogger(__name__)


class Work(NamedTuple):
    """The part of an attempt's course that works: its command runs to its exit.

    `work` is that of the attempt's order. What the command leaves as artifacts goes to the folder
    `artifacts`. A start is slow after `slow` seconds.
    """

    attempt: Attempt
    work: job_files.Work
    containers: Containers
    reports: Reports
    log: Log
    signals: Signals
    now: Callable[[], float]
    artifacts: Path
    slow: float = 1.0

    def start(self) -> Container:
        """Start the command; return its container.

        The image is on the agent; ImageMissing if it is gone by now. If this raises, no container
        is left. Raises ExecutorError, Stopped.
        """
        self.signals.check()
        if self.work.before:
            self.log.header(f"the try before this one: {self.work.before}")
        self.log.header(f"running {describe_command(self.work.command)}")
        spec = work_spec(self.attempt, self.work)
        with self._reporting_start():
            return self.containers.start(spec, on_exit=self.signals.wake)

    @contextlib.contextmanager
    def _reporting_start(self) -> Iterator[None]:
        """Within the context, report that the command starts.

        Every report is stored, and the next one waits for that. So where an executor takes one job
        after another, it comes only if the start is slow. For a job that runs once it says that the
        command may have begun; such a job has an executor of its own (docs/decisions/0100).
        """
        report = functools.partial(self.reports.progress, Phase.STARTING, "Starting the command.")
        if names.find_number(self.attempt.task_id) <= 1:
            report()
            yield
            return
        slow = threading.Timer(self.slow, report)
        slow.daemon = True
        slow.start()
        try:
            yield
        finally:
            slow.cancel()

    def wait_until_running(self, container: Container) -> None:
        """Report that the command runs: its container has started, and nothing else is needed."""
        del container
        self.reports.running("It runs its command.")

    def watch(self, container: Container) -> Finished:
        """Wait until the command ends, and take what it left. Ends it at its time limit.

        Depends on nobody but docker: neither on the agent nor on the master. Raises CommandExited,
        JobOutOfMemory, JobDiskFull, TimedOut, ResultUnusable, EndUnknown, DockerUnavailable,
        Stopped.
        """
        deadline = self.now() + self.work.timeout
        try:
            with self._following(container):
                ended = self._wait(container, deadline)
            return self._judge(container, ended)
        except DiskFull as exc:
            if type(exc) is not DiskFull:
                raise  # it says more already
            raise JobDiskFull(exc.limit) from exc

    @contextlib.contextmanager
    def _following(self, container: Container) -> Iterator[None]:
        """Within the context, report what the command says about its progress.

        On a thread of its own, as docker may be slow and the time limit must not wait for it.
        """
        over = threading.Event()
        threading.Thread(
            target=job_progress.follow,
            args=(container.read_progress, self.reports.progressed, over.wait),
            daemon=True,
            name="progress",
        ).start()
        try:
            yield
        finally:
            over.set()

    def _wait(self, container: Container, deadline: float) -> Exit:
        """Return how the command ended."""
        try:
            while (ended := container.exit()) is None and self.now() < deadline:
                self.signals.wait(deadline - self.now())
        except Stopped:
            return self._end_stopped(container)
        return self._end_late(container) if ended is None else ended

    def _end_late(self, container: Container) -> Exit:
        """End the command at its time limit. Return its exit if it had ended by itself before."""
        try:
            was_running = container.terminate()
        except DockerUnavailable:
            logger.exception("its removal will end it")
            was_running = True
        if was_running:
            self.log.header(
                f"it has run for {self.work.timeout:g} s, which is its timeout: it is ended"
            )
        until = self.now() + self.attempt.order.stop_grace
        while (ended := container.exit()) is None and self.now() < until:
            self.signals.wait(until - self.now())
        if was_running or ended is None:
            raise self._with_result(TimedOut(self.work.timeout), container)
        return ended

    def _end_stopped(self, container: Container) -> Exit:
        """End the command, as the attempt was stopped.

        But return how it ended if it had succeeded before: then the job has its result.
        """
        was_running = container.exit() is None and container.terminate()
        self.signals.wait_for_end(lambda: container.exit() is not None)
        ended = container.exit()
        if was_running or ended is None or ended.code != 0:
            raise Stopped
        return ended

    def _judge(self, container: Container, ended: Exit) -> Finished:
        if ended.is_removed:
            raise EndUnknown("its container was removed, and not by prevs.")
        if ended.code is None:
            raise EndUnknown("Docker did not answer then.")
        if ended.code != 0:
            failed: ExecutorError = CommandExited(ended.code)
            if ended.out_of_memory:
                failed = JobOutOfMemory(ended.code, self.attempt.order.mem)
            raise self._with_result(failed, container)
        left = self._take(container)
        if left.result is None:
            raise ResultUnusable(left.problem)
        return Finished(left.result, job_progress.parse(left.progress))

    def _with_result(self, failed: ExecutorError, container: Container) -> ExecutorError:
        """Keep what a command left that has failed; return the failure with its result.

        The failure matters more than the leftovers.
        """
        try:
            if container.exit() is not None:
                left = self._take(container)
                failed.result = left.result or b""
                if left.result is None:
                    self.log.header(f"its result cannot be used: {left.problem}")
        except ExecutorError:
            logger.exception("what the command left is lost")
        return failed

    def _take(self, container: Container) -> Left:
        left = container.take(self.artifacts)
        if left.artifacts:
            files = "file" if left.artifacts == 1 else "files"
            self.log.header(f"kept {left.artifacts:,} {files} of {job_files.ARTIFACTS_FOLDER}")
        if left.left_out:
            self.log.header(
                f"left out {left.left_out:,} entries of {job_files.ARTIFACTS_FOLDER}: only plain "
                f"files with readable names are kept, {MOST:,} at most, and no more than the disk "
                "limit allows"
            )
        return left


def work_spec(attempt: Attempt, work: job_files.Work) -> ContainerSpec:
    """Return the container of a job: like a preview's, but nobody can reach it."""
    payload = None if work.payload is None else base64.b64decode(work.payload, validate=True)
    return dataclasses.replace(
        container_spec(attempt),
        command=work.command,
        environment=_environment(attempt.order, work),
        ports=(),
        exchange={} if payload is None else {Path(job_files.PAYLOAD_FILE).name: payload},
        stdin=payload if work.stdin else None,
    )


def _environment(order: BuildOrder, work: job_files.Work) -> Mapping[str, str]:
    """Return the variables of a job's container. Ours override the job's, those the app's.

    Beside companions it has all that the application has, its port too.
    """
    found = {
        **order.run.environment,
        **order.given_to_containers,
        **work.variables,
        **work.environment,
        **identity(order),
        "PREVS_JOB": work.job,
        "PREVS_TRY": str(work.number),
        "PREVS_RESULT_FILE": job_files.RESULT_FILE,
        "PREVS_PROGRESS_FILE": job_files.PROGRESS_FILE,
    }
    if order.container_port:
        found["PORT"] = str(order.container_port)
    if work.nominal is not None:
        found["PREVS_NOMINAL"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(work.nominal))
    if work.payload is not None:
        found["PREVS_PAYLOAD_FILE"] = job_files.PAYLOAD_FILE
    return found
