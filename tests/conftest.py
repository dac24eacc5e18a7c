"""The real services of a test run: each is started once, for the first test that needs it."""

import dataclasses
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from local.cluster.zookeeper import zookeeper_part
from local.docker.dockerd import DockerPart
from local.mesos.access import Access
from local.mesos.announcement import AnnouncementPart
from local.mesos.installation import Installation, install
from local.mesos.parts import Address, Agent, agent_part, master_part
from local.parts.part import Part, bring_up
from local.settings import cache_folder, docker_folder
from tests import chromium, docker_leftovers, failed_tests, free_ports, run_order
from tests.disks import NEVER_FULL
from tests.running_parts import running

# The time of an example, or of making one, depends only on the machine.
_any_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
for name, examples in {"day": 25, "night": 200}.items():
    settings.register_profile(name, _any_machine, max_examples=examples)
settings.load_profile("day")

os.environ |= NEVER_FULL  # for all clusters that tests start

gc.disable()  # while all tests are collected, in each worker: it finds nothing, and takes a third


_AGENTS = ("127.0.0.1", "127.0.0.2")
_DOCKER = pytest.StashKey[DockerPart]()


@dataclasses.dataclass(frozen=True)
class Mesos:
    """A running Mesos. `agents` are their addresses, ip:port."""

    master: str
    zk: str
    agents: Sequence[str]


@dataclasses.dataclass(frozen=True)
class Cluster:
    """A running local cluster. `master`, `zookeeper` and `agents` are addresses, ip:port.

    `mesos_auth` is the login for Mesos, `zookeeper_auth` (`user:password`) that for ZooKeeper.
    """

    dir: Path
    api: str
    token: str
    domain: str
    port: int
    master: str
    zookeeper: str
    agents: Sequence[str]

    @property
    def mesos_auth(self) -> tuple[str, str]:
        return Access(self.dir / "mesos").credential()

    @property
    def zookeeper_auth(self) -> str:
        return (self.dir / "zookeeper-auth").read_text().strip()


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """A function that returns a free port of 127.0.0.1, each only once."""
    return free_ports.free_port


@pytest.fixture(scope="session")
def docker_host(request: pytest.FixtureRequest) -> Iterator[str]:
    """DOCKER_HOST of a dockerd, one for all workers (docs/decisions/0047-tests.md).

    The last worker of all runs that use it removes what they have left there.
    """
    docker = DockerPart(docker_folder(os.environ), os.environ)
    bring_up(docker)
    request.config.stash[_DOCKER] = docker
    try:
        with docker_leftovers.removing(docker.address, docker_folder(os.environ)):
            yield docker.address
    finally:
        docker.stop()


@pytest.fixture(scope="session")
def zookeeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of a ZooKeeper."""
    folder = tmp_path_factory.mktemp("zookeeper")
    part = zookeeper_part(folder, free_ports.free_port(), os.environ, folder / "log")
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
    master = Address("127.0.0.1", free_ports.free_port())
    log = folder / "master.log"
    environ = os.environ
    parts: list[Part] = [
        master_part(mesos_installation, master, folder=folder, environ=environ, log=log),
        AnnouncementPart(zookeeper, master),
    ]
    agents = [_agent(folder, number, docker_host) for number in (1, 2)]
    for agent in agents:
        log = folder / f"{agent.name}.log"
        parts.append(agent_part(mesos_installation, agent, master=master, environ=environ, log=log))
    with running(parts):
        yield Mesos(str(master), parts[1].address, [str(agent.address) for agent in agents])


def _agent(folder: Path, number: int, docker_host: str) -> Agent:
    host = f"127.0.0.{number}"
    name = f"agent-{number}"
    return Agent(
        name=name,
        address=Address(host, free_ports.free_port((host,))),
        resources=f"cpus:4;mem:4096;disk:10000;ports:[{free_ports.free_ports(_AGENTS)}]",
        folder=folder / name,
        executor_environ={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", "/"),
            "DOCKER_HOST": docker_host,
            "PREVS_EXECUTOR_DIR": str(folder / name / "executor"),
            **NEVER_FULL,
        },
    )


@pytest.fixture(scope="session")
def cluster(docker_host: str) -> Iterator[Cluster]:
    """The whole system with two agents, as `prevs local up` starts it."""
    folder = Path(tempfile.mkdtemp(prefix="prevs-"))  # short: sockets are made below it
    names = ("port", "api-port", "zookeeper-port", "mesos-port", "agent-port")
    given = {name: str(free_ports.free_port(_AGENTS)) for name in names}
    options = [f"--{name}={value}" for name, value in given.items()]
    options += ["--no-credentials", f"--preview-ports={free_ports.free_ports(_AGENTS)}"]
    try:
        _prevs_local("up", f"--dir={folder}", *options)
        status = json.loads(_prevs_local("status", f"--dir={folder}", "--json"))
        where = {part["name"]: part["address"] for part in status["parts"]}
        yield Cluster(
            dir=folder,
            api=status["api"],
            token=(folder / "token").read_text(),
            domain=status["domain"],
            port=status["port"],
            master=where["master"],
            zookeeper=where["zookeeper"],
            agents=[where["agent-1"], where["agent-2"]],
        )
    finally:
        _prevs_local("down", f"--dir={folder}")
        shutil.rmtree(folder, ignore_errors=True)


def _prevs_local(*args: str) -> str:
    command = [sys.executable, "-m", "cli", "local", *args]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(args)}\n{done.stdout}{done.stderr}"
    return done.stdout


def pytest_configure(config: pytest.Config) -> None:
    """Find out where to write down what fails."""
    failed_tests.configure(config)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """End the run if its dockerd cannot build any more: each later test would wait in vain."""
    docker = item.config.stash.get(_DOCKER, None)
    if docker is not None and "docker_host" in getattr(item, "fixturenames", ()):
        problem = docker.problem()
        if problem:
            item.session.shouldfail = f"dockerd: {problem}"
            pytest.fail(item.session.shouldfail, pytrace=False)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort the tests, and group those of one worker."""
    run_order.sort(items, Path(__file__).parent, parallel=run_order.is_parallel(config))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fail if pytest-xdist does not group tests: each worker would start all services."""
    gc.freeze()
    gc.enable()
    if run_order.is_parallel(session.config):
        assert all("@" in item.nodeid for item in session.items), "pytest-xdist groups no tests"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write down what failed."""
    failed_tests.write(session)


@pytest.fixture(scope="session")
def session_browser() -> Iterator[chromium.Chromium]:
    """A Chromium that makes no requests of its own, only those of tests; not in use."""
    with chromium.shared() as started:
        yield started


@pytest.fixture(scope="module")
def browser(session_browser: chromium.Chromium) -> Iterator[chromium.Chromium]:
    """A Chromium that makes no requests of its own, only those of tests.

    `asyncio.run` fails while the tests of this file run.
    """
    with session_browser.in_use():
        yield session_browser


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Make processes react to SIGINT, also if the tests run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
