"""A dockerd whose bridge and disk are taken away: what attempts report as the cause.

`unshare --net --mount python broken_agent.py FOLDER` prints its findings as JSON.
"""

import contextlib
import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from executor.container.containers import DockerContainers
from executor.docker import trial
from executor.errors import ExecutorError
from executor.network.preview_network import PreviewNetwork
from executor.ports import ContainerSpec
from local.docker import containers
from prevs.containers import BuildSettings
from tests.fakes.attempts import MemoryLog
from tests.fakes.containers import RecordingGuard
from tests.integration.docker.builds import BUILDERS, TAG, TASK, World
from tests.integration.docker.isolated_agent import run
from tests.waits import wait_until

Found = dict[str, dict[str, str]]

_DISK = "size=80m"
_UNREACHABLE = "registry.test/base:1"  # there is no way to a nameserver


@contextlib.contextmanager
def dockerd(folder: Path) -> Iterator[str]:
    """A dockerd as a machine has one, with docker0, on a small disk."""
    (folder / "disk").mkdir()
    run("mount", "-t", "tmpfs", "-o", _DISK, "tmpfs", str(folder / "disk"))
    host = f"unix://{folder / 'docker.sock'}"
    places = ["--data-root", str(folder / "disk" / "data"), "--exec-root", str(folder / "exec")]
    places += ["--pidfile", str(folder / "pid"), "--host", host]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["dockerd", *places], stdout=log, stderr=log)
    try:
        wait_until(lambda: containers.answers(host), "dockerd answers", seconds=60)
        yield host
    finally:
        process.terminate()
        process.wait(60)


def blame(act: Callable[[], object]) -> str:
    """Return the cause and the sentence of the error that an act raises."""
    try:
        act()
    except ExecutorError as exc:
        return f"{exc.cause.value}: {exc}"
    return "none"


class Agent:
    """The work of an executor on the agent, in each of its ways."""

    def __init__(self, host: str, folder: Path) -> None:
        self._worlds: dict[str, World] = {}
        for builder in BUILDERS:
            (folder / builder).mkdir()
            self._worlds[builder] = World(host, folder / builder, builder)
        self._host = host

    def find(self, line: str = "RUN true") -> dict[str, str]:
        """Return the cause that each builder and a start report, and what the doctor finds."""
        found = {
            name: blame(functools.partial(world.build, line))
            for name, world in self._worlds.items()
        }
        found["start"] = blame(self._start)
        found["doctor"] = trial.find_problem({"DOCKER_HOST": self._host})
        return found

    def find_base(self, image: str) -> dict[str, str]:
        """Return the cause that is reported for a missing base image."""
        found, other = {}, BuildSettings(dockerfile="Other")
        for name, world in self._worlds.items():
            world.write("Other", f"FROM {image}\nRUN true\n")
            found[name] = blame(functools.partial(world.build, settings=other))
        return found

    def _start(self) -> None:
        world = self._worlds["buildkit"]
        spec = ContainerSpec(
            name=TASK,
            image=TAG,
            cpus=0.1,
            mem=32,
            environment={},
            labels={"prevs.task": TASK},
            command=("/bin/sh", "-c", "true"),
        )
        made = DockerContainers(world.daemon, PreviewNetwork(None), MemoryLog(), RecordingGuard())
        made.start(spec, on_exit=lambda: None).remove()


def look(host: str, folder: Path) -> Found:
    """Take away one thing after the other, and put it back."""
    agent = Agent(host, folder)
    found = {"well": agent.find(), "step": agent.find("RUN echo no space left on device; exit 3")}
    found["base"] = agent.find_base(_UNREACHABLE)
    full = folder / "disk" / "fill"
    fill(full)
    found["full"] = agent.find("RUN echo new > /x")
    full.unlink()
    found["room again"] = agent.find("RUN echo new > /x")
    run("ip", "link", "delete", "docker0")
    found["no bridge"] = agent.find("RUN echo newer > /x")
    return found


def fill(file: Path) -> None:
    """Write until the disk is full."""
    with file.open("wb", buffering=0) as out:
        for size in (65536, 512):
            with contextlib.suppress(OSError):
                while out.write(b"\0" * size) == size:
                    pass


def main() -> None:
    """Collect the findings, and end every process."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    folder = Path(sys.argv[1])
    run("ip", "link", "set", "lo", "up")
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    with dockerd(folder) as host:
        print(json.dumps(look(host, folder)))


if __name__ == "__main__":
    main()
