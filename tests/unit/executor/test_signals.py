"""executor/signals.py: how an attempt learns that it has to end."""

import threading

import pytest

from executor.errors import Stopped
from executor.signals import StopSignal


@pytest.fixture
def signals() -> StopSignal:
    return StopSignal()


def test_before_a_stop_nothing_is_raised_and_a_notification_ends_one_wait(
    signals: StopSignal,
) -> None:
    signals.check()
    signals.wake()
    signals.wait(1000.0)
    signals.wait(0.0)
    assert not signals.stopped


def test_a_stop_ends_every_later_wait(signals: StopSignal) -> None:
    signals.stop(5.0)
    with pytest.raises(Stopped):
        signals.check()
    with pytest.raises(Stopped):
        signals.wait(1000.0)


def test_a_stop_from_another_thread_ends_the_current_wait(signals: StopSignal) -> None:
    thread = threading.Thread(target=signals.stop, args=(5.0,))
    thread.start()
    with pytest.raises(Stopped):
        signals.wait(1000.0)
    thread.join()


def test_the_earliest_deadline_of_several_stops_holds() -> None:
    signals = StopSignal(now=lambda: 100.0)
    signals.stop(30.0)
    assert signals.grace_left() == 30.0
    signals.stop(2.0)
    assert signals.grace_left() == 2.0
    signals.stop(60.0)
    assert signals.grace_left() == 2.0


def test_a_stop_calls_the_open_interrupts_and_no_closed_one() -> None:
    signals = StopSignal()
    called: list[str] = []
    with signals.interrupting(lambda: called.append("over")):
        pass
    with signals.interrupting(lambda: called.append("now")):
        signals.stop(1.0)
    assert called == ["now"]


def test_work_that_a_stop_would_interrupt_at_once_does_not_begin(signals: StopSignal) -> None:
    signals.stop(1.0)
    with pytest.raises(Stopped), signals.interrupting(lambda: None):
        pytest.fail("it began")


def test_the_wait_for_an_end_ends_with_it(signals: StopSignal) -> None:
    signals.stop(1000.0)
    ended: list[bool] = []

    def end() -> None:
        ended.append(True)
        signals.wake()

    thread = threading.Thread(target=end)
    thread.start()
    signals.wait_for_end(lambda: bool(ended))
    thread.join()
    assert ended


def test_the_wait_for_an_end_ends_with_the_grace(signals: StopSignal) -> None:
    signals.stop(0.0)
    signals.wait_for_end(lambda: False)
    assert signals.grace_left() == 0.0


def test_a_later_stop_cuts_the_wait_for_an_end_short(signals: StopSignal) -> None:
    signals.stop(1000.0)
    thread = threading.Thread(target=signals.stop, args=(0.0,))
    thread.start()
    signals.wait_for_end(lambda: False)
    thread.join()
    assert signals.grace_left() == 0.0
