"""`make bench-start`: a commit through its address against docker build and docker run by hand.

Ten rounds on one machine. Each has a cold start (no layer of the image is known) and a warm start
(the image exists), each by raw docker and by the address, in turns. Both get files that differ in
some bytes, as otherwise the second would find the layers of the first. The bench polls raw docker
every 10 ms; it sends one request to an address, which is held. A cold start uses a new commit, so
an address also fetches it. Then an application starts with its database (bench/database.py).
"""

import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from bench import database, summary
from bench.harness import command_line
from bench.harness.command_line import Bench, Found, Parameters
from bench.harness.errors import BenchError
from bench.harness.progress import print_progress
from bench.systems import cluster
from bench.systems.address import Previews, System
from bench.systems.raw_docker import RawDocker
from bench.systems.repository import Versions
from prevs import names
from tests.free_ports import free_port

ROUNDS = 10
_QUIET = 0.5  # seconds between measurements, for remaining work of the last one
_APP = "bench"


class Starter(NamedTuple):
    """How a version is started by one of the two: cold and warm, in seconds, and ended."""

    cold: Callable[[], float]
    warm: Callable[[], float]
    end: Callable[[], None]


class Measurement:
    """What all rounds use, and one round."""

    def __init__(self, versions: Versions, raw: RawDocker, previews: Previews) -> None:
        self._versions = versions
        self._raw = raw
        self._previews = previews

    def run(self, number: int) -> dict[str, float]:
        """Measure a round; nothing of it is left running."""
        name, tag = f"round {number}", f"prevs-bench:{number}"
        sha, page = self._versions.commit(name), self._versions.page(name)
        found: dict[str, float] = {}
        with (
            tempfile.TemporaryDirectory() as folder,
            self._images(tag, names.image_tag(_APP, sha)),
        ):
            starters = {
                "raw": self._by_hand(number, Path(folder), tag),
                "address": self._visited(sha, page),
            }
            for kind in ("cold", "warm"):
                for who in summary.order(number):
                    time.sleep(_QUIET)
                    found[summary.column(kind, who)] = (
                        starters[who].cold if kind == "cold" else starters[who].warm
                    )()
                    starters[who].end()
        return found

    def _by_hand(self, number: int, tree: Path, tag: str) -> Starter:
        name = f"round {number}, by hand"
        self._versions.write(name, tree)
        page = self._versions.page(name)
        return Starter(
            cold=lambda: self._raw.cold(tree, tag, page),
            warm=lambda: self._raw.warm(tag, page),
            end=self._raw.end,
        )

    def _visited(self, sha: str, page: str) -> Starter:
        def visit() -> float:
            return self._previews.visit(sha, page)

        return Starter(cold=visit, warm=visit, end=lambda: self._previews.stop(sha))

    def watch(self) -> Iterator[str]:
        """Start one more version cold and then warm; yield lines with the time of each phase."""
        version = "watched"
        sha, page = self._versions.commit(version), self._versions.page(version)
        with self._images(names.image_tag(_APP, sha)):
            for kind in ("cold", "warm"):
                time.sleep(_QUIET)
                marks, seconds = self._previews.watch(sha, page)
                self._previews.stop(sha)
                yield f"One more {kind} start, watched (seconds):"
                yield from summary.shares(marks, seconds)

    @contextlib.contextmanager
    def _images(self, *tags: str) -> Iterator[None]:
        """Remove the images of these tags afterwards."""
        try:
            yield
        finally:
            self._raw.remove_images(tags)


def measure(system: System, docker: str, folder: Path, *, rounds: int) -> dict[str, float]:
    """Print the rounds as they come, and return the medians."""
    busybox = shutil.which("busybox")
    if busybox is None:
        raise BenchError("There is no static busybox here: apt-get install busybox-static")
    versions = Versions(folder / "repository", Path(busybox), f"bench {time.time_ns()}")
    raw = RawDocker(docker, free_port())
    previews = Previews(system, _APP)
    previews.register(str(versions.folder))
    measurement = Measurement(versions, raw, previews)
    try:
        print_progress("A warm-up round ...")
        measurement.run(0)
        found = []
        for number in range(1, rounds + 1):
            found.append(measurement.run(number))
            seconds = ", ".join(f"{name} {value:.3f}" for name, value in found[-1].items())
            print_progress(f"Round {number} of {rounds}: {seconds}")
        watched = list(measurement.watch())
    finally:
        with contextlib.suppress(BenchError):
            raw.end()
        previews.remove()
    print(*summary.lines(found), *watched, sep="\n")
    return summary.medians(found)


def run(parameters: Parameters) -> Found:
    """Measure on a new cluster; one round if quick."""
    rounds = 1 if parameters.quick else ROUNDS
    home = parameters.folder / "cluster"
    with cluster.running(home) as (system, docker):
        found = measure(system, docker, parameters.folder, rounds=rounds)
        if why := database.why_not():
            print(f"with a database: not measured, as {why}")
            return found
        beside = database.measure(system, docker, parameters.folder, cluster=home, rounds=rounds)
    print(*database.lines(beside), sep="\n")
    return {**found, **summary.medians(beside, database.COLUMNS)}


if __name__ == "__main__":
    sys.exit(command_line.run(Bench("bench.start", __doc__, run)))
