"""ZooKeeper goes away and comes back: visitors are served throughout.

Updates of Mesos cannot be stored meanwhile: they are not acknowledged and are sent again.
"""

import functools
import signal
import time

import pytest

from local.parts import processes
from tests.faults.fleet import Fleet
from tests.faults.recovery import Recovery
from tests.faults.system import System
from tests.faults.visitors import Seen

pytestmark = [pytest.mark.faults, pytest.mark.night, pytest.mark.timeout(300)]


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
    with system.excused(system.frameworks):
        # ZooKeeper may get a client's message before it reads the clock.
        while processes.is_alive(leader):
            _expire_sessions(system, recovery)
            processes.wait([leader], 10)
    fleet.start_another()
    recovery.end("zookeeper sessions expired")
    fleet.stop_another()
    assert fleet.tasks() == before
    assert download.outcome() is None
    assert seen.lost == []


def test_a_terminal_update_that_is_sent_again_and_again_counts_once(
    system: System, fleet: Fleet, seen: Seen, recovery: Recovery
) -> None:
    before, old = fleet.tasks(), fleet.start_another()
    attempts = system.observer.attempts(fleet.another)
    system.hold("zookeeper")
    system.end_container(old)
    count_updates = functools.partial(system.observer.count_updates, old, "TASK_FAILED")
    system.wait_for(lambda: count_updates() >= 3, "it is sent again after 10 s, and after 20 more")
    recovery.begin()
    system.let_go("zookeeper")
    fleet.wait_another(but=old)
    recovery.end("an update told three times")
    system.settle()
    assert len(system.observer.attempts(fleet.another) - attempts) == 1
    fleet.stop_another()
    assert fleet.tasks() == before
    assert seen.lost == []


def _expire_sessions(system: System, recovery: Recovery) -> None:
    """Have ZooKeeper sleep for longer than any session: when it goes on, it ends all of them."""
    system.signal("zookeeper", signal.SIGSTOP)
    try:
        time.sleep(15)
    finally:
        recovery.begin()
        system.signal("zookeeper", signal.SIGCONT)
