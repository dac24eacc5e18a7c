"""Runs a commit's hooks: commands that prepare what its application needs, before it starts."""

from __future__ import annotations

import functools
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
        """Run the hooks that are due on these volumes, in order.

        Those that prepare, unless all have succeeded on these volumes before; with the data of a
        branch that counts for one commit, as the next one may have more to do. Then those of a
        release, once for each commit on its data. Then those that seed, once for new data.
        Without volumes nothing keeps what they did, so all run each time. Blocks for the start
        limit per hook at most.
        """
        due = self._list_due(volumes)
        total, number = sum(len(hooks) for hooks, _ in due), 0
        for hooks, note in due:
            for hook in hooks:
                number += 1
                self.signals.check()
                self._run(hook, f"hook {number}/{total}", number, volumes)
            note()

    def _list_due(
        self, volumes: Sequence[Volume]
    ) -> Sequence[tuple[Sequence[Sequence[str]], Callable[[], None]]]:
        """Return the hooks to run, and what notes that all of one kind have succeeded."""
        order, run = self.attempt.order, self.attempt.order.run
        commit = ("commit", order.sha)
        kinds = [
            (run.hooks, [*run.hooks, commit] if order.data else run.hooks),
            (run.release, [("release",), *run.release, commit]),
        ]
        due: list[tuple[Sequence[Sequence[str]], Callable[[], None]]] = [
            (hooks, functools.partial(self.volumes.keep_prepared, volumes, done))
            for hooks, done in kinds
            if hooks and not self.volumes.prepared(volumes, done)
        ]
        if run.seed_hooks and not self.volumes.is_seeded(volumes):
            due.append((run.seed_hooks, functools.partial(self.volumes.note_seeded, volumes)))
        return due

    def _run(
        self, command: Sequence[str], place: str, number: int, volumes: Sequence[Volume]
    ) -> None:
        hook = describe_command(command)
        self.reports.progress(Phase.STARTING, f"Running {place}.", detail=f"{place} {hook}")
        self.log.header(f"{place}: {hook}")
        spec = hook_spec(self.attempt, number, command, volumes)
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
