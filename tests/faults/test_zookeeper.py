"""ZooKeeper goes away and comes back: visitors are served all along."""

import signal
import time

import pytest

from local import processes
from tests.faults.fleet import Fleet
from tests.faults.recovery import Recovery
from tests.faults.system import System
from tests.faults.visitors import Seen

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("seconds", [5, 60])
def test_visitors_are_served_while_zookeeper_is_away(
    system: System, fleet: Fleet, seen: Seen, seconds: int, recovery: Recovery
) -> None:
    before, download = fleet.tasks(), fleet.download("b01", seconds + 5)
    system.hold("zookeeper")
    time.sleep(seconds)
    recovery.begin()
    system.let_go("zookeeper")
    fleet.start_another()
    recovery.end(f"zookeeper away for {seconds} s")
    fleet.stop_another()
    assert fleet.tasks() == before
    assert download.outcome() is None
    assert seen.lost == []


def test_sessions_that_expire_cost_no_visitor_a_request(
    system: System, fleet: Fleet, seen: Seen, recovery: Recovery
) -> None:
    before, download = fleet.tasks(), fleet.download("b01", 25)
    leader = system.process(system.leader())
    system.signal("zookeeper", signal.SIGSTOP)
    try:
        time.sleep(15)  # longer than any session: when it goes on it ends all of them
    finally:
        recovery.begin()
        system.signal("zookeeper", signal.SIGCONT)
    system.wait_for(lambda: not processes.is_alive(leader), "the leader ends")
    fleet.start_another()
    recovery.end("zookeeper sessions expired")
    fleet.stop_another()
    assert fleet.tasks() == before
    assert download.outcome() is None
    assert seen.lost == []
