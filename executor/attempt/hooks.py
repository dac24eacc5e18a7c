"""Runs a commit's hooks: commands that prepare what its application needs, before it starts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

from executor.attempt.attempt import Attempt, describe_command, hook_spec
from executor.attempt.shutdown import end_container
from executor.errors import HookFailed
from executor.ports import Container, Containers, Exit, Log, Reports, Signals, Volume, Volumes
from prevs.states import Phase

logger = logging.getLogger(__name__)


class Hooks(NamedTuple):
    """The hooks of one attempt, each in a container of its own like the application's."""

    attempt: Attempt
    containers: Containers
    volumes: Volumes
    reports: Reports
    log: Log
    signals: Signals
    now: Callable[[], float]

    def run(self, volumes: Sequence[Volume]) -> None:
        """Run the hooks in order, unless all have succeeded on these volumes before.

        With the data of a branch, that counts for one commit: the next one may have more to do.
        Without volumes nothing keeps what they did, so they run each time. Blocks for the start
        limit per hook at most.
        """
        order = self.attempt.order
        hooks = order.run.hooks
        done = [*hooks, ("commit", order.sha)] if order.data else hooks
        if self.volumes.prepared(volumes, done):
            return
        for number in range(1, len(hooks) + 1):
            self.signals.check()
            self._run(number, volumes)
        self.volumes.keep_prepared(volumes, done)

    def _run(self, number: int, volumes: Sequence[Volume]) -> None:
        hooks = self.attempt.order.run.hooks
        hook = describe_command(hooks[number - 1])
        place = f"hook {number}/{len(hooks)}"
        self.reports.progress(Phase.STARTING, f"Running {place}.", detail=f"{place} {hook}")
        self.log.header(f"{place}: {hook}")
        spec = hook_spec(self.attempt, number, volumes)
        container = self.containers.start(spec, on_exit=self.signals.wake)
        try:
            ended = self._wait(container)
        finally:
            end_container(container, self.signals)
        self._judge(hook, ended)

    def _wait(self, container: Container) -> Exit | None:
        """Return how it ended, None if it did not end within the limit."""
        deadline = self.now() + self.attempt.order.start_limit
        while (ended := container.exit()) is None and self.now() < deadline:
            self.signals.wait(deadline - self.now())
        return ended

    def _judge(self, hook: str, ended: Exit | None) -> None:
        order = self.attempt.order
        if ended is None:
            raise HookFailed(hook, f"did not end within {order.start_limit:g} s")
        if ended.out_of_memory:
            raise HookFailed(
                hook,
                f"was killed because it used more than its {order.mem} MB of memory",
                ended.code,
            )
        if ended.code is None:
            raise HookFailed(hook, "ended while Docker did not answer")
        if ended.code != 0:
            raise HookFailed(hook, f"exited with code {ended.code}", ended.code)
