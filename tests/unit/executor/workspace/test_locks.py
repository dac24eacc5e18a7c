"""executor/workspace/locks.py: locks between the attempts of one agent."""

from pathlib import Path

import pytest

from executor.errors import Stopped
from executor.workspace.locks import locked
from tests.fakes.attempts import JumpingSignals


def test_a_lock_can_be_taken_again_when_it_was_let_go(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path / "locks" / "one", JumpingSignals(), busy=pytest.fail):
            pass


def test_a_wait_for_a_lock_calls_busy_once_and_can_be_stopped(tmp_path: Path) -> None:
    waited: list[float] = []
    signals = JumpingSignals()
    signals.plan(5.0, signals.stop)
    with (
        locked(tmp_path / "one", JumpingSignals(), busy=pytest.fail),
        pytest.raises(Stopped),
        locked(tmp_path / "one", signals, busy=lambda: waited.append(signals.now())),
    ):
        pytest.fail("two have it")
    assert waited == [0.0]


def test_locks_with_two_names_are_independent(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "one", JumpingSignals(), busy=pytest.fail),
        locked(tmp_path / "two", JumpingSignals(), busy=pytest.fail),
    ):
        pass
