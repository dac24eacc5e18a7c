"""Frameworks die, hang or lose their session: what runs goes on, and one of them decides."""

import signal
from collections.abc import Mapping
from typing import Any

import pytest

from local.parts import processes
from tests.faults.fleet import Fleet
from tests.faults.moments import MOMENTS, Moment
from tests.faults.recovery import Recovery
from tests.faults.system import System
from tests.faults.visitors import Seen

pytestmark = [pytest.mark.faults, pytest.mark.night, pytest.mark.timeout(300)]


def test_when_the_leader_is_killed_another_one_leads_and_all_goes_on(
    system: System, fleet: Fleet, seen: Seen, recovery: Recovery
) -> None:
    before, download = fleet.tasks(), fleet.download("b01", 5)
    leader = system.leader()
    recovery.begin()
    system.kill(leader)
    fleet.start_another()
    recovery.end("leader killed")
    assert system.leader() != leader
    fleet.stop_another()
    assert fleet.tasks() == before
    assert fleet.is_closed("b01")
    assert download.outcome() is None
    assert seen.lost == []


def test_a_leader_that_hangs_is_replaced_and_ends_when_it_goes_on(
    system: System, fleet: Fleet, seen: Seen, recovery: Recovery
) -> None:
    before, leader = fleet.tasks(), system.leader()
    stopped = system.process(leader)
    recovery.begin()
    system.signal(leader, signal.SIGSTOP)
    try:
        fleet.start_another()
        recovery.end("leader stopped")
        assert system.leader() != leader
    finally:
        system.signal(leader, signal.SIGCONT)

    def ended() -> Mapping[str, Any] | None:
        part = system.part(leader)
        return None if part["pid"] == stopped.pid else part

    part = system.wait_for(ended, "the old leader ends")
    assert part["problem"].startswith("exited with status"), "by itself, in order"
    fleet.stop_another()
    assert fleet.tasks() == before
    assert seen.lost == []


def test_visitors_are_served_while_no_framework_lives(
    system: System, fleet: Fleet, seen: Seen, recovery: Recovery
) -> None:
    before, download = fleet.tasks(), fleet.download("b01", 5)
    recovery.begin()
    for framework in system.frameworks:
        system.kill(framework)
    fleet.start_another()
    recovery.end("both frameworks killed")
    fleet.stop_another()
    assert fleet.tasks() == before
    assert download.outcome() is None
    assert seen.lost == []


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_a_leader_killed_in_the_middle_of_a_start_leaves_one_attempt(
    system: System, fleet: Fleet, seen: Seen, moment: Moment, recovery: Recovery
) -> None:
    before, leader = fleet.tasks(), system.leader()
    killed = system.process(leader)
    with moment.strikes(system, fleet.another, lambda: processes.send(killed, signal.SIGKILL)):
        system.start(*fleet.another_label)
    recovery.begin()
    system.wait_for(lambda: system.leader() != leader, "another one leads")
    fleet.wait_another()
    recovery.end(f"leader killed {moment}")
    system.settle()
    fleet.stop_another()
    assert fleet.tasks() == before
    assert seen.lost == []
