"""How the next effects of a framework fail: its calls to Mesos and writes to the store."""

import enum
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

from framework.errors import Unavailable
from framework.ports import Record
from framework.ports.jobs import JobsRecord
from tests.fakes.job_store import FakeJobStore, Place
from tests.fakes.store import FakeStore, FakeZnodes

T = TypeVar("T")


class Died(BaseException):
    """The framework's process ends at this moment; nothing in it can catch that."""


class Fate(enum.Enum):
    """The outcome of one effect."""

    GOOD = "done"
    DIES_BEFORE = "the process dies before it is done"
    DIES_AFTER = "the process dies when it is done"
    REFUSED = "not done, and that is told"
    LOST = "not done, and nobody tells"
    UNANSWERED = "done, and nobody tells"


class Mishaps:
    """The fates of the next effects, in order; `met` counts the bad ones."""

    def __init__(self) -> None:
        self._plan: deque[Fate] = deque()
        self.met = 0

    def plan(self, fates: Sequence[Fate]) -> None:
        """Replace the planned fates by these."""
        self._plan = deque(fates)

    def carry_out(self, act: Callable[[], T], *, refused: Exception, unknown: Exception) -> T:
        """Do `act`, or what its fate says: raise `refused` or `unknown`, or Died."""
        fate = self._plan.popleft() if self._plan else Fate.GOOD
        self.met += fate is not Fate.GOOD
        if fate is Fate.DIES_BEFORE:
            raise Died
        if fate is Fate.REFUSED:
            raise refused
        if fate is Fate.LOST:
            raise unknown
        result = act()
        if fate is Fate.DIES_AFTER:
            raise Died
        if fate is Fate.UNANSWERED:
            raise unknown
        return result


class FrailJobStore(FakeJobStore):
    """The same for jobs: its writes have fates."""

    def __init__(self, places: dict[Place, JobsRecord], mishaps: Mishaps) -> None:
        super().__init__(places)
        self._mishaps = mishaps

    def write(self, records: Sequence[JobsRecord], *, deleted: Sequence[JobsRecord] = ()) -> None:
        away = Unavailable("ZooKeeper")
        self._mishaps.carry_out(
            lambda: super(FrailJobStore, self).write(records, deleted=deleted),
            refused=away,
            unknown=away,
        )


class FrailStore(FakeStore):
    """A store whose writes have fates. Without an answer it reads what was written."""

    def __init__(self, znodes: FakeZnodes, mishaps: Mishaps) -> None:
        super().__init__(znodes)
        self.jobs = FrailJobStore(self.znodes.jobs, mishaps)
        self._mishaps = mishaps

    def save_all(self, records: Sequence[Record]) -> None:
        self._try(lambda: super(FrailStore, self).save_all(records))

    def delete(self, record: Record) -> None:
        self._try(lambda: super(FrailStore, self).delete(record))

    def save_framework_id(self, framework_id: str) -> None:
        self._try(lambda: super(FrailStore, self).save_framework_id(framework_id))

    def _try(self, act: Callable[[], None]) -> None:
        away = Unavailable("ZooKeeper")
        self._mishaps.carry_out(act, refused=away, unknown=away)
