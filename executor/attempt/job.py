"""Performs one attempt: commit, image, container, health, and then its end."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple, NoReturn

from executor.attempt.attempt import Attempt, container_spec, image_labels
from executor.attempt.ending import end_container
from executor.attempt.health import Checking
from executor.attempt.hooks import Hooks
from executor.attempt.image_supply import Sources, Supply
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
from prevs.states import Phase

_SLOW_CHECK = 1.0
"""Seconds after which the health check is worth a report: the agent passes a report on only when
the one before is acknowledged, so each one that precedes TASK_RUNNING may delay it."""

_LOOK = 5.0
"""Seconds between looks at whether memory ran out in a container; its end wakes the wait."""

_LOOK_AGAIN = 60.0
"""The same after something was told: an application whose workers die again and again is not told
of each time."""

_END_IS_KNOWN = 2.0
"""Seconds in which docker tells of a container's end."""

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
"""Errors of the system that no commit can be to blame for."""

logger = logging.getLogger(__name__)


class Tools(NamedTuple):
    """What an attempt works with.

    `checkout` is called only where there is something to build, and `make_room` before that: it
    sees to the agent's disks, calls what it is given where it has to, and raises Stopped.
    `registry` is None where images are not shared.
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
    """One attempt, performed on the thread that calls run()."""

    def __init__(self, attempt: Attempt, tools: Tools) -> None:
        self._attempt = attempt
        self._order = attempt.order
        self._tools = tools
        sources = Sources(tools.checkout, tools.make_room, tools.images, tools.registry)
        self._supply = Supply(attempt, sources, reports=tools.reports, log=tools.log)

    def run(self) -> ExecutorError | None:
        """Perform the attempt until it ends; return why it failed, None if it was told to end.

        Blocks for as long as the application runs. Never raises. No container is left.
        """
        try:
            self._perform()
        except Stopped:
            return None
        except ExecutorError as exc:
            # What goes wrong while it is being ended is part of its end.
            return None if self._tools.signals.stopped else exc
        except Exception as exc:
            # Whatever it is, the framework must hear of it: a task without an end holds its share.
            logger.exception("the attempt failed in a way that nobody thought of")
            if isinstance(exc, OSError) and exc.errno in _MACHINES_FAULT:
                return AgentUnfit(f"its system says: {exc.strerror}")
            return ExecutorError(
                "The executor failed by itself; its stderr in the sandbox has the details."
            )
        finally:
            self._tools.log.flush()

    def _perform(self) -> NoReturn:
        if count := self._order.withheld:
            self._tools.log.header(
                f"left out: {count} of the app's variables, which are for other branches and tags "
                f"(`prevs env ls {self._order.app}`)"
            )
        container = self._begin()
        try:
            self._check(container)
            with self._supply.sharing():
                self._watch(container)
        finally:
            end_container(container, self._tools.signals)
            self._supply.settle()

    def _begin(self) -> Container:
        """Return the container of the application, started."""
        try:
            return self._try_to_begin()
        except ImageMissing:
            # Removed since it was looked for: by hand, or by another agent that has this docker.
            return self._try_to_begin()

    def _try_to_begin(self) -> Container:
        self._tools.signals.check()
        self._supply.ensure()
        self._tools.signals.check()
        return self._start(self._prepare())

    def _prepare(self) -> Sequence[Volume]:
        """Run what has to run before the application; return the volumes that it gets."""
        tools, order = self._tools, self._order
        volumes: Sequence[Volume] = ()
        if order.run.volumes:
            labels = image_labels(self._attempt)
            volumes = tools.volumes.have(
                order.app, order.sha, order.run.volumes, labels, app_created=order.app_created
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
        tools.log.header(f"starting {self._supply.shown}")
        spec = container_spec(self._attempt, volumes)
        return tools.containers.start(spec, on_exit=tools.signals.wake)

    def _check(self, container: Container) -> None:
        """Wait until the application passes its health check, and report that. Raises why not."""
        tools, order = self._tools, self._order
        began = tools.now()
        known = Checking(
            *(order.health, order.container_port, began, order.start_limit, order.run.statuses),
            kind=order.run.health_kind,
        )
        told = False
        while True:
            answer = tools.probe.ask()
            if (ended := container.exit()) is not None:
                raise self._exited(ended, answered=False)
            if known.passes(answer):
                message = f"{order.app} answers."
                took = tools.now() - began
                tools.reports.running(message, checked=took, protocol=answer.protocol)
                return
            known = known.saw(answer)
            if known.over(tools.now()):
                raise known.failure()
            lasts = tools.now() - began
            if not told and lasts >= _SLOW_CHECK:
                tools.reports.progress(Phase.CHECKING, f"{known.waits}.", lasts=lasts)
                told = True
            tools.signals.wait(known.pause(tools.now()))

    def _watch(self, container: Container) -> NoReturn:
        told, pause = 0, _LOOK
        while (ended := container.exit()) is None:
            self._tools.signals.wait(pause)
            kills, pause = container.memory_kills(), _LOOK
            if kills > told:
                # Where it was the application itself, its end says so.
                self._tools.signals.wait(_END_IS_KNOWN)
                if container.exit() is None:
                    self._tell_kills(kills)
                    told, pause = kills, _LOOK_AGAIN
        raise self._exited(ended, answered=True)

    def _tell_kills(self, kills: int) -> None:
        times = "once" if kills == 1 else f"{kills:,} times"
        self._tools.log.header(
            f"memory ran out: {times} since the start the kernel killed a process of the "
            f"application at its {self._order.mem} MB; it goes on"
        )
        self._tools.reports.short_of_memory(kills)

    def _exited(self, ended: Exit, *, answered: bool) -> ExecutorError:
        if ended.out_of_memory:
            return OutOfMemory(ended.code, self._order.mem)
        return AppExited(ended.code, answered=answered)
