"""Containers as the docker command runs them, and when docker says that one has begun."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from docker import DockerClient

from bench.harness.errors import BenchError
from bench.jobs.small_job import COMMAND, PLACES, docker_run


class Docker:
    """The docker at `host`."""

    def __init__(self, host: str) -> None:
        self.host = host

    def burst(self, image: str, count: int) -> float:
        """Run `count` containers to their ends, PLACES at a time; return the seconds."""
        began = time.monotonic()
        with ThreadPoolExecutor(PLACES) as places:
            tuple(places.map(lambda _: self.run(image), range(count)))
        return time.monotonic() - began

    def run(self, image: str) -> None:
        """Run one container to its end, as every way does that is compared. Raises BenchError."""
        done = subprocess.run(
            docker_run(self.host, image, COMMAND), check=False, capture_output=True, text=True
        )
        if done.returncode:
            raise BenchError(f"docker run failed: {done.stderr.strip()}")

    @contextlib.contextmanager
    def starts(self, image: str) -> Iterator[Iterator[float]]:
        """Give the times (epoch seconds) at which containers of an image begin, from now on."""
        wanted = {"type": "container", "event": "start", "image": image}
        client = DockerClient(base_url=self.host)
        with (
            contextlib.closing(client),
            contextlib.closing(client.events(decode=True, filters=wanted)) as events,
        ):
            yield map(_began, events)


def _began(event: dict[str, Any]) -> float:
    return int(event["timeNano"]) / 1e9
