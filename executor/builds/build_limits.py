"""What the steps of a build may use of their agent, and whether that was too little for one.

An executor that may make control groups has one for each app's builds. One that may not, as it is
no root, uses what the operator has made: the group that is named, or provision/systemd's slice.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Optional

from executor.builds.build_group import GroupRefused, Tree, held
from executor.builds.build_watch import BuildWatch
from executor.limits import cgroup
from executor.limits.cgroup import Budget
from executor.limits.confinement import Confinement

_KILLED = 137
"""How a shell's command ends that was killed."""


class Limits:
    """Of one build: the control group ("": none) of its steps, and why there is none.

    `budget` is what an app's builds have there, None in a group that its operator has made.
    """

    def __init__(
        self,
        group: str,
        problem: str = "",
        *,
        watch: Optional[BuildWatch] = None,
        budget: Optional[Budget] = None,
    ) -> None:
        self.group = group
        self.problem = problem
        self._watch = watch
        self._budget = budget

    def over(self) -> None:
        """Look a last time, as the build has ended."""
        if self._watch is not None:
            self._watch.stop()

    def shortage(self, exit_code: Optional[int]) -> str:
        """Return a sentence of what a build that failed was short of, "" where it was of nothing.

        Where all apps share what was short, another one's build may have been killed: of this one
        it says so only where it ended as if it was.
        """
        watch, budget = self._watch, self._budget
        if watch is None:
            return ""
        if watch.was_out_of_memory():
            if budget and watch.had_all_its_memory():
                return (
                    "The build ran out of memory: all builds of this app may use "
                    f"{budget.memory:,} MB at a time (the agents' PREVS_BUILD_MEMORY)."
                )
            if exit_code == _KILLED:
                whose = "all builds of an agent" if budget else f"its control group {self.group}"
                return f"The build ran out of memory: there is no more for {whose}."
        if watch.was_out_of_processes():
            if budget is None:
                return f"The build had as many processes as its group {self.group} may have."
            ended = ", and was ended" if watch.has_ended_it else ""
            return (
                f"The build had all {budget.processes:,} processes that all builds of this app may "
                f"have at a time{ended}."
            )
        return ""


def find_problem(confined: Confinement) -> Optional[str]:
    """Return why builds would not be limited here, None where they would be. Changes nothing."""
    tree = Tree()
    if confined.build_group:
        return None if tree.is_limited(confined.build_group) else _missing(confined.build_group)
    problem = tree.find_problem()
    return None if problem and tree.is_limited(cgroup.SLICE) else problem


def _missing(group: str) -> str:
    return f"it has no control group {group} with limits"


@contextlib.contextmanager
def limiting(confined: Confinement, labels: Mapping[str, str]) -> Iterator[Limits]:
    """Give the limits of a build of an image with these labels while the context lasts."""
    tree = Tree()
    if confined.build_group:
        with _found(tree, confined.build_group) as limits:
            yield limits
        return
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    of_all, of_app = cgroup.budgets(machine, confined.build_memory)
    group = cgroup.app_group(labels.get("prevs.cluster", ""), labels.get("prevs.app", ""))
    with contextlib.ExitStack() as stack:
        problem = tree.find_problem()
        if problem is None:
            try:
                stack.enter_context(held(tree, group, of_all, of_app))
            except GroupRefused as exc:
                problem = f"it may make no control group: {exc}"
        if problem is None:
            watch = stack.enter_context(BuildWatch(tree, group, ends=True).watching())
            yield Limits(group, watch=watch, budget=of_app)
        elif tree.is_limited(cgroup.SLICE):
            yield stack.enter_context(_found(tree, cgroup.SLICE))
        else:
            yield Limits("", problem)


@contextlib.contextmanager
def _found(tree: Tree, group: str) -> Iterator[Limits]:
    if not tree.is_limited(group):
        yield Limits("", _missing(group))
        return
    with BuildWatch(tree, group, ends=False).watching() as watch:
        yield Limits(group, watch=watch)
