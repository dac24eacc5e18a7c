"""`make bench-jobs`: small jobs in an image that is there, beside docker by hand, Celery and RQ.

Each job is `true` in a container, four at a time. Ours go through the whole system, from one
request of the API; Celery and RQ have a task that runs `docker run`, and a Redis of their own. All
take turns, in rounds; every other round is in reverse order. Then single jobs, one after the other:
from the request to the beginning of the command, as docker tells it. Then the framework alone, with
executors that only report. `--quick` has 60 jobs in all, half of them by docker; `--write` writes
docs/performance.md.
"""

import argparse
import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from docker import DockerClient

from bench.harness import command_line, page
from bench.harness.command_line import Bench, Found, Parameters
from bench.harness.errors import BenchError
from bench.harness.progress import print_progress
from bench.jobs import queue_alone, report
from bench.jobs.own_jobs import Once, OwnJobs
from bench.jobs.report import FLOOR, OURS, Outcome
from bench.jobs.rivals import CELERY, RQ, Rivals
from bench.jobs.small_job import COMMAND, PLACES, docker_run
from bench.systems import cluster
from bench.systems.large_cluster import ClusterSize

_RIVALS = Path(".cache/bench-jobs")
_CPUS = 4.1
"""Of the agent: room for four jobs with a CPU each, and for their executors."""


class Scale(NamedTuple):
    """How many rounds there are, of which ways with how many jobs each, and single jobs.

    `quiet` are the seconds between two turns, for remaining work of the last one.
    """

    rounds: int
    ways: tuple[str, ...]
    jobs: int
    singles: int
    alone: ClusterSize
    quiet: float = 2.0


_WHOLE = Scale(2, (FLOOR, OURS, CELERY, RQ), 500, 100, queue_alone.SIZE)
_QUICK = Scale(1, (FLOOR, OURS), 30, 5, queue_alone.FEW)

Burst = Callable[[int], float]


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
        """Run one container to its end, as every way does that is compared."""
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


def measure_bursts(scale: Scale, ways: Mapping[str, Burst]) -> dict[str, float]:
    """Return how many jobs each way ends in a second, over all rounds."""
    seconds = dict.fromkeys(scale.ways, 0.0)
    for number in range(1, scale.rounds + 1):
        for name in scale.ways if number % 2 else scale.ways[::-1]:
            time.sleep(scale.quiet)
            took = ways[name](scale.jobs)
            seconds[name] += took
            print_progress(f"Round {number}: {name} {scale.jobs / took:.2f} jobs/s")
    return {name: scale.rounds * scale.jobs / took for name, took in seconds.items()}


def measure_singles(count: int, jobs: OwnJobs, docker: Docker) -> Sequence[Once]:
    """Run jobs one after the other. The first one is not counted."""
    with docker.starts(jobs.image) as starts:
        jobs.once(starts)
        return [jobs.once(starts) for _ in range(count)]


def _start(rivals: Rivals, name: str) -> Burst:
    def burst(count: int) -> float:
        with rivals.running(name):
            rivals.burst(name, 1)
            return rivals.burst(name, count)

    return burst


def run(parameters: Parameters) -> Found:
    """Measure according to the options."""
    scale = _QUICK if parameters.quick else _WHOLE
    folder, chosen = parameters.folder, parameters.options
    options = ("--cpus", str(_CPUS))
    with cluster.running(folder / "cluster", *options) as (system, host):
        jobs, docker = OwnJobs(system, folder / "repository"), Docker(host)
        rivals = Rivals(chosen.rivals, folder, host=host, image=jobs.image)
        ways: dict[str, Burst] = {
            FLOOR: lambda count: docker.burst(jobs.image, count),
            OURS: jobs.burst,
            CELERY: _start(rivals, CELERY),
            RQ: _start(rivals, RQ),
        }
        rates = measure_bursts(scale, ways)
        print_progress(f"{scale.singles} jobs, one after the other ...")
        singles = measure_singles(scale.singles, jobs, docker)
        versions = {name: rivals.version(name) for name in (CELERY, RQ) if name in rates}
    outcome = Outcome(rates, singles, queue_alone.measure(scale.alone, folder / "alone"))
    lines = [*report.machine(parameters.load, versions, scale.rounds * scale.jobs), ""]
    lines += report.lines(outcome)
    print(*lines, sep="\n")
    if chosen.write:
        page.write("performance.md", "jobs", lines)
    return report.figures(outcome)


def _add_options(parser: argparse.ArgumentParser) -> None:
    what = "the virtual environment of Celery and RQ"
    command_line.add_rivals(parser, _RIVALS, what, "docs/performance.md")


if __name__ == "__main__":
    sys.exit(command_line.run(Bench("bench.jobs", __doc__, run, _add_options)))
