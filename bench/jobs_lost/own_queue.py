"""Our jobs, in a cluster of two agents and two frameworks that may be hurt."""

import contextlib
import itertools
import os
import signal
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from bench.harness.errors import BenchError
from bench.jobs_lost.case import KEEPER, MACHINE, PARENT, WORKER
from bench.jobs_lost.containers import Containers, as_runs
from bench.jobs_lost.runs import Run, Said
from bench.jobs_lost.small_work import SECONDS
from local.parts import processes
from local.parts.processes import Identity
from prevs import names
from prevs.environment import read_environment
from tests.fakes.dockerd import OwnDockerd
from tests.faults.job_group import JobGroup
from tests.faults.sites import Site
from tests.faults.system import System

MOST = 500
"""The jobs of a case: as many as a list of the API has."""

DOWN = 5.0
"""For how many seconds a machine is away."""

_LEADER = "the leading framework"
_CPUS = 2.1
"""Of an agent: room for two jobs with a CPU each, and for their executors."""
_SCRIPT = f"exec /bin/busybox sleep {SECONDS}"
_TERMS = {"cpus": 1}
_SAID = {"succeeded": Said.DONE, "failed": Said.FAILED, "cancelled": Said.FAILED}
_ID = b"MESOS_EXECUTOR_ID="


class OwnQueue:
    """The jobs of one app."""

    patience = 240.0  # an agent that does not come back is missed after 75 s, an executor sooner

    def __init__(self, system: System, site: Site, containers: Containers) -> None:
        self._system = system
        self._site = site
        self._containers = containers
        self._group = JobGroup(system, site)
        self._keepers = itertools.cycle((_LEADER, "master", "zookeeper"))

    def send(self, jobs: int) -> None:
        self._system.wait_up()
        self._group = JobGroup(self._system, self._site)
        self._group.request(_SCRIPT, [_TERMS] * jobs)

    def runs(self) -> Sequence[Run]:
        return as_runs(self._containers.started(), self._group.ids)

    def strike(self, kind: str, victim: Run) -> Collection[str] | None:
        found = self._containers.started()[victim.key]
        if kind == WORKER:
            return self._kill_executor(found.task)
        if kind == KEEPER:
            keeper = next(self._keepers)
            self._system.kill(self._system.leader() if keeper == _LEADER else keeper)
            return ()
        agent = self._find_agent(found.agent)
        if kind == PARENT:
            self._system.kill(agent)
            return ()
        assert kind == MACHINE, kind
        return self._kill_machine(agent, found.agent)

    def keep(self) -> None:
        """The supervisor of the local cluster does it."""

    def ask(self) -> Mapping[int, Said]:
        path = f"/v1/jobs?app={self._site.app}&group={self._group.name}&limit={MOST}"
        listed = self._system.call("GET", path).json()["jobs"]
        states = {job["id"]: _SAID.get(job["state"], Said.OPEN) for job in listed}
        return {number: states.get(job, Said.UNKNOWN) for number, job in enumerate(self._group.ids)}

    def _kill_executor(self, task: str) -> Collection[str] | None:
        found = self._system.executor_of(task)
        for process in found:
            processes.send(process, signal.SIGKILL)
        started = self._containers.started()
        return {key for key, one in started.items() if one.task == task} if found else None

    def _kill_machine(self, agent: str, mesos_id: str) -> Collection[str]:
        """Kill an agent with its executors, their watchdogs and containers; bring it back."""
        hold = self._system.settings.held_folder / agent
        hold.touch()
        executors = processes.having("MESOS_SLAVE_ID", mesos_id)
        killed = time.time()
        ids = {_read_id(process) for process in executors}
        for process in (self._system.process(agent), *executors):
            processes.send(process, signal.SIGKILL)
        self._containers.kill(mesos_id)
        time.sleep(DOWN)
        hold.unlink()
        started = self._containers.started()
        ran = {key: one for key, one in started.items() if one.over is None or one.over > killed}
        return {key for key, one in ran.items() if names.executor_id(one.task) in ids}

    def _find_agent(self, mesos_id: str) -> str:
        found = self._system.folder.glob(f"agent-*/agents/0/work/slaves/{mesos_id}")
        return next(found).relative_to(self._system.folder).parts[0]


def _read_id(executor: Identity) -> str:
    """Return the id of an executor, also of its watchdog's; "" if it has just ended."""
    with contextlib.suppress(OSError):
        for entry in read_environment(Path(f"/proc/{executor.pid}")):
            if entry.startswith(_ID):
                return os.fsdecode(entry.removeprefix(_ID))
    return ""


@contextlib.contextmanager
def running(folder: Path) -> Iterator[OwnQueue]:
    """Start dockerd and the cluster, and end both. Raises BenchError."""
    if os.geteuid() != 0:
        raise BenchError("It has a dockerd of its own: run it as root.")
    dockerd = OwnDockerd(folder / "d")
    system = System(folder / "s", dockerd.host)
    try:
        (folder / "d").mkdir()
        dockerd.start()
        try:
            system.up("--frameworks=2", "--agents=2", f"--cpus={_CPUS}")
            site = _register(system, folder)
            containers = Containers(dockerd.host, system.settings.cluster)
            with containers.watched():
                yield OwnQueue(system, site, containers)
        finally:
            system.down()
    except (AssertionError, pytest.fail.Exception) as exc:  # what the faults' system raises
        raise BenchError(str(exc)) from exc
    finally:
        dockerd.clear()


def _register(system: System, folder: Path) -> Site:
    """Add the app, and run one job, so that its image is there."""
    site = Site(folder / "site", "bench", 1)
    answer = system.call(
        "POST", "/v1/apps", name=site.app, repository=str(site.folder), mem=64, max_cpus=1
    )
    assert answer.status_code == 201, answer.text
    first = JobGroup(system, site)
    first.request("true", [{}])
    ended = first.wait_ended()
    assert [job["state"] for job in ended] == ["succeeded"], ended
    return site
