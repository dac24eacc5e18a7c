"""A dockerd whose bridge somebody removes: what detects it, and what restores it.

`unshare --net --mount python lost_bridge.py FOLDER` prints its findings as JSON.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from docker.api import APIClient

from local.cluster import launch
from local.cluster.supervisor import Supervisor, only_one
from local.console import checkup
from local.docker import containers
from local.docker.dockerd import DEFAULT_HOST, DockerPart
from local.errors import LocalError
from local.parts.part import bring_up
from local.settings import docker_folder, prepare
from tests.integration.docker.isolated_agent import run
from tests.integration.local.neighbouring_dockerds import builds
from tests.waits import wait_until


def bridge(client: APIClient) -> str:
    """Return the bridge of the steps of builds."""
    return str(client.inspect_network("bridge")["Options"]["com.docker.network.bridge.name"])


def finding(environ: Mapping[str, str]) -> list[str]:
    """Return the findings of `prevs doctor` about Docker here."""
    [found] = [one for one in checkup.look(environ, needed=True) if one.part == "docker"]
    return [found.level, found.message, found.advice]


def lose(client: APIClient) -> dict[str, object]:
    """Remove the bridge; return its name, and whether a build works nevertheless."""
    name = bridge(client)
    run("ip", "link", "delete", name)
    return {"bridge": name, "builds without": builds(client, "true")}


class Cluster:
    """A supervisor of a dockerd, with an action beside it."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._settings = prepare(folder / "cluster", {})
        self._part = DockerPart(docker_folder(environ), environ)

    def run(self, beside: Callable[["Cluster", APIClient], None]) -> None:
        """Run the supervisor as long as the other thread takes."""
        thread = threading.Thread(target=self._do, args=(beside,))
        thread.start()
        with only_one(self._settings):
            Supervisor(self._settings, [self._part]).run()
        thread.join()

    def _do(self, beside: Callable[["Cluster", APIClient], None]) -> None:
        try:
            wait_until(lambda: self.status()["up"])
            beside(self, APIClient(base_url=self._part.address, version="auto"))
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    def status(self) -> Mapping[str, Any]:
        """Return the supervisor's status of its part, and whether all is up."""
        [one] = launch.read_status(self._settings).get("parts") or [{}]
        return {"up": launch.is_up(self._settings), **one}

    def printed_status(self) -> tuple[int, str]:
        """Return the exit status of `prevs local status`, and what it prints."""
        command = [sys.executable, "-m", "cli", "local", "status"]
        command += [f"--dir={self._settings.folder}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout


def with_a_cluster(folder: Path, environ: Mapping[str, str]) -> Mapping[str, object]:
    """Have a supervisor watch a dockerd of ours; return its actions and reports."""
    found: dict[str, object] = {}

    def beside(cluster: Cluster, client: APIClient) -> None:
        found["builds"] = builds(client, "true")
        found["bridge"] = bridge(client)
        run("ip", "link", "delete", bridge(client))
        wait_until(lambda: cluster.status()["restarts"] > 0)
        found["problem"] = cluster.status()["problem"]
        wait_until(lambda: cluster.status()["up"])
        found["builds again"] = builds(client, "true")
        found["status"] = cluster.printed_status()

    Cluster(folder, environ).run(beside)
    return found


def without_a_cluster(environ: Mapping[str, str]) -> Mapping[str, object]:
    """Use a dockerd of ours without a supervisor; return the findings about it."""
    part = DockerPart(docker_folder(environ), environ)
    bring_up(part)
    try:
        client = APIClient(base_url=part.address, version="auto")
        found: dict[str, object] = {"finding": finding(environ), "problem": part.problem()}
        found |= lose(client)
        found |= {"finding without": finding(environ), "problem without": part.problem()}
        other = DockerPart(docker_folder(environ), environ)  # as `prevs local up` makes it
        bring_up(other)
        found |= {"finding again": finding(environ), "problem again": part.problem()}
        found["builds again"] = builds(client, "true")
        other.stop()
    finally:
        part.stop()
    return found


def of_the_machine(folder: Path, environ: Mapping[str, str]) -> Mapping[str, object]:
    """Run a dockerd like a machine's, and remove its docker0; return the findings about it."""
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    process = _start(folder)
    found: dict[str, object] = {}

    def beside(cluster: Cluster, client: APIClient) -> None:
        nonlocal process
        found["finding"] = finding(environ)
        found.update(lose(client))
        wait_until(lambda: cluster.status()["restarts"] > 0)
        found["status"] = cluster.printed_status()
        found["finding without"] = finding(environ)
        try:
            bring_up(DockerPart(docker_folder(environ), environ))
        except LocalError as exc:
            found["up"] = exc.why
        process.terminate()
        process.wait(60)
        process = _start(folder)
        wait_until(lambda: cluster.status()["up"])
        found["status again"] = cluster.printed_status()
        found["finding again"] = finding(environ)
        found["builds again"] = builds(client, "true")

    try:
        Cluster(folder, environ).run(beside)
    finally:
        process.terminate()
        process.wait(60)
    return found


def _start(folder: Path) -> subprocess.Popen[bytes]:
    places = ["--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(["dockerd", *places], stdout=quiet, stderr=quiet)
    wait_until(lambda: containers.answers(DEFAULT_HOST))
    return process


def main() -> None:
    """Collect the findings, and end every process."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    folder = Path(sys.argv[1])
    run("ip", "link", "set", "lo", "up")
    at = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_DATA_HOME": str(folder / "x")}
    ours = {**at, "DOCKER_HOST": "unix:///nowhere"}
    found = {
        "with a cluster": with_a_cluster(folder, ours),
        "without a cluster": without_a_cluster(ours),
        "of the machine": of_the_machine(folder, at),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
