"""An agent's process dies and comes back soon, or late, or never."""

import shutil
import signal
from collections.abc import Iterator

import pytest

from local import processes
from tests.faults.conftest import RUNNING
from tests.faults.docker_daemon import Dockerd
from tests.faults.fleet import Fleet
from tests.faults.recovery import Recovery
from tests.faults.system import System
from tests.faults.visitors import Seen

pytestmark = pytest.mark.faults


@pytest.fixture
def agent(system: System, fleet: Fleet) -> Iterator[str]:
    """The agent of `b01`; it is there again after the test."""
    name = fleet.agent("b01")
    yield name
    system.let_go(name)


def test_an_agent_that_restarts_in_time_finds_its_tasks_untouched(
    system: System, fleet: Fleet, seen: Seen, agent: str, recovery: Recovery
) -> None:
    before, download = fleet.tasks(), fleet.download("b01", 5)
    containers = set(system.observer.containers())
    recovery.begin()
    system.kill(agent)
    system.wait_up()
    system.settle(running=RUNNING)
    recovery.end("agent killed and restarted")
    assert fleet.tasks() == before
    assert set(system.observer.containers()) == containers
    assert download.outcome() is None
    assert seen.lost == []


def test_an_agent_that_returns_late_finds_its_previews_elsewhere_and_ends_its_own(
    system: System, fleet: Fleet, seen: Seen, agent: str, recovery: Recovery
) -> None:
    before, moved = fleet.tasks(), fleet.on(agent)
    others = fleet.elsewhere(agent)
    recovery.begin()
    system.hold(agent)
    for label in moved:
        fleet.wait_replaced(label, before[label])
        assert fleet.agent(label) != agent
    recovery.end("agent away: previews run elsewhere")
    recovery.begin()
    system.let_go(agent)
    system.wait_up()
    system.settle(running=RUNNING)
    recovery.end("agent back: its surplus is ended")
    assert not {before[label] for label in moved} & set(system.observer.containers())
    assert seen.lost_of(*others) == []


def test_previews_of_an_agent_that_is_gone_for_good_run_on_others(
    system: System, fleet: Fleet, seen: Seen, agent: str, dockerd: Dockerd, recovery: Recovery
) -> None:
    before, moved = fleet.tasks(), fleet.on(agent)
    others = fleet.elsewhere(agent)
    recovery.begin()
    system.hold(agent)
    for label in moved:
        for process in system.executor_of(before[label]):
            processes.send(process, signal.SIGKILL)
        dockerd.end_container(before[label])
    for label in moved:
        fleet.wait_replaced(label, before[label])
    recovery.end("agent gone for good: previews run elsewhere")
    assert seen.lost_of(*others) == []
    # A new machine in its place: it knows nothing of the old one.
    shutil.rmtree(system.folder / agent / "agents")
    dockerd.remove_containers({before[label] for label in moved})
