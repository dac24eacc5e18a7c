"""Times the docker command until the container's first answer, for comparison."""

import os
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import requests

from bench.harness.errors import BenchError

_POLL = 0.01  # seconds between two looks
_LIMIT = 60.0


class RawDocker:
    """Builds and runs one image at a time on a port of 127.0.0.1, as a person would by hand."""

    def __init__(self, host: str, port: int, *, name: str = "prevs-bench") -> None:
        self._host = host
        self._address = f"http://127.0.0.1:{port}/"
        self._publish = f"127.0.0.1:{port}:8080"
        self._container = f"{name}-{os.getpid()}"

    def cold(self, tree: Path, tag: str, page: str) -> float:
        """Return the seconds from `docker build` to the first answer, which must be `page`."""
        began = time.monotonic()
        self._docker("build", "--quiet", "--tag", tag, str(tree))
        self._run(tag)
        return first_answer(self._address, page) - began

    def warm(self, tag: str, page: str) -> float:
        """Return the seconds from `docker run` to the first answer."""
        began = time.monotonic()
        self._run(tag)
        return first_answer(self._address, page) - began

    def push(self, tag: str) -> None:
        """Push an image to the registry in its tag."""
        self._docker("push", "--quiet", tag)

    def pulled(self, tag: str, page: str) -> float:
        """Return the seconds from `docker pull` to the first answer."""
        began = time.monotonic()
        self._docker("pull", "--quiet", tag)
        self._run(tag)
        return first_answer(self._address, page) - began

    def end(self) -> None:
        """Remove the container."""
        self._docker("rm", "--force", "--volumes", self._container)

    def remove_images(self, tags: Iterable[str]) -> None:
        """Remove images; missing ones are ignored."""
        self._docker("rmi", "--force", *tags)

    def _run(self, tag: str) -> None:
        limits = ("--cpu-shares", "102", "--memory", "128m")
        named = ("--name", self._container, "--publish", self._publish)
        self._docker("run", "--detach", "--init", *named, *limits, tag)

    def _docker(self, *args: str) -> None:
        command = ["docker", "--host", self._host, *args]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise BenchError(f"docker {args[0]} failed: {done.stderr.strip()}")


def first_answer(address: str, page: str) -> float:
    """Return when the first answer came, which must be `page`."""
    deadline = time.monotonic() + _LIMIT
    while time.monotonic() < deadline:
        try:
            answer = requests.get(address, timeout=5)
        except requests.RequestException:
            time.sleep(_POLL)
            continue
        now = time.monotonic()
        if answer.text != page:
            raise BenchError(f"another page answers: {answer.status_code} {answer.text!r}")
        return now
    raise BenchError(f"{address} did not answer within {_LIMIT} s")
