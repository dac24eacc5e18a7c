"""A `prevs local` of a module's own, beside the session's."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import requests

from local.cluster import launch
from local.settings import read
from tests import free_ports
from tests.e2e.commands import Done, run_command

ROOT = Path(__file__).parents[2]
AGENTS = ("127.0.0.1", "127.0.0.2")


class Own:
    """The cluster of a folder, with ports of its own."""

    def __init__(self, folder: Path, free_port: Callable[[], int]) -> None:
        self.folder = folder
        names = ("port", "api-port", "zookeeper-port", "mesos-port", "agent-port")
        self.ports = {name: free_port() for name in names}
        self.options = [f"--{name}={port}" for name, port in self.ports.items()]
        self.options += ["--no-credentials", f"--preview-ports={free_ports.free_ports(AGENTS)}"]

    def run(self, command: str, *args: str) -> Done:
        return run_command(os.environ, "local", command, *args, f"--dir={self.folder}")

    def begin(self, command: str, *args: str, checkout: Path = ROOT) -> "subprocess.Popen[str]":
        """Begin a command as a process."""
        return subprocess.Popen(
            [sys.executable, "-m", "cli", "local", command, *args, f"--dir={self.folder}"],
            cwd=checkout,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run_process(self, command: str, *args: str) -> Done:
        """Run a command that becomes another program, or starts one that outlives it."""
        return finish(self.begin(command, *args))

    def up(self) -> str:
        done = self.run_process("up", *self.options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def down(self) -> str:
        done = self.run("down")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def status(self) -> Any:
        """Return what `status --json` would, without a process for each look."""
        settings = read(self.folder)
        alive = settings is not None and launch.supervisor_pid(settings) is not None
        record = launch.read_status(settings) if settings is not None and alive else {}
        return {"up": False, "parts": []} | record

    def part(self, name: str) -> Any:
        return next(part for part in self.status()["parts"] if part["name"] == name)

    @property
    def id(self) -> str:
        settings = json.loads((self.folder / "settings.json").read_text())
        return str(settings["cluster"])

    def call(self, method: str, path: str, **json_body: Any) -> requests.Response:
        token = (self.folder / "token").read_text()
        return requests.request(
            method,
            f"http://127.0.0.1:{self.ports['api-port']}{path}",
            headers={"Authorization": f"Bearer {token}"},
            json=json_body or None,
            timeout=60,
        )

    def visit(self) -> requests.Response:
        port = self.ports["port"]
        host = f"main.hello.localhost:{port}"
        return requests.get(f"http://127.0.0.1:{port}/", headers={"Host": host}, timeout=120)

    def chains(self, docker_host: str) -> set[str]:
        """Return the names of the chains of iptables that keep its previews apart."""
        with contextlib.closing(docker.DockerClient(base_url=docker_host)) as client:
            found = client.networks.list(filters={"label": f"prevs.cluster={self.id}"})
            return {f"PREVS-br-{str(network.id)[:12]}" for network in found}

    def in_docker(self, docker_host: str) -> list[str]:
        client = docker.DockerClient(base_url=docker_host)
        try:
            ours: dict[str, str | list[str] | bool] = {"label": f"prevs.cluster={self.id}"}
            found: list[Any] = client.containers.list(all=True, filters=ours)
            found += client.networks.list(filters=ours)
            return [str(thing.name) for thing in found]
        finally:
            client.close()


def finish(process: "subprocess.Popen[str]") -> Done:
    """Return what a command has printed once it has ended."""
    printed, complained = process.communicate(timeout=240)
    return Done(process.returncode, printed, complained)


@contextlib.contextmanager
def own_cluster(free_port: Callable[[], int]) -> Iterator[Own]:
    """Give a cluster that does not run yet; end it, and remove its folder."""
    own = Own(Path(tempfile.mkdtemp(prefix="prevs-")), free_port)
    yield own
    own.down()
    shutil.rmtree(own.folder)
