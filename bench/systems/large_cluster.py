"""A Mesos with many agents, and a framework with many waiting previews, for one measurement."""

import base64
import contextlib
import itertools
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import requests
from kazoo.client import KazooClient

from bench.harness.errors import BenchError
from bench.systems.repository import Repository
from framework.executor_bundle import pack
from local.cluster.zookeeper import zookeeper_part
from local.mesos.installation import install
from local.mesos.parts import Address, Agent, agent_part, master_part
from local.parts.part import Part, ProcessPart, answers_http, bring_up, environment
from local.settings import cache_folder
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord
from prevs.messages import TaskReport
from prevs.paths import Paths
from prevs.records import AppRecord, PreviewRecord
from prevs.states import Phase, State
from tests.free_ports import free_port

_FIRST_HOST = 10  # 127.0.0.10; those of a local cluster begin at 127.0.0.1
_ENDERS = 8
_READY_SECONDS = 180.0
_ROOT = Path(__file__).parents[2]


class ClusterSize(NamedTuple):
    """The number of agents and apps, and of previews or jobs of each app."""

    agents: int
    apps: int
    units: int

    @property
    def resources(self) -> str:
        """The resources of each agent: for its share of the units, and for one more."""
        each = -(-self.apps * self.units // self.agents) + 1
        return f"cpus:{each * 0.12:.2f};mem:{each * 128};disk:1000;ports:[21000-{20999 + each}]"


class Running(NamedTuple):
    """The addresses that the framework needs."""

    master: str
    zookeeper: str


@contextlib.contextmanager
def running(size: ClusterSize, folder: Path) -> Iterator[Running]:
    """Start ZooKeeper, a master and all agents, and end them."""
    installation = install(cache_folder(os.environ), _ignore)
    log = folder / "log"
    address = Address("127.0.0.1", free_port())
    zookeeper = zookeeper_part(folder / "zookeeper", free_port(), os.environ, log)
    master = master_part(installation, address, folder=folder, environ=os.environ, log=log)
    agents = [
        agent_part(
            installation,
            _agent(f"127.0.0.{_FIRST_HOST + number}", size, folder),
            master=address,
            environ=os.environ,
            log=log,
        )
        for number in range(size.agents)
    ]
    with contextlib.ExitStack() as stack:
        for part in (zookeeper, master):
            stack.callback(part.stop)
            bring_up(part)
        stack.callback(_end, agents)
        for agent in agents:
            agent.start()
        _wait_registered(str(address), size.agents)
        yield Running(str(address), zookeeper.address)


def _ignore(done: int, total: int | None) -> None:
    """Ignore the progress of the download."""


def _agent(host: str, size: ClusterSize, folder: Path) -> Agent:
    return Agent(
        name=host,
        address=Address(host, free_port((host,))),
        resources=size.resources,
        folder=folder / host,
        executor_environ={"PATH": os.environ["PATH"]},
    )


def _wait_registered(master: str, count: int) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    with requests.Session() as session:
        session.trust_env = False
        while True:
            slaves = session.get(f"http://{master}/slaves", timeout=10).json()["slaves"]
            active = sum(bool(slave["active"]) for slave in slaves)
            if active == count:
                return
            if time.monotonic() > deadline:
                raise BenchError(f"{active} of {count} agents have registered")
            time.sleep(0.2)


def _end(parts: Sequence[Part]) -> None:
    with ThreadPoolExecutor(_ENDERS) as enders:
        tuple(enders.map(lambda part: part.stop(), parts))


def queue_previews(zookeeper: str, size: ClusterSize, repository: Repository) -> None:
    """Store apps and queued previews, which the framework finds when it starts.

    The previews are at new commits of one repository.
    """
    commits = [repository.commit(f"version {number}") for number in range(size.units)]
    _store(zookeeper, itertools.chain(_apps(size, repository), _previews(size, commits)))


def queue_jobs(zookeeper: str, size: ClusterSize, repository: Repository) -> None:
    """Store apps and queued jobs at one new commit, which the framework finds when it starts."""
    commit = repository.commit("the jobs")
    _store(zookeeper, itertools.chain(_apps(size, repository), _jobs(size, commit)))


def _store(zookeeper: str, records: Iterable[tuple[str, bytes]]) -> None:
    client = KazooClient(zookeeper)
    client.start()
    try:
        for path, data in records:
            client.create(path, data, makepath=True)
    finally:
        client.stop()
        client.close()


def _apps(size: ClusterSize, repository: Repository) -> Iterator[tuple[str, bytes]]:
    for number in range(size.apps):
        app = AppRecord(
            name=f"app{number}",
            repository=str(repository.folder),
            mem=48,
            cpus=0.1,
            max_previews=size.units,
            created=time.time(),
        )
        yield Paths().app(app.name), app.encode()


def _previews(size: ClusterSize, commits: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    now = time.time()
    for number, sha in itertools.product(range(size.apps), commits):
        app = f"app{number}"
        preview = PreviewRecord(
            app=app, sha=sha, state=State.QUEUED, created=now, changed=now, last_used=now
        )
        yield Paths().preview(app, sha), preview.encode()


def _jobs(size: ClusterSize, sha: str) -> Iterator[tuple[str, bytes]]:
    now, terms = time.time(), JobSettings(("true",))
    for number, unit in itertools.product(range(size.apps), range(size.units)):
        app, job_id = f"app{number}", f"job{unit}"
        job = JobRecord(app, job_id, sha, "main", terms, created=now, changed=now)
        yield Paths().job(app, job_id), job.encode()


def framework(found: Running, folder: Path, environ: Mapping[str, str]) -> ProcessPart:
    """Return a framework whose executor is the stand-in; it is ready when its API answers."""
    token = folder / "token"
    token.write_text("token")
    token.chmod(0o600)
    listen = f"127.0.0.1:{free_port()}"
    own = {
        "PATH": environ["PATH"],
        "PYTHONPATH": str(_ROOT),
        "PREVS_MASTER": found.master,
        "PREVS_ZOOKEEPER": found.zookeeper,
        "PREVS_LISTEN": listen,
        "PREVS_TOKEN_FILE": str(token),
        "PREVS_DIR": str(folder / "framework"),
        "PREVS_REFS_INTERVAL": "3600",
        "PREVS_EXECUTOR_BUNDLE": str(_stand_in(folder)),
        "PREVS_EXECUTOR_PYTHON": sys.executable,
    }
    return ProcessPart(
        name="framework",
        command=(sys.executable, "-m", "framework"),
        environ=environment(own, environ),
        log=folder / "framework.log",
        answers=lambda: answers_http(f"http://{listen}/readyz"),
        address=f"http://{listen}",
        folder=folder,
    )


def _stand_in(folder: Path) -> Path:
    """Write the stand-in as a bundle with what it reports; return its file."""
    script = (_ROOT / "bench" / "systems" / "stand_in_executor.py").read_text()
    data = (TaskReport(Phase.RUNNING), TaskReport(Phase.ENDED, exit_code=0))
    reports = [base64.b64encode(report.encode()).decode() for report in data]
    file = folder / "stand-in.pyz"
    file.write_bytes(
        pack({"__main__.py": f"import sys\nsys.argv[1:] = {reports!r}\n{script}".encode()})
    )
    return file
