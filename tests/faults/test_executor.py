"""An executor dies, or the container under it."""

import signal

import pytest

from local.parts import processes
from tests.faults.fleet import Fleet
from tests.faults.recovery import Recovery
from tests.faults.system import System
from tests.faults.visitors import Address, Seen, check_page

pytestmark = [pytest.mark.faults, pytest.mark.night, pytest.mark.timeout(300)]


def test_a_preview_whose_executor_is_killed_runs_again_and_leaves_no_container(
    system: System, fleet: Fleet, seen: Seen, recovery: Recovery
) -> None:
    before, old = fleet.tasks(), fleet.start_another()
    recovery.begin()
    [executor] = system.executor_of(old)
    processes.send(executor, signal.SIGKILL)
    fleet.wait_another(but=old)
    recovery.end("executor killed")
    system.settle()
    fleet.stop_another()
    assert fleet.tasks() == before
    assert seen.lost == []


def test_a_preview_whose_container_is_killed_runs_again_and_shows_why(
    system: System, fleet: Fleet, seen: Seen, recovery: Recovery
) -> None:
    before, old = fleet.tasks(), fleet.start_another()
    recovery.begin()
    system.end_container(old)
    _, label = fleet.another_label
    address = Address(fleet.host(label), fleet.site.page(label))
    assert check_page(system.settings.port, address) is None, (
        "it was not held until the next attempt"
    )
    fleet.wait_another(but=old)
    recovery.end("container killed")
    # Its record has it too, but only for the second until the next attempt.
    assert "137" in system.failure_reason(old)
    system.settle()
    fleet.stop_another()
    assert fleet.tasks() == before
    assert seen.lost == []
