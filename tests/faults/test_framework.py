"""Frameworks die or hang: what runs goes on, and the next one decides from the records."""

import pytest

from tests.faults.fleet import Fleet
from tests.faults.recovery import Recovery
from tests.faults.system import System
from tests.faults.visitors import Seen

pytestmark = pytest.mark.faults


def test_when_the_leader_is_killed_another_one_leads_and_all_goes_on(
    system: System, fleet: Fleet, seen: Seen, recovery: Recovery
) -> None:
    before, download = fleet.tasks(), fleet.download("b01", 5)
    recovery.begin()
    leader = system.leader()
    system.kill(leader)
    fleet.start_another()
    recovery.end("leader killed")
    fleet.stop_another()
    assert system.leader() != leader
    assert fleet.tasks() == before
    assert download.outcome() is None
    assert seen.lost == []
