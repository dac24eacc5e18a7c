"""A Mesos of a test's own: a master, and an agent whose executors work in the test's folder."""

import dataclasses
import os
import signal
import sys
from pathlib import Path
from typing import NamedTuple

from local.mesos.installation import Installation
from local.mesos.parts import Address, Agent, agent_part, master_part
from local.parts.part import Part, ProcessPart
from tests import times
from tests.disks import NEVER_FULL
from tests.free_ports import free_port
from tests.waits import wait_until


class Parts(NamedTuple):
    """The parts, in the order of their start."""

    master: ProcessPart
    agent: ProcessPart


def own_mesos(
    installation: Installation, folder: Path, docker_host: str = "", **flags: str
) -> Parts:
    """Return the parts, not started; `flags` are more of the agent's environment.

    With a docker daemon PREVS_EXECUTOR_DIR of the executors is `executor` in the folder.
    """
    address = Address("127.0.0.1", free_port())
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environ = {"PATH": path, "HOME": os.environ.get("HOME", "/"), **NEVER_FULL}
    if docker_host:
        environ |= {"DOCKER_HOST": docker_host, "PREVS_EXECUTOR_DIR": str(folder / "executor")}
    agent = Agent(
        name="agent",
        address=Address("127.0.0.1", free_port()),
        resources="cpus:4;mem:4096;disk:1000;ports:[22000-22099]",
        folder=folder / "agent",
        executor_environ=environ,
    )
    master = master_part(
        installation, address, folder=folder, environ=os.environ, log=folder / "master.log"
    )
    part = agent_part(
        installation,
        agent,
        master=address,
        environ=os.environ,
        log=folder / "agent.log",
        patience=times.PATIENCE,
    )
    return Parts(master, dataclasses.replace(part, environ={**part.environ, **flags}))


def kill(part: Part) -> None:
    """Kill a part as a crash does."""
    assert part.pid is not None
    os.kill(part.pid, signal.SIGKILL)
    # `stop` ends an agent that still runs together with its executors, which are to live on.
    wait_until(lambda: part.problem() is not None)
    part.stop()
