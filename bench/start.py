"""`make bench-start`: a commit through its address against docker build and docker run by hand.

Ten rounds, each of: cold (no layer of the image is known) and warm (the image is there), each by
raw docker and by the address, in turns on the same machine. Each gets files of its own that differ
in some bytes: with the same for both, the second would find the layers of the first. Raw docker is
asked every 10 ms until it answers; an address is asked once, and the request is held. Cold starts
with a commit that was just made, so an address also fetches it.
"""

import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from bench import cluster, command_line, summary
from bench.address import Previews, System
from bench.command_line import Asked, Bench, Found
from bench.errors import BenchError
from bench.progress import tell
from bench.raw import RawDocker
from bench.versions import Versions
from prevs import names
from tests.free_ports import free_port

ROUNDS = 10
_QUIET = 0.5  # seconds between measurements, for what the last one left to be done
_APP = "bench"


class Way(NamedTuple):
    """One of the two that are compared: how it starts, in seconds, and how it is ended."""

    cold: Callable[[], float]
    warm: Callable[[], float]
    end: Callable[[], None]


class Course:
    """The things that all rounds use, and the round."""

    def __init__(self, versions: Versions, raw: RawDocker, previews: Previews) -> None:
        self._versions = versions
        self._raw = raw
        self._previews = previews

    def run(self, number: int) -> dict[str, float]:
        """Measure a round; nothing of it runs afterwards."""
        name, tag = f"round {number}", f"prevs-bench:{number}"
        sha, page = self._versions.commit(name), self._versions.page(name)
        found: dict[str, float] = {}
        with (
            tempfile.TemporaryDirectory() as folder,
            self._images(tag, names.image_tag(_APP, sha)),
        ):
            ways = {
                "raw": self._by_hand(number, Path(folder), tag),
                "address": self._visited(sha, page),
            }
            for kind in ("cold", "warm"):
                for who in summary.order(number):
                    time.sleep(_QUIET)
                    found[summary.column(kind, who)] = (
                        ways[who].cold if kind == "cold" else ways[who].warm
                    )()
                    ways[who].end()
        return found

    def _by_hand(self, number: int, tree: Path, tag: str) -> Way:
        name = f"round {number}, by hand"
        self._versions.write(name, tree)
        page = self._versions.page(name)
        return Way(
            cold=lambda: self._raw.cold(tree, tag, page),
            warm=lambda: self._raw.warm(tag, page),
            end=self._raw.end,
        )

    def _visited(self, sha: str, page: str) -> Way:
        def visit() -> float:
            return self._previews.visit(sha, page)

        return Way(cold=visit, warm=visit, end=lambda: self._previews.stop(sha))

    def watch(self) -> Iterator[str]:
        """Start one more version cold and then warm, and return where the time goes."""
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
    """Print the rounds as they come, and return what they come to."""
    busybox = shutil.which("busybox")
    if busybox is None:
        raise BenchError("There is no static busybox here: apt-get install busybox-static")
    versions = Versions(folder / "repository", Path(busybox), f"bench {time.time_ns()}")
    raw = RawDocker(docker, free_port())
    previews = Previews(system, _APP)
    previews.register(str(versions.folder))
    course = Course(versions, raw, previews)
    try:
        tell("A round that does not count ...")
        course.run(0)
        found = []
        for number in range(1, rounds + 1):
            found.append(course.run(number))
            seconds = ", ".join(f"{name} {value:.3f}" for name, value in found[-1].items())
            tell(f"Round {number} of {rounds}: {seconds}")
        watched = list(course.watch())
    finally:
        with contextlib.suppress(BenchError):
            raw.end()
        previews.remove()
    print(*summary.lines(found), *watched, sep="\n")
    return summary.medians(found)


def run(asked: Asked) -> Found:
    """Measure on a cluster of the bench's own; a round is enough if it is to be quick."""
    with cluster.running(asked.folder / "cluster") as (system, docker):
        return measure(system, docker, asked.folder, rounds=1 if asked.quick else ROUNDS)


if __name__ == "__main__":
    sys.exit(command_line.run(Bench("bench.start", __doc__, run)))
