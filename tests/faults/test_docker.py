"""dockerd dies and comes back, with its containers or without."""

import pytest

from tests.fakes.dockerd import OwnDockerd
from tests.faults.conftest import RUNNING
from tests.faults.fleet import Fleet
from tests.faults.recovery import Recovery
from tests.faults.system import System
from tests.faults.visitors import Seen

pytestmark = [pytest.mark.faults, pytest.mark.night, pytest.mark.timeout(300)]


def test_after_a_dockerd_that_was_killed_every_preview_runs_again_and_nothing_is_left(
    system: System, fleet: Fleet, seen: Seen, dockerd: OwnDockerd, recovery: Recovery
) -> None:
    before = fleet.tasks()
    recovery.begin()
    dockerd.kill()
    dockerd.start()
    for label in fleet.labels:
        fleet.wait_replaced(label, before[label])
    recovery.end("dockerd killed and restarted")
    system.settle(running=RUNNING)
    for task in before.values():
        assert "ocker" in system.failure_reason(task), "the reason names docker"


def test_with_live_restore_nothing_ends_with_dockerd(
    system: System, fleet: Fleet, seen: Seen, dockerd: OwnDockerd, recovery: Recovery
) -> None:
    old = fleet.tasks()
    dockerd.stop()
    dockerd.start(live_restore=True)
    for label in fleet.labels:
        fleet.wait_replaced(label, old[label])
    system.settle(running=RUNNING)

    before = fleet.tasks()
    recovery.begin()
    dockerd.kill()
    dockerd.start(live_restore=True)
    fleet.start_another()
    recovery.end("dockerd killed and restarted, with live-restore")
    fleet.stop_another()
    system.settle(running=RUNNING)
    assert fleet.tasks() == before
