"""Waits until the data of a branch are an attempt's own: two databases on them would spoil them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple, Optional, Protocol

from executor.errors import DataInUse
from executor.ports import Log, Reports, Signals
from prevs import names
from prevs.data_waits import ITS_DATA_ARE_COPIED, THEY_SHARE_ITS_DATA
from prevs.states import Phase

LIMIT = 900.0
"""Seconds to wait. The framework stops the other preview at once, and open requests may take ten
minutes to end."""
_PAUSE = 0.25


class Lock(Protocol):
    """The data of a branch; see executor/data/branch_lock.py. All methods raise ExecutorError."""

    branch: str

    def take(self) -> bool:
        """Take the data; return whether nobody else has them."""
        ...

    def find_holder(self) -> str:
        """Return the commit that has them, "" if it is not known."""
        ...

    def copying(self) -> AbstractContextManager[Lock]:
        """Within the context, the lock is that of the data that are copied."""
        ...


class Beginning(Protocol):
    """What new data begin with; see executor/data/seed.py. Both methods raise ExecutorError."""

    def is_due(self) -> bool:
        """Return whether the branch has no data yet, and there are some to copy."""
        ...

    def copy(self, check: Callable[[], None]) -> None:
        """Copy them; `check` is called again and again, and may raise."""
        ...


class Turn(NamedTuple):
    """One attempt, which waits for data and says so. The framework then stops who has them."""

    reports: Reports
    log: Log
    signals: Signals
    now: Callable[[], float]

    def take(self, lock: Lock, seed: Optional[Beginning] = None) -> None:
        """Return once this attempt alone has the data of its branch; new ones have their `seed`.

        Raises DataInUse, StartFailed, AgentUnfit, DockerUnavailable, Stopped.
        """
        self._wait(lock, f"of the same branch has stopped: {THEY_SHARE_ITS_DATA}")
        if seed is None or not seed.is_due():
            return
        with lock.copying() as source:
            whose = f"of the branch {source.branch}"
            self._wait(source, f"{whose} has stopped: {ITS_DATA_ARE_COPIED}")
            self._tell(f"copies the data {whose}")
            seed.copy(self.signals.check)

    def _wait(self, lock: Lock, what: str) -> None:
        if lock.take():
            return
        holder = lock.find_holder()
        other = names.short(holder) if holder else "another preview"
        self._tell(f"waits until {other} {what}")
        until = self.now() + LIMIT
        while not lock.take():
            if self.now() > until:
                raise DataInUse(lock.branch, other, LIMIT)
            self.signals.wait(_PAUSE)

    def _tell(self, what: str) -> None:
        self.log.header(what)
        self.reports.progress(Phase.STARTING, f"It {what}.", detail=what)
