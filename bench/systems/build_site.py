"""A cluster of two agents that share nothing: each has its own dockerd.

`prevs local up` gives all agents one dockerd, in which a second agent finds every layer that the
first one built. Here each dockerd has its own data and bridge, so an agent has only what it fetched
itself. All run on one machine: their network is loopback, so bytes are measured, not speed.
"""

import contextlib
import dataclasses
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.harness.errors import BenchError
from bench.systems.address import System
from local.cluster import cluster
from local.errors import LocalError
from local.parts.part import Part, ProcessPart, bring_up
from local.settings import prepare
from tests.fakes.dockerd import OwnDockerd
from tests.fakes.registry import OwnRegistry, own_registry
from tests.free_ports import free_port, free_ports

_HOSTS = ("127.0.0.1", "127.0.0.2")
_AGENTS = "MESOS_EXECUTOR_ENVIRONMENT_VARIABLES"
_SHARED_LIMIT = 60.0
_STARTS = {"PREVS_STARTS_PER_AGENT": "10", "PREVS_STARTS_PER_APP": "10"}
"""Allows ten builds at once; by default some would wait."""


class Counter:
    """Counts bytes in both directions."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bytes = 0

    def add(self, count: int) -> None:
        """Add to the count."""
        with self._lock:
            self._bytes += count

    def take(self) -> int:
        """Return the count since the last call, and reset it."""
        with self._lock:
            count, self._bytes = self._bytes, 0
            return count


@contextlib.contextmanager
def counting(port: int) -> Iterator[tuple[int, Counter]]:
    """Forward a new port of 127.0.0.1 to `port`; yield it and its counter."""
    counter = Counter()
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server, port, counter), daemon=True).start()
        yield server.getsockname()[1], counter


def _accept(server: socket.socket, port: int, counter: Counter) -> None:
    while True:
        try:
            near, _ = server.accept()
        except OSError:  # closed: the measurement is over
            return
        try:
            far = socket.create_connection(("127.0.0.1", port), timeout=10)
        except OSError:
            near.close()
            continue
        far.settimeout(None)
        for ends in ((near, far), (far, near)):
            threading.Thread(target=_copy, args=(*ends, counter), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket, counter: Counter) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            counter.add(len(data))
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@dataclasses.dataclass(frozen=True)
class Site:
    """What a bench measures. `docker` are the DOCKER_HOSTs of the agents, in their order.

    `registry` is the address of a registry, `git` the port of a git daemon; both count bytes.
    """

    system: System
    docker: tuple[str, str]
    folder: Path
    registry: str
    registry_bytes: Counter
    git: int
    git_bytes: Counter
    framework: ProcessPart
    server: OwnRegistry

    def wait_shared(self, app: str, sha: str) -> None:
        """Wait until the registry has the image of a commit. Raises BenchError."""
        deadline = time.monotonic() + _SHARED_LIMIT
        while sha not in self.server.tags(f"previews/{app}"):
            if time.monotonic() > deadline:
                limit = f"{_SHARED_LIMIT:.0f} s"
                raise BenchError(f"the registry has no image of {sha} after {limit}")
            time.sleep(0.05)

    def share(self, *, shares: bool) -> None:
        """Restart the framework with the registry or without."""
        self.framework.stop()
        environ = dict(self.framework.environ)
        environ["PREVS_REGISTRY"] = f"{self.registry}/previews" if shares else ""
        self.framework.environ = environ
        bring_up(self.framework)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Site]:
    """Start everything in a folder (a short path); yield it, and end it. Raises BenchError."""
    with contextlib.ExitStack() as ends:
        docker = tuple(_dockerd(ends, folder / name) for name in ("a", "b"))
        server = ends.enter_context(own_registry(folder / "registry", free_port()))
        registry, registry_bytes = ends.enter_context(counting(server.port))
        git, git_bytes = ends.enter_context(counting(_git(ends, folder)))
        try:
            system, framework = _cluster(ends, folder / "cluster", docker)
        except LocalError as exc:
            raise BenchError(f"The cluster does not start: {exc}") from exc
        yield Site(
            system,
            (docker[0], docker[1]),
            folder,
            f"127.0.0.1:{registry}",
            registry_bytes,
            git,
            git_bytes,
            framework,
            server,
        )


def _dockerd(ends: contextlib.ExitStack, folder: Path) -> str:
    folder.mkdir()
    made = OwnDockerd(folder)
    ends.callback(made.clear)
    made.start()
    return made.host


def _git(ends: contextlib.ExitStack, folder: Path) -> int:
    """Serve the repositories of a folder with `git daemon`; return the port."""
    port = free_port()
    options = ("--reuseaddr", "--export-all", "--listen=127.0.0.1", f"--port={port}")
    process = subprocess.Popen(
        ["git", "daemon", *options, f"--base-path={folder}"],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "GIT_CONFIG_COUNT": "1", **_ANY_OWNER},
    )
    ends.callback(process.wait)
    ends.callback(os.killpg, process.pid, signal.SIGTERM)  # git starts the daemon itself
    return port


_ANY_OWNER = {"GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}


def _cluster(
    ends: contextlib.ExitStack, folder: Path, docker: tuple[str, ...]
) -> tuple[System, ProcessPart]:
    names = ("port", "api_port", "zookeeper_port", "mesos_port", "agent_port")
    folder.mkdir()
    ports = {name: free_port() for name in names}
    settings = prepare(
        folder, {**ports, "agents": 2, "preview_ports": free_ports(_HOSTS), "cpus": 20}
    )
    parts = cluster.parts(settings, {**os.environ, "DOCKER_HOST": docker[0]})
    framework = _named(parts, "framework")
    framework.environ = {**framework.environ, **_STARTS}
    agent = _named(parts, "agent-2")
    given = agent.late
    agent.late = lambda: {_AGENTS: _moved(given(), docker[1])}
    for number in (1, 2):
        named = _named(parts, f"agent-{number}")
        named.environ = {**named.environ, "MESOS_ATTRIBUTES": f"number:{number}"}
    for part in parts:
        ends.callback(part.stop)
        bring_up(part)
    token = settings.token_file.read_text()
    return System(settings.api, token, settings.domain, settings.port), framework


def _moved(environ: Mapping[str, str], docker: str) -> str:
    return json.dumps({**json.loads(environ[_AGENTS]), "DOCKER_HOST": docker})


def _named(parts: Sequence[Part], name: str) -> ProcessPart:
    for part in parts:
        if part.name == name and isinstance(part, ProcessPart):
            return part
    raise BenchError(f"a local cluster has no part {name}")
