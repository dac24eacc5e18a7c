"""A cluster for one bench, beside whatever else runs on this machine."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.harness.errors import BenchError
from bench.systems.address import System
from local.docker.dockerd import DockerPart
from local.parts.part import bring_up
from local.settings import docker_folder, read
from tests import docker_leftovers
from tests.free_ports import free_port, free_ports

_LOOPBACK = ("127.0.0.1",)


@contextlib.contextmanager
def running(folder: Path, *options: str) -> Iterator[tuple[System, str]]:
    """Start a cluster in `folder`; yield it with its DOCKER_HOST, and end it with all that it left.

    It has one agent, and what the `options` of `prevs local up` say.
    Its progress goes to stderr. Raises BenchError if it does not get up.
    """
    docker = DockerPart(docker_folder(os.environ), os.environ)
    bring_up(docker)
    try:
        with (
            docker_leftovers.removing(docker.address, docker_folder(os.environ)),
            _running(folder, options) as system,
        ):
            yield system, docker.address
    finally:
        docker.stop()


@contextlib.contextmanager
def _running(folder: Path, options: Sequence[str]) -> Iterator[System]:
    ports = ("--port", "--api-port", "--zookeeper-port", "--mesos-port", "--agent-port")
    chosen = [word for option in ports for word in (option, str(free_port()))]
    chosen += ["--preview-ports", free_ports(_LOOPBACK), "--agents", "1", "--no-credentials"]
    try:
        _local("up", "--dir", str(folder), *chosen, *options)
        settings = read(folder)
        if settings is None:
            raise BenchError(f"`prevs local up` left no settings in {folder}")
        yield System(settings.api, settings.token_file.read_text(), settings.domain, settings.port)
    finally:
        _local("down", "--dir", str(folder))


def _local(*args: str) -> None:
    command = [sys.executable, "-m", "cli", "local", *args]
    if subprocess.run(command, check=False, stdout=sys.stderr).returncode:
        raise BenchError(f"`prevs local {args[0]}` failed; the reason is above")
