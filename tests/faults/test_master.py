"""The Mesos master dies, or stops answering: what runs goes on, and no visitor notices."""

import signal
import time

import pytest

from tests.faults.fleet import Fleet
from tests.faults.recovery import Recovery
from tests.faults.system import System
from tests.faults.visitors import Seen

pytestmark = [pytest.mark.faults, pytest.mark.night, pytest.mark.timeout(300)]

FIVE_HEARTBEATS = 75.0
"""Seconds of silence after which the framework takes the master for gone."""


def test_a_master_that_is_killed_comes_back_to_the_same_tasks(
    system: System, fleet: Fleet, seen: Seen, recovery: Recovery
) -> None:
    before, download = fleet.tasks(), fleet.download("b01", 5)
    recovery.begin()
    system.kill("master")
    fleet.start_another()
    recovery.end("master killed and restarted")
    fleet.stop_another()
    assert fleet.tasks() == before
    assert download.outcome() is None
    assert seen.lost == []


def test_a_master_that_hangs_for_over_five_heartbeats_is_left_and_found_again(
    system: System, fleet: Fleet, seen: Seen, recovery: Recovery
) -> None:
    before = fleet.tasks()
    system.signal("master", signal.SIGSTOP)
    try:
        time.sleep(FIVE_HEARTBEATS + 5)
    finally:
        recovery.begin()
        system.signal("master", signal.SIGCONT)
    fleet.start_another()
    recovery.end("master stopped for 80 s")
    fleet.stop_another()
    assert fleet.tasks() == before
    assert seen.lost == []
