"""Runs one attempt: image, hooks, container, health check, and its end."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple, NoReturn

from executor.attempt.attempt import Attempt, container_spec, image_labels
from executor.attempt.health import HealthCheck
from executor.attempt.hooks import Hooks
from executor.attempt.image_provider import PUSH_END, ImageProvider, ImageSources
from executor.attempt.shutdown import end_container
from executor.errors import (
    AgentUnfit,
    AppExited,
    ExecutorError,
    ImageMissing,
    OutOfMemory,
    Stopped,
)
from executor.ports import (
    Checkout,
    Container,
    Containers,
    Exit,
    Images,
    Log,
    Probe,
    Registry,
    Reports,
    Signals,
    Volume,
    Volumes,
)
from prevs import names
from prevs.states import Phase

_SLOW_CHECK = 1.0
"""Seconds after which the health check is reported. The agent forwards a report only when the one
before is acknowledged, so each report before TASK_RUNNING may delay it."""

_LOOK = 5.0
"""Seconds between checks whether memory ran out in the container. Its end wakes the wait."""

_LOOK_AGAIN = 60.0
"""The same after a report, so that an application whose workers die again and again is not reported
each time."""

_END_IS_KNOWN = 2.0
"""Seconds after which docker has reported a container's end."""

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

logger = logging.getLogger(__name__)


class AttemptTools(NamedTuple):
    """What an attempt works with.

    `checkout` is called only for a build. `make_room` is called before that: it frees space on the
    agent's disks if it must, calls its argument then, and raises Stopped. `registry` is None if
    images are not shared.
    """

    checkout: Callable[[], Checkout]
    make_room: Callable[[Callable[[], None]], None]
    images: Images
    containers: Containers
    volumes: Volumes
    probe: Probe
    reports: Reports
    log: Log
    signals: Signals
    now: Callable[[], float]
    registry: Registry | None = None


class Job:
    """One attempt, performed on the thread that calls run(). `push_end` is ImageProvider's."""

    def __init__(
        self, attempt: Attempt, tools: AttemptTools, *, push_end: float = PUSH_END
    ) -> None:
        self._attempt = attempt
        self._order = attempt.order
        self._tools = tools
        sources = ImageSources(tools.checkout, tools.make_room, tools.images, tools.registry)
        self._provider = ImageProvider(
            attempt, sources, reports=tools.reports, log=tools.log, push_end=push_end
        )

    def run(self) -> ExecutorError | None:
        """Run the attempt until it ends; return why it failed, None if it was stopped.

        Blocks while the application runs. Never raises. Leaves no container.
        """
        try:
            self._perform()
        except Stopped:
            return None
        except ExecutorError as exc:
            # An error during a stop is part of the stop.
            return None if self._tools.signals.stopped else exc
        except Exception as exc:
            # Report any error: a task without an end keeps its resources for good.
            logger.exception("the attempt failed with an unexpected error")
            if isinstance(exc, OSError) and exc.errno in _MACHINES_FAULT:
                return AgentUnfit(f"its system reports: {exc.strerror}")
            return ExecutorError(
                "The executor itself failed; its stderr in the sandbox has the details."
            )
        finally:
            self._tools.log.flush()

    def _perform(self) -> NoReturn:
        if count := self._order.withheld:
            self._tools.log.header(
                f"left out: {count} of the app's variables, which are for other branches and tags "
                f"(`prevs env ls {self._order.app}`)"
            )
        if not self._order.trusted:
            self._tools.log.header(
                "this commit comes from a fork: it gets no variables, secrets and shared images"
            )
        container = self._begin()
        try:
            self._check(container)
            with self._provider.sharing():
                self._watch(container)
        finally:
            end_container(container, self._tools.signals)
            self._provider.wait_for_push()

    def _begin(self) -> Container:
        """Start the application; return its container."""
        try:
            return self._try_to_begin()
        except ImageMissing:
            # It was removed after the check: by hand, or by another agent on this docker.
            return self._try_to_begin()

    def _try_to_begin(self) -> Container:
        self._tools.signals.check()
        self._provider.ensure()
        self._tools.signals.check()
        return self._start(self._prepare())

    def _prepare(self) -> Sequence[Volume]:
        """Create the volumes and run the hooks; return the volumes."""
        tools, order = self._tools, self._order
        volumes: Sequence[Volume] = ()
        if order.run.volumes:
            labels = image_labels(self._attempt)
            owner = names.volume_owner(order.app, trusted=order.trusted)
            volumes = tools.volumes.have(
                owner, order.sha, order.run.volumes, labels, app_created=order.app_created
            )
        hooks = Hooks(
            self._attempt,
            containers=tools.containers,
            volumes=tools.volumes,
            reports=tools.reports,
            log=tools.log,
            signals=tools.signals,
            now=tools.now,
        )
        hooks.run(volumes)
        tools.signals.check()
        return volumes

    def _start(self, volumes: Sequence[Volume]) -> Container:
        tools = self._tools
        tools.reports.progress(Phase.STARTING, "Starting the container.")
        tools.log.header(f"starting {self._provider.shown}")
        spec = container_spec(self._attempt, volumes)
        return tools.containers.start(spec, on_exit=tools.signals.wake)

    def _check(self, container: Container) -> None:
        """Wait until the application passes its health check; report it. Raises ExecutorError."""
        tools, order = self._tools, self._order
        began = tools.now()
        check = HealthCheck(
            *(order.health, order.container_port, began, order.start_limit, order.run.statuses),
            kind=order.run.health_kind,
        )
        reported = False
        while True:
            answer = tools.probe.check()
            if (ended := container.exit()) is not None:
                raise self._exited(ended, answered=False)
            if check.passes(answer):
                message = f"{order.app} answers."
                took = tools.now() - began
                tools.reports.running(message, checked=took, protocol=answer.protocol)
                return
            check = check.after(answer)
            if check.over(tools.now()):
                raise check.failure()
            lasts = tools.now() - began
            if not reported and lasts >= _SLOW_CHECK:
                tools.reports.progress(Phase.CHECKING, f"{check.goal}.", lasts=lasts)
                reported = True
            tools.signals.wait(check.pause(tools.now()))

    def _watch(self, container: Container) -> NoReturn:
        reported, pause = 0, _LOOK
        while (ended := container.exit()) is None:
            self._tools.signals.wait(pause)
            kills, pause = container.memory_kills(), _LOOK
            if kills > reported:
                # If the application itself was killed, its end shows it.
                self._tools.signals.wait(_END_IS_KNOWN)
                if container.exit() is None:
                    self._report_kills(kills)
                    reported, pause = kills, _LOOK_AGAIN
        raise self._exited(ended, answered=True)

    def _report_kills(self, kills: int) -> None:
        times = "once" if kills == 1 else f"{kills:,} times"
        self._tools.log.header(
            f"memory ran out: the kernel has killed a process of the application {times} since "
            f"the start, at its {self._order.mem} MB; the application keeps running"
        )
        self._tools.reports.short_of_memory(kills)

    def _exited(self, ended: Exit, *, answered: bool) -> ExecutorError:
        if ended.out_of_memory:
            return OutOfMemory(ended.code, self._order.mem)
        return AppExited(ended.code, answered=answered)
