"""executor/data/turn.py: one preview after the other has the data of a branch."""

import contextlib
from collections.abc import Callable, Iterator

import pytest

from executor.data.turn import LIMIT, Turn
from executor.errors import DataInUse, Stopped
from tests.fakes.attempts import JumpingSignals, MemoryLog, RecordingReports

WAITS = "waits until 5c80e7d of the same branch has stopped: they share its data"


class ScriptedLock:
    """The data of a branch, which another attempt has until a time."""

    def __init__(self, branch: str, signals: JumpingSignals, until: float, holder: str) -> None:
        self.branch = branch
        self.source: ScriptedLock | None = None
        self._signals = signals
        self._until = until
        self._holder = holder
        self.taken_at: float | None = None

    def take(self) -> bool:
        if self._signals.now() < self._until:
            return False
        self.taken_at = self._signals.now()
        return True

    def find_holder(self) -> str:
        return self._holder

    @contextlib.contextmanager
    def copying(self) -> Iterator["ScriptedLock"]:
        assert self.source
        yield self.source
        self.source.taken_at = None


class ScriptedSeed:
    """What the data of a branch begin with, if it is due."""

    def __init__(self, lock: ScriptedLock, *, is_due: bool = True) -> None:
        self._lock = lock
        self._is_due = is_due
        self.copied_with: float | None = None

    def is_due(self) -> bool:
        return self._is_due

    def copy(self, check: Callable[[], None]) -> None:
        check()
        assert self._lock.source
        self.copied_with = self._lock.source.taken_at


HOLDER = "5c80e7d" + 33 * "0"


class Waiting:
    """An attempt that waits for the data of fix, which begin as those of main."""

    def __init__(self, until: float, holder: str = HOLDER, main_until: float = 0.0) -> None:
        self.signals, self.log, self.reports = JumpingSignals(), MemoryLog(), RecordingReports()
        self.lock = ScriptedLock("fix", self.signals, until, holder)
        self.lock.source = ScriptedLock("main", self.signals, main_until, holder)
        self.seed = ScriptedSeed(self.lock)

    def wait(self, seed: ScriptedSeed | None = None) -> None:
        Turn(self.reports, self.log, self.signals, self.signals.now).take(self.lock, seed)


def test_data_that_nobody_has_are_taken_without_a_word() -> None:
    turn = Waiting(0.0)
    turn.wait()
    assert turn.lock.taken_at == 0.0
    assert (turn.reports.details, turn.log.headers) == ([], [])


def test_it_says_whom_it_waits_for_and_goes_on_once_that_has_stopped() -> None:
    turn = Waiting(7.0)
    turn.wait()
    assert turn.lock.taken_at == pytest.approx(7.0, abs=0.3)
    assert turn.reports.details == [WAITS]
    assert turn.log.headers == [WAITS]


def test_a_holder_that_nobody_knows_is_another_preview() -> None:
    turn = Waiting(1.0, holder="")
    turn.wait()
    assert turn.reports.details == [WAITS.replace("5c80e7d", "another preview")]


def test_data_that_stay_in_use_end_the_attempt_with_the_next_step() -> None:
    turn = Waiting(LIMIT + 60.0)
    with pytest.raises(DataInUse, match="fix are still in use by 5c80e7d"):
        turn.wait()
    assert turn.lock.taken_at is None


def test_a_stop_ends_the_wait() -> None:
    turn = Waiting(60.0)
    turn.signals.plan(3.0, turn.signals.stop)
    with pytest.raises(Stopped):
        turn.wait()
    assert turn.signals.now() == 3.0


def test_new_data_begin_as_those_of_another_branch_once_its_preview_has_stopped() -> None:
    turn = Waiting(0.0, main_until=4.0)
    turn.wait(turn.seed)
    assert turn.seed.copied_with == pytest.approx(4.0, abs=0.3)
    assert turn.reports.details == [
        "waits until 5c80e7d of the branch main has stopped: its data are copied",
        "copies the data of the branch main",
    ]
    assert turn.lock.source
    assert turn.lock.source.taken_at is None, "its preview starts again"


def test_data_that_are_there_are_kept() -> None:
    turn = Waiting(0.0, main_until=4.0)
    seed = ScriptedSeed(turn.lock, is_due=False)
    turn.wait(seed)
    assert (seed.copied_with, turn.signals.now(), turn.reports.details) == (None, 0.0, [])
