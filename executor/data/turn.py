"""Waits until the data of a branch are an attempt's own: two databases on them would spoil them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from executor.errors import DataInUse
from executor.ports import Log, Reports, Signals
from prevs import names
from prevs.states import Phase

LIMIT = 900.0
"""Seconds to wait. The framework stops the other preview at once, and open requests may take ten
minutes to end."""
_PAUSE = 0.25


class Lock(Protocol):
    """The data of a branch; see executor/data/branch_lock.py. Both raise ExecutorError."""

    def take(self) -> bool:
        """Take the data; return whether nobody else has them."""
        ...

    def find_holder(self) -> str:
        """Return the commit that has them, "" if it is not known."""
        ...


def wait_for_turn(
    lock: Lock,
    branch: str,
    *,
    reports: Reports,
    log: Log,
    signals: Signals,
    now: Callable[[], float],
) -> None:
    """Return once this attempt alone has the data of a branch.

    It reports whom it waits for, upon which the framework stops that one. Raises DataInUse,
    DockerUnavailable, Stopped.
    """
    if lock.take():
        return
    holder = lock.find_holder()
    other = names.short(holder) if holder else "another commit"
    waits = f"waits until {other} of the same branch has stopped: they share its data"
    log.header(f"{waits} ({branch})")
    reports.progress(Phase.STARTING, f"It {waits}.", detail=waits)
    until = now() + LIMIT
    while not lock.take():
        if now() > until:
            raise DataInUse(branch, other, LIMIT)
        signals.wait(_PAUSE)
