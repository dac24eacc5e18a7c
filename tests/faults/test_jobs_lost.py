"""Something dies while many jobs run: each ends once, or says why it does not start again."""

import signal
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from local.parts import processes
from local.parts.processes import Identity
from tests.fakes.dockerd import OwnDockerd
from tests.faults.job_group import Job, JobGroup
from tests.faults.recovery import Recovery
from tests.faults.sites import Site
from tests.faults.system import System

pytestmark = [pytest.mark.faults, pytest.mark.night, pytest.mark.timeout(300)]

JOBS = 20
"""Ten of them run at a time: an app may have no more."""
STRUCK = 6
"""So many run at least when something dies."""
SCRIPT = "echo $PREVS_TRY; exec /bin/busybox sleep 3"
TERMS: Sequence[dict[str, Any]] = [{"once": number % 3 == 0} for number in range(JOBS)]
LOST = {"task-lost", "executor-failed", "docker-unavailable", "agent-unfit"}

Strike = Callable[[System, OwnDockerd, Sequence[Job]], None]


def kill_leader(system: System, dockerd: OwnDockerd, running: Sequence[Job]) -> None:
    del dockerd, running
    system.kill(system.leader())


def kill_master(system: System, dockerd: OwnDockerd, running: Sequence[Job]) -> None:
    del dockerd, running
    system.kill("master")


def kill_agent(system: System, dockerd: OwnDockerd, running: Sequence[Job]) -> None:
    del dockerd
    system.kill(f"agent-{running[0]['agent']['host'].rpartition('.')[2]}")


def kill_executors(system: System, dockerd: OwnDockerd, running: Sequence[Job]) -> None:
    del dockerd
    for job in running[:3]:
        for process in system.executor_of(job["task_id"]):
            processes.send(process, signal.SIGKILL)


def kill_dockerd(system: System, dockerd: OwnDockerd, running: Sequence[Job]) -> None:
    del system, running
    dockerd.kill()
    dockerd.start()


@pytest.mark.parametrize(
    "strike",
    [kill_leader, kill_master, kill_agent, kill_executors, kill_dockerd],
    ids=lambda strike: strike.__name__,
)
def test_each_job_ends_once_or_says_why_it_does_not_start_again(
    system: System, dockerd: OwnDockerd, workplace: Site, strike: Strike, recovery: Recovery
) -> None:
    system.wait_up()
    jobs = JobGroup(system, workplace)
    jobs.request(SCRIPT, TERMS)
    running = jobs.wait_running(STRUCK)
    recovery.begin()
    strike(system, dockerd, running)
    assert jobs.repeat() == jobs.ids, "the same request makes no other jobs, whoever leads"
    ended = jobs.wait_ended()
    recovery.end(f"jobs: {strike.__name__.replace('_', ' ')}")
    system.wait_up()
    system.settle()

    check_ends(jobs, ended)
    starts = jobs.count_starts()
    for number, terms in enumerate(TERMS):
        job = ended[number]
        assert 1 <= starts[number] <= (1 if terms["once"] else job["tries"])
    lost = [number for number, job in enumerate(ended) if job["tries"] > 1]
    if strike in (kill_executors, kill_dockerd):
        assert lost, "it has struck none"
    for number in lost:
        attempts = jobs.show(number)["attempts"]
        assert len(attempts) == ended[number]["tries"]
        assert all(one["cause"] in LOST for one in attempts[1:])


def check_ends(jobs: JobGroup, ended: Sequence[Job]) -> None:
    """Check that all have ended for good, and that no loss counts as a failure of the command."""
    assert set(jobs.count_ends().values()) == {1}
    for number, job in enumerate(ended):
        assert job["failures"] == 0
        if job["state"] == "failed":
            assert TERMS[number]["once"], job
            assert job["failure"]["cause"] in LOST
            assert "`once`" in job["failure"]["message"]
        else:
            assert job["state"] == "succeeded", job


def test_a_job_that_was_launched_just_before_the_master_died_does_not_run_twice(
    system: System, workplace: Site, recovery: Recovery
) -> None:
    """The next master knows nothing of it until its agent registers again."""
    system.wait_up()
    leader = system.settings.log(system.leader())
    jobs = JobGroup(system, workplace)
    jobs.request("true", [{}])

    def freeze() -> Sequence[Identity]:
        task = jobs.find()[0]["task_id"]
        found = system.executor_of(task) if task else []
        for process in found:
            processes.send(process, signal.SIGSTOP)
        return found

    frozen = system.wait_for(freeze, "its executor starts")
    try:
        assert jobs.find()[0]["state"] == "placed", "it has said something already"
        before = leader.read_text().count(" event=subscribed ")
        recovery.begin()
        system.kill("master")
        system.wait_for(
            lambda: leader.read_text().count(" event=subscribed ") > before, "it has a new master"
        )
    finally:
        for process in frozen:
            processes.send(process, signal.SIGCONT)
    [ended] = jobs.wait_ended()
    recovery.end("jobs: kill master, just launched")
    assert (ended["state"], ended["tries"]) == ("succeeded", 1)
    assert jobs.count_starts() == {0: 1}
    system.wait_up()
    system.settle()
