"""Agents die and come back soon, or late, or never."""

import shutil
import signal
from collections.abc import Iterator

import pytest

from local.parts import processes
from prevs.states import State
from tests.faults.conftest import RUNNING
from tests.faults.fleet import Fleet
from tests.faults.moments import Moment
from tests.faults.recovery import Recovery
from tests.faults.system import System
from tests.faults.visitors import Seen

pytestmark = [pytest.mark.faults, pytest.mark.night, pytest.mark.timeout(300)]


@pytest.fixture
def agents(system: System, fleet: Fleet) -> Iterator[list[str]]:
    """All agents, those with most of the fleet first; they are there again after the test."""
    names = [f"agent-{number}" for number in system.settings.agent_numbers]
    yield sorted(names, key=lambda name: -len(fleet.on(name)))
    for name in names:
        system.let_go(name)


def test_an_agent_that_restarts_in_time_finds_its_tasks_untouched(
    system: System, fleet: Fleet, seen: Seen, agents: list[str], recovery: Recovery
) -> None:
    before, download = fleet.tasks(), fleet.download("b01", 5)
    containers = set(system.observer.containers())
    recovery.begin()
    system.kill(fleet.agent("b01"))
    system.wait_up()
    system.settle(running=RUNNING)
    recovery.end("agent killed and restarted")
    assert fleet.tasks() == before
    assert fleet.is_closed("b01")
    assert set(system.observer.containers()) == containers
    assert download.outcome() is None
    assert seen.lost == []


def test_previews_of_a_lost_agent_run_on_others_and_it_ends_its_own_when_it_returns(
    system: System, fleet: Fleet, seen: Seen, agents: list[str], recovery: Recovery
) -> None:
    before, (late, gone) = fleet.tasks(), agents[:2]
    of_late, of_gone = fleet.on(late), fleet.on(gone)
    recovery.begin()
    system.hold(late)  # its executors and containers go on
    system.hold(gone)
    for label in of_gone:
        for process in system.executor_of(before[label], watchdog=True):
            processes.send(process, signal.SIGKILL)
        system.end_container(before[label])
    for label in [*of_late, *of_gone]:
        fleet.wait_replaced(label, before[label])
        assert fleet.agent(label) not in {late, gone}
    recovery.end("agent gone: its previews run elsewhere")

    # In place of the one that is gone comes a new machine, which knows nothing of it.
    shutil.rmtree(system.folder / gone / "agents")
    system.remove_containers({before[label] for label in of_gone})
    recovery.begin()
    system.let_go(gone)
    system.let_go(late)
    system.wait_up()
    system.settle(running=RUNNING)
    recovery.end("agent back: its surplus is ended")
    assert not {before[label] for label in of_late} & set(system.observer.containers())
    assert seen.lost_of(*fleet.hosts_but(of_gone)) == []


@pytest.mark.parametrize(
    "moment",
    [
        Moment(State.QUEUED, 0.0, "before the match"),
        Moment(State.PLACED, 0.0, "with the intent written"),
    ],
    ids=str,
)
def test_an_offer_that_is_rescinded_while_a_preview_is_matched_costs_no_start(
    system: System, fleet: Fleet, seen: Seen, moment: Moment, recovery: Recovery
) -> None:
    before = fleet.tasks()
    agents = [system.process(f"agent-{n}") for n in system.settings.agent_numbers]

    def kill_agents() -> None:
        """Have the master rescind every offer, of the chosen agent too."""
        for process in agents:
            processes.send(process, signal.SIGKILL)

    with moment.strikes(system, fleet.another, kill_agents):
        system.start(*fleet.another_label)
    recovery.begin()
    fleet.wait_another()
    recovery.end(f"all agents restarted {moment}")
    system.wait_up()
    system.settle(running=RUNNING + 1)
    fleet.stop_another()
    assert fleet.tasks() == before
    assert seen.lost == []
