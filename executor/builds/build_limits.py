"""Limits what the steps of a build may use, and finds out whether a build reached a limit.

An executor that may create control groups creates one for each app's builds. Otherwise, as it is
not root, it uses what the operator has made: the configured group, or provision/systemd's slice.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from typing import Optional

from executor.builds.build_disk import BuildDisk
from executor.builds.build_group import CgroupTree, GroupRefused, held
from executor.builds.build_watch import BuildWatch
from executor.limits import cgroup
from executor.limits.cgroup import Budget
from executor.limits.confinement import Confinement

_KILLED = 137
"""The exit code of a shell's command that was killed."""


class BuildLimits:
    """The control group ("": none) of the steps of one build, and why there is none.

    `budget` is the limit of all builds of the app; None in a group that the operator has made.
    `disk` is what this build may write, in MB.
    """

    def __init__(
        self,
        group: str,
        problem: str = "",
        *,
        watch: Optional[BuildWatch] = None,
        budget: Optional[Budget] = None,
        disk: int = 0,
    ) -> None:
        self._disk = disk
        self.group = group
        self.problem = problem
        self._watch = watch
        self._budget = budget

    def end(self) -> None:
        """Count a last time, as the build has ended."""
        if self._watch is not None:
            self._watch.stop()

    def privileges(self) -> Optional[str]:
        """Return which capabilities its steps had and did not need, None if none was seen."""
        needless = None if self._watch is None else self._watch.needless
        return None if needless is None else " and ".join(needless)

    def shortage(self, exit_code: Optional[int]) -> str:
        """Return a sentence about the limit that a failed build reached, "" if it reached none.

        All apps share some limits, so the kernel may have killed another app's build. Such a limit
        counts only if this build's exit code is that of a killed command.
        """
        watch, budget = self._watch, self._budget
        if watch is None:
            return ""
        if watch.was_over_its_disk():
            return (
                f"The build wrote more than {self._disk:,} MB to the agent's disk and was stopped "
                "(the agents' PREVS_BUILD_DISK)."
            )
        if watch.was_out_of_memory():
            if budget and watch.had_all_its_memory():
                return (
                    "The build ran out of memory: all builds of this app together may use "
                    f"{budget.memory:,} MB (the agents' PREVS_BUILD_MEMORY)."
                )
            if exit_code == _KILLED:
                whose = "all builds of an agent" if budget else f"its control group {self.group}"
                return f"The build ran out of memory: none is left for {whose}."
        if watch.was_out_of_processes():
            if budget is None:
                return f"The build used all processes that its group {self.group} may have."
            ended = ", and was stopped" if watch.has_ended_it else ""
            return (
                f"The build used all {budget.processes:,} processes that the builds of this app "
                f"may have together{ended}."
            )
        return ""


def find_problem(confined: Confinement) -> Optional[str]:
    """Return why builds would not be limited here, None if they would. Changes nothing."""
    tree = CgroupTree()
    if confined.build_group:
        return None if tree.is_limited(confined.build_group) else _missing(confined.build_group)
    problem = tree.find_problem()
    return None if problem and tree.is_limited(cgroup.SLICE) else problem


def _missing(group: str) -> str:
    return f"it has no control group {group} with limits"


@contextlib.contextmanager
def apply_limits(
    confined: Confinement, labels: Mapping[str, str], mark: str = ""
) -> Iterator[BuildLimits]:
    """Give the limits of a build within the context, by the labels of its image.

    `mark` is what its steps carry; without one all steps of the app count as the build's.
    """
    tree = CgroupTree()
    if confined.build_group:
        with _existing(tree, confined.build_group) as limits:
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
                problem = f"it may not create a control group: {exc}"
        if problem is None:
            most = confined.build_disk
            disk = BuildDisk(most, mark, time.time()) if most else None
            watch = BuildWatch(tree, group, ends=True, disk=disk)
            stack.enter_context(watch.watching())
            yield BuildLimits(group, watch=watch, budget=of_app, disk=most)
        elif tree.is_limited(cgroup.SLICE):
            yield stack.enter_context(_existing(tree, cgroup.SLICE))
        else:
            yield BuildLimits("", problem)


@contextlib.contextmanager
def _existing(tree: CgroupTree, group: str) -> Iterator[BuildLimits]:
    if not tree.is_limited(group):
        yield BuildLimits("", _missing(group))
        return
    with BuildWatch(tree, group, ends=False).watching() as watch:
        yield BuildLimits(group, watch=watch)
