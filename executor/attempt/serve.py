"""Runs an application that serves: volumes, hooks, a container with a port, the health check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, NoReturn
from urllib.parse import urlsplit

from executor.attempt.attempt import BRANCH, Attempt, container_spec, image_labels
from executor.attempt.health import HealthCheck
from executor.errors import AppExited, ExecutorError, OutOfMemory
from executor.ports import (
    Container,
    Containers,
    Exit,
    Log,
    Probe,
    Reports,
    Signals,
    Volume,
    Volumes,
)
from prevs import names
from prevs.containers import ContainerSettings, Keep
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


class Serve(NamedTuple):
    """The part of an attempt's course that serves: its application answers until it is stopped."""

    attempt: Attempt
    containers: Containers
    volumes: Volumes
    probe: Probe
    reports: Reports
    log: Log
    signals: Signals
    now: Callable[[], float]

    def start(self) -> Container:
        """Create the volumes, run the hooks, and start the application; return its container.

        The image is on the agent; ImageMissing if it is gone by now. Blocks while hooks run. If
        this raises, no container is left. Raises ExecutorError, Stopped.
        """
        volumes = self._prepare()
        self.reports.progress(Phase.STARTING, "Starting the container.")
        self.log.header(f"starting {self.attempt.shown_image}")
        spec = container_spec(self.attempt, volumes)
        return self.containers.start(spec, on_exit=self.signals.wake)

    def wait_until_running(self, container: Container) -> None:
        """Wait until the application passes its health check, and report that it runs.

        Blocks for the start limit at most.
        """
        order = self.attempt.order
        began = self.now()
        check = HealthCheck(
            *(order.health, order.container_port, began, order.start_limit, order.run.statuses),
            kind=order.run.health_kind,
            host=order.run.health_host or urlsplit(order.url).netloc,
        )
        reported = False
        while True:
            answer = self.probe.check()
            if (ended := container.exit()) is not None:
                raise self._exited(ended, answered=False)
            if check.passes(answer):
                message = f"{order.app} answers."
                took = self.now() - began
                self.reports.running(message, checked=took, protocol=answer.protocol)
                return
            check = check.after(answer)
            if check.over(self.now()):
                raise check.failure()
            lasts = self.now() - began
            if not reported and lasts >= _SLOW_CHECK:
                self.reports.progress(Phase.CHECKING, f"{check.goal}.", lasts=lasts)
                reported = True
            self.signals.wait(check.pause(self.now()))

    def watch(self, container: Container) -> NoReturn:
        """Watch the application until it ends.

        Raises what exit() of the container raises too.
        """
        reported, pause = 0, _LOOK
        while (ended := container.exit()) is None:
            self.signals.wait(pause)
            kills, pause = container.memory_kills(), _LOOK
            if kills > reported:
                # If the application itself was killed, its end shows it.
                self.signals.wait(_END_IS_KNOWN)
                if container.exit() is None:
                    self._report_kills(kills)
                    reported, pause = kills, _LOOK_AGAIN
        raise self._exited(ended, answered=True)

    def _prepare(self) -> Sequence[Volume]:
        """Create the volumes and run the hooks; return the volumes."""
        order = self.attempt.order
        volumes: Sequence[Volume] = ()
        if order.run.volumes or order.run.container.shared:
            owner = names.volume_owner(order.app, trusted=order.trusted)
            settings = (order.run.keep, order.run.volumes, order.run.container)
            volumes = have_volumes(self.volumes, self.attempt, owner, settings)
        if order.run.has_hooks:
            self._run_hooks(volumes)
        if order.data and not self.volumes.is_seeded(volumes):
            # They are not new for a later commit, which may have hooks that this one has not.
            self.volumes.note_seeded(volumes)
        self.signals.check()
        return volumes

    def _run_hooks(self, volumes: Sequence[Volume]) -> None:
        # Imported only if there are hooks: most commits have none.
        from executor.attempt.hooks import Hooks

        hooks = Hooks(
            self.attempt,
            containers=self.containers,
            volumes=self.volumes,
            reports=self.reports,
            log=self.log,
            signals=self.signals,
            now=self.now,
        )
        hooks.run(volumes)

    def _report_kills(self, kills: int) -> None:
        times = "once" if kills == 1 else f"{kills:,} times"
        self.log.header(
            f"memory ran out: the kernel has killed a process of the application {times} since "
            f"the start, at its {self.attempt.order.mem} MB; the application keeps running"
        )
        self.reports.short_of_memory(kills)

    def _exited(self, ended: Exit, *, answered: bool) -> ExecutorError:
        if ended.out_of_memory:
            return OutOfMemory(ended.code, self.attempt.order.mem)
        return AppExited(ended.code, answered=answered)


def have_volumes(
    volumes: Volumes,
    attempt: Attempt,
    owner: str,
    settings: tuple[Keep, Sequence[str], ContainerSettings],
) -> Sequence[Volume]:
    """Return the volumes of a container; creates those that do not exist.

    `settings` are whose its own volumes are, their paths, which are those of `owner`, and what else
    the commit says of it. A volume that several containers share belongs to the app under its own
    name; no path is one, as paths begin with a slash. Raises StartFailed, AgentUnfit,
    DockerUnavailable.
    """
    keep, paths, container = settings
    order, labels = attempt.order, image_labels(attempt)

    def have(whose: str, wanted: Sequence[str], keep: Keep) -> Sequence[Volume]:
        if not wanted:
            return ()
        key = order.volume_key(keep)
        of_branch = key == order.volume_key(Keep.BRANCH) and bool(order.data)
        own = {**labels, BRANCH: order.data} if of_branch else labels
        found = volumes.have(whose, key, wanted, own, app_created=order.app_created)
        return [one._replace(of_branch=of_branch) for one in found]

    app = names.volume_owner(order.app, trusted=order.trusted)
    of_branch, mounted = order.run.shared_by_branch, []
    for path, name in container.shared.items():
        kept = Keep.BRANCH if name in of_branch else Keep.COMMIT
        mounted += [one._replace(path=path) for one in have(app, [name], kept)]
    return [*have(owner, paths, keep), *mounted]
