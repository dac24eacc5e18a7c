"""The Mesos master and its agents as parts; variables set what are flags in a real cluster."""

import json
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import requests

from local.mesos.access import Access
from local.mesos.installation import Installation
from local.parts import processes
from local.parts.part import ProcessPart, answers_http, environment

_ADVICE = (
    "Install its packages: run provision/debian.sh (libsvn1, libapr1t64, libsasl2-2, "
    "libsasl2-modules). If a port is taken, choose another with --mesos-port or --agent-port."
)


_MASTER_FLAGS = {
    "MESOS_ALLOCATION_INTERVAL": "500ms",
    # An agent that does not answer counts as unreachable after 15 s, not after Mesos's 75 s:
    # loopback has no short failures, and people who kill an agent to try it out should not wait.
    "MESOS_AGENT_PING_TIMEOUT": "3secs",
    "MESOS_MAX_AGENT_PING_TIMEOUTS": "5",
}
_EXECUTOR_GRACE = 15  # seconds: an executor ends its container first
_PATIENCE = 15  # seconds: the most that Mesos accepts


class Address(NamedTuple):
    """The address of a program of Mesos; always loopback here."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Agent(NamedTuple):
    """One agent. Its executors get `executor_environ` and MESOS_* variables, nothing else.

    `late_environ` returns the variables that are known only at its start.
    `resources` are in the form of Mesos: `cpus:4;mem:4096;disk:10000;ports:[31000-31999]`.
    """

    name: str
    address: Address
    resources: str
    folder: Path
    executor_environ: Mapping[str, str]
    late_environ: Callable[[], Mapping[str, str]] = dict


def master_part(
    installation: Installation,
    address: Address,
    *,
    folder: Path,
    environ: Mapping[str, str],
    log: Path,
    access: Access | None = None,
) -> ProcessPart:
    """Return the master. With `access` it authenticates everybody, else nobody.

    Its registry is in memory. With a replicated log a new master would wait ten minutes for the
    agents that it remembers, and would not reconcile their tasks meanwhile. Here some agents may
    never come back (fewer agents, or other resources); the rest keeps its ids.
    """
    folder.mkdir(parents=True, exist_ok=True)
    own = _common_flags(installation, address, folder) | _MASTER_FLAGS
    own |= access.master_flags() if access else {}
    return ProcessPart(
        name="master",
        command=(str(installation.program), "master"),
        environ=environment(own, environ),
        log=log,
        answers=lambda: answers_http(f"http://{address}/health"),
        address=str(address),
        advice=_ADVICE,
        folder=folder,
        grace=2,
    )


def agent_part(
    installation: Installation,
    agent: Agent,
    *,
    master: Address,
    environ: Mapping[str, str],
    log: Path,
    patience: int = _PATIENCE,
    access: Access | None = None,
) -> ProcessPart:
    """Return an agent. It is ready when the master has registered it. `access` is the master's.

    A restarted agent always waits `patience` seconds for executors, even if all have come back.
    """
    agent.folder.mkdir(parents=True, exist_ok=True)
    flags = _agent_flags(installation, agent, patience) | (access.agent_flags() if access else {})
    credential = access.credential() if access else None
    return ProcessPart(
        name=agent.name,
        command=(str(installation.program), "agent", str(master)),
        environ=environment(flags, environ),
        log=log,
        answers=lambda: is_registered(master, agent.address, credential),
        needs=("dockerd", "leftovers", "master"),
        address=str(agent.address),
        advice=_ADVICE,
        folder=agent.folder,
        grace=2,
        before_stop=lambda pid: shut_down(pid, agent.address),
        late=lambda: _executor_flag({**agent.executor_environ, **agent.late_environ()}),
    )


def _agent_flags(installation: Installation, agent: Agent, patience: int) -> dict[str, str]:
    return _common_flags(installation, agent.address, agent.folder) | {
        "MESOS_RESOURCES": agent.resources,
        "MESOS_CONTAINERIZERS": "mesos",
        "MESOS_LAUNCHER": "posix",
        "MESOS_ISOLATION": "posix/cpu,posix/mem",
        "MESOS_LAUNCHER_DIR": str(installation.launcher),
        "MESOS_SYSTEMD_ENABLE_SUPPORT": "false",
        "MESOS_SWITCH_USER": "false",
        "MESOS_EXECUTOR_REREGISTRATION_TIMEOUT": f"{patience}secs",
        "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": f"{_EXECUTOR_GRACE}secs",
        "MESOS_GC_DELAY": "2days",
        # An agent empties its cache at its start, and by default all agents of a machine share one.
        "MESOS_FETCHER_CACHE_DIR": str(agent.folder / "fetched"),
        "MESOS_FETCHER_CACHE_SIZE": "1GB",
        # All fetched files are on this machine.
        "no_proxy": "*",
        "NO_PROXY": "*",
    }


def _executor_flag(environ: Mapping[str, str]) -> dict[str, str]:
    return {"MESOS_EXECUTOR_ENVIRONMENT_VARIABLES": json.dumps(environ)}


def shut_down(pid: int, agent: Address) -> None:
    """Make an agent end its executors, as Mesos does on SIGUSR1; wait until they are gone.

    Each gets SHUTDOWN and the agent's grace period; then this function ends what is left. Blocks
    for at most 30 s.
    """
    variable, value = "MESOS_SLAVE_PID", f"slave(1)@{agent}"  # Mesos gives it to all executors
    process = processes.identify(pid)
    if process is not None:
        processes.send(process, signal.SIGUSR1)
        processes.wait(processes.having(variable, value), _EXECUTOR_GRACE + 2)
    processes.end(processes.having(variable, value), 5)


def forget_executors(agent: Agent) -> None:
    """Prepare an agent to start without its executors, which have all ended; sandboxes stay.

    The agent keeps its id, so that reconciliation of an old task reports at once that it is gone.
    If its address or resources have changed, Mesos requires a new agent.
    """
    work = agent.folder / "agents" / "0"
    slaves = work / "work" / "meta" / "slaves"
    shape, was = json.dumps([str(agent.address), agent.resources]), agent.folder / "shape.json"
    last = max(_folders(slaves), key=lambda f: f.stat().st_mtime, default=None)
    if last is None or not was.exists() or was.read_text() != shape:
        shutil.rmtree(slaves.parent, ignore_errors=True)
    else:
        shutil.rmtree(last / "frameworks", ignore_errors=True)
        (slaves / "latest").unlink(missing_ok=True)  # Mesos removes it when it ends in order
        (slaves / "latest").symlink_to(last)
    shutil.rmtree(work / "run", ignore_errors=True)
    agent.folder.mkdir(parents=True, exist_ok=True)
    was.write_text(shape)


def _folders(parent: Path) -> list[Path]:
    inside = parent.iterdir() if parent.is_dir() else ()
    return [entry for entry in inside if entry.is_dir() and not entry.is_symlink()]


def is_registered(
    master: Address, agent: Address, credential: tuple[str, str] | None = None
) -> bool:
    """Return whether the master has an active agent at that address."""
    try:
        agents = _get(f"http://{master}/slaves", credential)["slaves"]
    except (requests.RequestException, ValueError, KeyError):
        return False
    return any(a["pid"].endswith(f"@{agent}") and a["active"] for a in agents)


def _get(url: str, credential: tuple[str, str] | None) -> Any:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=1, auth=credential).json()


def _common_flags(installation: Installation, address: Address, folder: Path) -> dict[str, str]:
    return {
        "MESOS_REGISTRY": "in_memory",  # an agent begins with a master, too: see mesos_local.cpp
        "MESOS_LOCAL_LIB": str(installation.library),
        "MESOS_LOCAL_STUBS": str(installation.stubs),
        "MESOS_LOCAL_WORK_DIR": str(folder),
        "LIBPROCESS_IP": address.host,
        "LIBPROCESS_PORT": str(address.port),
        "MESOS_HOSTNAME": address.host,
    }
