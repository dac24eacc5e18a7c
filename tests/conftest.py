"""The real services of a test run: each is started once, when a test first asks, and ended."""

import dataclasses
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from local import ports
from local.announcement import AnnouncementPart
from local.dockerd import DockerPart
from local.mesos.installation import Installation, install
from local.mesos.parts import Address, Agent, agent_part, master_part
from local.parts import Part, bring_up
from local.settings import cache_folder, docker_folder
from local.zookeeper import zookeeper_part


@dataclasses.dataclass(frozen=True)
class Mesos:
    """A running Mesos. `agents` are their addresses, ip:port."""

    master: str
    zk: str
    agents: Sequence[str]


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """A function that gives a port of 127.0.0.1 that nobody listens on."""
    return ports.free_port


@pytest.fixture(scope="session")
def docker_host() -> Iterator[str]:
    """DOCKER_HOST of a dockerd that answers."""
    docker = DockerPart(docker_folder(os.environ), os.environ)
    bring_up(docker)
    yield docker.address
    docker.stop()


@pytest.fixture(scope="session")
def zookeeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of a ZooKeeper."""
    folder = tmp_path_factory.mktemp("zookeeper")
    part = zookeeper_part(folder, ports.free_port(), os.environ, folder / "log")
    bring_up(part)
    yield part.address
    part.stop()


@pytest.fixture(scope="session")
def mesos_installation() -> Installation:
    """The built Mesos, from the user's cache."""
    return install(cache_folder(os.environ), lambda done, total: None)


@pytest.fixture(scope="session")
def mesos(
    mesos_installation: Installation,
    zookeeper: str,
    docker_host: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Mesos]:
    """A Mesos master, announced in the session's ZooKeeper, with two agents."""
    folder = tmp_path_factory.mktemp("mesos")
    master = Address("127.0.0.1", ports.free_port())
    log = folder / "master.log"
    environ = os.environ
    parts: list[Part] = [
        master_part(mesos_installation, master, folder=folder, environ=environ, log=log),
        AnnouncementPart(zookeeper, master, log),
    ]
    agents = [_agent(folder, number, docker_host) for number in (1, 2)]
    for agent in agents:
        log = folder / f"{agent.name}.log"
        parts.append(agent_part(mesos_installation, agent, master=master, environ=environ, log=log))
    started = []
    try:
        for part in parts:
            bring_up(part)
            started.append(part)
        yield Mesos(str(master), parts[1].address, [str(agent.address) for agent in agents])
    finally:
        for part in reversed(started):
            part.stop()


def _agent(folder: Path, number: int, docker_host: str) -> Agent:
    host = f"127.0.0.{number}"
    name = f"agent-{number}"
    return Agent(
        name=name,
        address=Address(host, ports.free_port(host)),
        resources="cpus:4;mem:4096;disk:10000;ports:[20000-20999]",
        folder=folder / name,
        executor_environ={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", "/"),
            "DOCKER_HOST": docker_host,
            "PREVS_EXECUTOR_DIR": str(folder / name / "executor"),
        },
    )
