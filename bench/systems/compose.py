"""Times `docker compose up --wait` until the first answer, for comparison."""

import os
import shutil
import subprocess
import time
from pathlib import Path

from bench.harness.errors import BenchError
from bench.systems.raw_docker import first_answer


def is_there() -> bool:
    """Return whether docker has its plugin for compose files (Debian: docker-compose)."""
    if shutil.which("docker") is None:
        return False
    done = subprocess.run(["docker", "compose", "version"], check=False, capture_output=True)
    return done.returncode == 0


class Compose:
    """One project of a compose file in `folder`, whose application is at a port of 127.0.0.1."""

    def __init__(self, host: str, folder: Path, port: int) -> None:
        self._host = host
        self._folder = folder
        self._address = f"http://127.0.0.1:{port}/"
        self._name = f"prevs-bench-{os.getpid()}"

    def warm(self, page: str) -> float:
        """Return the seconds from `up --wait` to the first answer, which must be `page`."""
        began = time.monotonic()
        self._compose("up", "--wait", "--quiet-pull")
        return first_answer(self._address, page) - began

    def start(self, service: str) -> None:
        """Start a service, and wait until it is healthy."""
        self._compose("up", "--wait", "--quiet-pull", service)

    def execute(self, service: str, *command: str) -> None:
        """Run a command in a service."""
        self._compose("exec", "--no-TTY", service, *command)

    def end(self) -> None:
        """Remove the containers; the volumes stay."""
        self._compose("down")

    def clear(self) -> None:
        """Remove the containers, the network and the volumes."""
        self._compose("down", "--volumes")

    def _compose(self, *args: str) -> None:
        file = str(self._folder / "compose.yaml")
        command = ["docker", "--host", self._host, "compose", "--file", file]
        command += ["--project-name", self._name, *args]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise BenchError(f"docker compose {args[0]} failed: {done.stderr.strip()}")
