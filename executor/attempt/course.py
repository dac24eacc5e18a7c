"""Performs one attempt: the image, what runs in it, the end; and says why it failed.

What runs in it is in serve.py for a preview, and in work.py for a job.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from executor.attempt.attempt import Attempt
from executor.attempt.shutdown import end_container
from executor.attempt.task_states import Outcome
from executor.errors import AgentUnfit, ExecutorError, ImageMissing, Stopped
from executor.ports import Container, Finished, Log, Signals

_MACHINES_FAULT = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EROFS,
        errno.EIO,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.EAGAIN,
    }
)
"""Errors of the machine, which no commit can cause."""

IMAGE_GONE = "an image was removed before its container could start: it comes again"
"""What the log says below the header of a start that did not begin."""

logger = logging.getLogger(__name__)


class Use(Protocol):
    """What the container of an attempt is for. All raise ExecutorError, Stopped."""

    def start(self) -> Container:
        """Start it. The image is on the agent; ImageMissing if it is gone by now."""
        ...

    def wait_until_running(self, container: Container) -> None:
        """Wait until the attempt serves or works, and report that."""
        ...

    def watch(self, container: Container) -> Finished:
        """Wait until its work is done. Raises any other end."""
        ...


class Provider(Protocol):
    """Provides the image of an attempt; see executor/attempt/image_provider.py."""

    def ensure(self) -> None:
        """Return once the image is on the agent. Raises ExecutorError, Stopped."""
        ...

    def sharing(self) -> AbstractContextManager[None]:
        """Share the image with other agents, unless that is done. The context's end ends it."""
        ...

    def wait_for_push(self) -> None:
        """Wait a short while for what was cut off to clean up."""
        ...


class Course:
    """The course of one attempt, on the thread that calls run().

    Here is what does not depend on what the container is for. That is its `use`.
    """

    def __init__(
        self,
        attempt: Attempt,
        provider: Provider,
        use: Use,
        *,
        log: Log,
        signals: Signals,
        prepare: Callable[[], None] = lambda: None,
        settle: Callable[[], None] = lambda: None,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        """`prepare` gets what containers need beside the image.

        `settle` is called once nothing of the commit's files is needed any more, `release` once no
        container is left. None of them raises anything but ExecutorError.
        """
        self._release = release
        self._prepare = prepare
        self._settle = settle
        self._order = attempt.order
        self._provider = provider
        self._use = use
        self._log = log
        self._signals = signals

    def run(self) -> Outcome:
        """Run the attempt until it ends; return how it ended.

        Blocks while its container runs. Never raises. Leaves no container.
        """
        try:
            return self._perform()
        except Stopped:
            return None
        except ExecutorError as exc:
            # An error during a stop is part of the stop.
            return None if self._signals.stopped else exc
        except Exception as exc:
            # Report any error: a task without an end keeps its resources for good.
            logger.exception("the attempt failed with an unexpected error")
            if isinstance(exc, OSError) and exc.errno in _MACHINES_FAULT:
                return AgentUnfit(f"its system reports: {exc.strerror}")
            return ExecutorError(
                "The executor itself failed; its stderr in the sandbox has the details."
            )
        finally:
            self._release()
            self._log.flush()

    def _perform(self) -> Finished:
        self._log_restrictions()
        try:
            container = self._begin()
        finally:
            self._settle()
        try:
            self._use.wait_until_running(container)
            with self._provider.sharing():
                return self._use.watch(container)
        finally:
            end_container(container, self._signals, self._order.run.container.stop_grace)
            self._provider.wait_for_push()

    def _log_restrictions(self) -> None:
        """Log what this commit does not get."""
        if count := self._order.withheld:
            self._log.header(
                f"left out: {count} of the app's variables, which are for other branches and tags "
                f"(`prevs env ls {self._order.app}`)"
            )
        if not self._order.trusted:
            self._log.header(
                "this commit comes from a fork: it gets no variables, secrets and shared images"
            )

    def _begin(self) -> Container:
        """Return the container, which has started."""
        try:
            return self._try_to_begin()
        except ImageMissing:
            # It was removed after the check: by hand, or by another agent on this docker.
            self._log.header(IMAGE_GONE)
            return self._try_to_begin()

    def _try_to_begin(self) -> Container:
        self._signals.check()
        self._provider.ensure()
        self._prepare()
        self._signals.check()
        return self._use.start()
