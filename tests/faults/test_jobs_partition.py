"""An agent is away, and the executor of a job with its container is not: nobody can tell them."""

from collections.abc import Iterator

import pytest

from tests.faults.job_group import JobGroup
from tests.faults.recovery import Recovery
from tests.faults.sites import Site
from tests.faults.system import System

pytestmark = [pytest.mark.faults, pytest.mark.night, pytest.mark.timeout(300)]

TIMEOUT = 85
"""Seconds: the framework gives the attempt up after 75, and so before it has ended by itself."""
SCRIPT = "if [ $PREVS_TRY = 1 ]; then exec /bin/busybox sleep 600; fi"


@pytest.fixture
def cut_off(system: System) -> Iterator[list[str]]:
    """The agents that are away; they are there again after the test."""
    away: list[str] = []
    yield away
    for agent in away:
        system.let_go(agent)


def test_an_exclusive_job_starts_elsewhere_only_after_its_timeout_has_ended_the_first_attempt(
    system: System, workplace: Site, cut_off: list[str], recovery: Recovery
) -> None:
    system.wait_up()
    jobs = JobGroup(system, workplace)
    jobs.request(SCRIPT, [{"exclusive": "books", "timeout": TIMEOUT}])
    [first] = jobs.wait_running(1)
    agent = f"agent-{first['agent']['host'].rpartition('.')[2]}"
    cut_off.append(agent)
    recovery.begin()
    system.hold(agent)

    def given_up() -> bool:
        return bool(jobs.find()[0]["state"] == "queued")

    system.wait_for(given_up, "the attempt is given up")
    assert first["task_id"] in system.observer.containers(running=True), "it still runs"
    gone = f"the container of {first['task_id']} has ended, with its agent away"
    system.wait_for(
        lambda: first["task_id"] not in system.observer.containers(),
        gone,
        over=lambda: "it runs elsewhere" if jobs.find()[0]["tries"] > 1 else None,
    )
    [ended] = jobs.wait_ended()
    recovery.end("job on an agent that is cut off: it has run elsewhere")
    assert system.part(agent)["pid"] is None
    assert (ended["state"], ended["tries"], ended["failures"]) == ("succeeded", 2, 0)
    assert ended["began"] >= first["began"] + TIMEOUT
    assert ended["agent"]["host"] != first["agent"]["host"]

    system.let_go(agent)
    system.wait_up()
    system.settle()
    assert jobs.find() == [ended], "what the first attempt reports late changes nothing"
    assert jobs.count_starts()[0] == 2
