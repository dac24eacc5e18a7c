"""One machine: `prevs local` in namespaces of its own, with an internet beyond it. Needs root.

The world outside is that of tests/integration/docker/isolated_agent.py. Its dockerd gives IPv6 to
builds and listens by TCP, as a careless operator has it.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.disks import NEVER_FULL
from tests.fakes.dockerd import leave_group
from tests.integration.docker.isolated_agent import (
    AGENT,
    INTERNET,
    METADATA,
    flush_rules,
    make_world,
    run,
    start_dockerd,
)
from tests.kernels.guest import StepFailed
from tests.reach import expected
from tests.reach.expected import Way
from tests.reach.matrix import Findings
from tests.reach.measure import SERVICE, Bridge, Site, Target, at_gateways, listening, measure

_ROOT = Path(__file__).parents[2]
_NAME = "example.test"
"""A name that the nameserver outside knows, as it does all."""
_BEYOND, _HERE, _BUILDS = "2001:db8:1::1", "2001:db8:1::2", "2001:db8:2::/64"
_METADATA_6 = "fd00:ec2::254"
_WEB, _WEB_6, _SERVICE, _DOCKER = 80, 81, 9999, 2375


def find_who_reaches_what(folder: Path, report: Callable[[str], None]) -> Findings:
    """Make the machine in `folder` (a short path) and measure it. Runs in namespaces of its own."""
    with _machine(folder) as host, _up(folder, host, report) as status:
        site = Site(
            prevs=lambda *words: _prevs(host, words, status, folder),
            on_agent=lambda command: _shell(host, command),
            publish=lambda name, made: str(made),
            targets=lambda bridges: list(_targets(status, bridges)),
            docker_socket=host.removeprefix("unix://"),
            lose_rules=flush_rules,
        )
        with listening(site.on_agent, _SERVICE):
            return measure(site, folder, report)


@contextlib.contextmanager
def _machine(folder: Path) -> Iterator[str]:
    """Make this process's namespaces a machine with a dockerd; yield its DOCKER_HOST."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    processes = make_world(folder)
    within = ("nsenter", f"--net=/proc/{processes[0].pid}/ns/net")
    try:
        _add_ipv6(within)
        processes.append(subprocess.Popen([*within, sys.executable, "-c", SERVICE, str(_WEB_6)]))
        listens = ("--host", f"tcp://[::]:{_DOCKER}", "--tls=false")
        options = ("--ipv6", "--fixed-cidr-v6", _BUILDS, *listens)
        process, host = start_dockerd(folder, options)
        processes.append(process)
        yield host
    finally:
        for one in reversed(processes):
            one.terminate()
            one.wait(60)
        leave_group(folder.name)


def _add_ipv6(within: Sequence[str]) -> None:
    """Give both ends addresses of the internet, and the agent a metadata service of its own."""
    run("ip", "-6", "address", "add", f"{_HERE}/64", "dev", "up0", "nodad")
    run(*within, "ip", "-6", "address", "add", f"{_BEYOND}/64", "dev", "down0", "nodad")
    run(*within, "ip", "-6", "route", "add", _BUILDS, "via", _HERE)
    run("ip", "-6", "route", "add", "default", "via", _BEYOND)
    run("ip", "-6", "address", "add", f"{_METADATA_6}/128", "dev", "lo", "nodad")


@contextlib.contextmanager
def _up(folder: Path, host: str, report: Callable[[str], None]) -> Iterator[Mapping[str, Any]]:
    """Run a cluster of `prevs local`; yield its status."""
    at = f"--dir={folder / 'cluster'}"
    report("starting a cluster on one machine ...")
    try:
        _start(host, at)
        yield json.loads(_local(host, "status", at, "--json"))
    finally:
        _local(host, "down", at)


def _start(host: str, at: str) -> None:
    """Start the cluster; called again, `up` goes on from what there is.

    Docker has two seconds to answer it, which it may miss on a busy machine.
    """
    for _ in range(2):
        with contextlib.suppress(StepFailed):
            _local(host, "up", at, "--no-credentials")
            return
    _local(host, "up", at, "--no-credentials")


def _targets(status: Mapping[str, Any], bridges: Sequence[Bridge]) -> Iterator[Target]:
    parts = {str(part["name"]): str(part["address"]) for part in status["parts"]}
    yield Target(expected.INTERNET, "connect", INTERNET, _WEB)
    yield Target(expected.INTERNET_6, "connect", _BEYOND, _WEB_6)
    yield Target(expected.PUBLIC_NAME, "name", _NAME, INTERNET)
    yield Target(expected.METADATA, "connect", METADATA, _WEB)
    yield Target(expected.METADATA_6, "connect", _METADATA_6, _SERVICE)
    yield Target(expected.LOOPBACK, "connect", "127.0.0.1", _SERVICE)
    yield Target(expected.LOOPBACK_6, "connect", "::1", _SERVICE)
    yield from at_gateways((expected.GATEWAY, expected.GATEWAY_6), bridges, _SERVICE)
    yield Target(expected.GATEWAY, "connect", AGENT, _SERVICE)
    yield from at_gateways((expected.DOCKERD, expected.DOCKERD_6), bridges, _DOCKER)
    yield Target(expected.DOCKERD, "connect", AGENT, _DOCKER)
    yield Target(expected.DOCKER_SOCKET, "socket", "/var/run/docker.sock")
    named: Mapping[str, Way] = {
        "agent-1": expected.AGENT,
        "agent-2": expected.OTHER_AGENT,
        "master": expected.MASTER,
        "zookeeper": expected.ZOOKEEPER,
        "framework": expected.FRAMEWORK,
        "proxy": expected.PROXY,
    }
    for name, way in named.items():
        address, _, port = parts[name].removeprefix("http://").rpartition(":")
        yield Target(way, "connect", address, int(port))
        # They listen on loopback alone. (The proxy listens at Docker's bridge too.)
        for bridge in bridges if name != "proxy" else ():
            for one in bridge.addresses:
                yield Target(way, "connect", one, int(port), is_shown=False)
    [docker0] = [bridge for bridge in bridges if bridge.name == "docker0"]
    [gateway] = [address for address in docker0.addresses if ":" not in address]
    yield Target(expected.GATES, "connect", gateway, int(status["port"]))


def _prevs(host: str, words: Sequence[str], status: Mapping[str, Any], folder: Path) -> str:
    token = (folder / "cluster" / "token").read_text().strip()
    return _command(host, *words, PREVS_API=status["api"], PREVS_TOKEN=token)


def _local(host: str, *words: str) -> str:
    return _command(host, "local", *words)


def _command(host: str, *words: str, **environ: str) -> str:
    command = [sys.executable, "-m", "cli", *words]
    return _output(command, {**os.environ, **NEVER_FULL, "DOCKER_HOST": host, **environ})


def _shell(host: str, command: str) -> str:
    return _output(["sh", "-c", command], {**os.environ, "DOCKER_HOST": host})


def _output(command: Sequence[str], environ: Mapping[str, str]) -> str:
    done = subprocess.run(
        command, cwd=_ROOT, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StepFailed(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout
