"""executor/data/turn.py: one preview after the other has the data of a branch."""

import pytest

from executor.data.turn import LIMIT, wait_for_turn
from executor.errors import DataInUse, Stopped
from tests.fakes.attempts import JumpingSignals, MemoryLog, RecordingReports

WAITS = "waits until 5c80e7d of the same branch has stopped: they share its data"


class ScriptedLock:
    """The data of a branch, which another attempt has until a time."""

    def __init__(self, signals: JumpingSignals, until: float, holder: str = "5c80e7d" + 33 * "0"):
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


class Turn:
    """An attempt that waits for the data of main."""

    def __init__(self, until: float, holder: str = "5c80e7d" + 33 * "0") -> None:
        self.signals, self.log, self.reports = JumpingSignals(), MemoryLog(), RecordingReports()
        self.lock = ScriptedLock(self.signals, until, holder)

    def wait(self) -> None:
        wait_for_turn(
            self.lock,
            "main",
            reports=self.reports,
            log=self.log,
            signals=self.signals,
            now=self.signals.now,
        )


def test_data_that_nobody_has_are_taken_without_a_word() -> None:
    turn = Turn(0.0)
    turn.wait()
    assert turn.lock.taken_at == 0.0
    assert (turn.reports.details, turn.log.headers) == ([], [])


def test_it_says_whom_it_waits_for_and_goes_on_once_that_has_stopped() -> None:
    turn = Turn(7.0)
    turn.wait()
    assert turn.lock.taken_at == pytest.approx(7.0, abs=0.3)
    assert turn.reports.details == [WAITS]
    assert turn.log.headers == [f"{WAITS} (main)"]


def test_a_holder_that_nobody_knows_is_another_commit() -> None:
    turn = Turn(1.0, holder="")
    turn.wait()
    assert turn.reports.details == [WAITS.replace("5c80e7d", "another commit")]


def test_data_that_stay_in_use_end_the_attempt_with_the_next_step() -> None:
    turn = Turn(LIMIT + 60.0)
    with pytest.raises(DataInUse, match="main are still in use by 5c80e7d"):
        turn.wait()
    assert turn.lock.taken_at is None


def test_a_stop_ends_the_wait() -> None:
    turn = Turn(60.0)
    turn.signals.plan(3.0, turn.signals.stop)
    with pytest.raises(Stopped):
        turn.wait()
    assert turn.signals.now() == 3.0
