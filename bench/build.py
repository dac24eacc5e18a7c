"""`make bench-build`: what a build costs through an address, beside docker by hand.

Each round has a first build, a change of one line on the same agent, and the same change on another
agent, without a registry and with one. prevs and the docker command do each of them on the same
dockerd, and take turns to go first. Their files differ in some bytes, so that neither finds the
other's layers. At the end the bench measures ten builds at once on two agents, and an idle
executor.
"""

import functools
import os
import shutil
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import requests

from bench.harness import command_line
from bench.harness.command_line import Bench, Found, Parameters
from bench.harness.errors import BenchError
from bench.harness.progress import print_progress
from bench.systems import idle_cost
from bench.systems.address import Previews
from bench.systems.build_site import Site, running
from bench.systems.raw_docker import RawDocker
from bench.systems.repository import Tree
from tests.free_ports import free_port

_APP = "bench"
_QUIET = 0.5  # seconds between measurements, for remaining work of the last one


class Scale(NamedTuple):
    """How much to measure: rounds, builds at once, seconds of rest."""

    rounds: int
    at_once: int
    rest: float
    warms_up: bool


_WHOLE = Scale(rounds=3, at_once=10, rest=30.0, warms_up=True)
_QUICK = Scale(rounds=1, at_once=2, rest=2.0, warms_up=False)


class Cost(NamedTuple):
    """The cost of one answer: seconds, and bytes of git and of the registry."""

    seconds: float
    git: int
    registry: int


class Measurement:
    """What all rounds use, and one round."""

    def __init__(self, site: Site, tree: Tree, previews: Previews) -> None:
        self._site = site
        self._tree = tree
        self._previews = previews
        self._raw = [RawDocker(host, free_port()) for host in site.docker]

    def run(self, number: int) -> dict[str, Cost]:
        """Measure a round; nothing of it is left running."""
        ways: list[Callable[[int], Iterator[tuple[str, Cost]]]] = [self._by_address, self._by_hand]
        if number % 2:
            ways.reverse()
        return {name: cost for way in ways for name, cost in way(number)}

    def _by_address(self, number: int) -> Iterator[tuple[str, Cost]]:
        site = self._site
        site.share(shares=False)
        first = self._tree.commit(f"{number} first", f"{number} base")
        yield "first", self._visit(1, first)
        changed = self._tree.commit(f"{number} changed", f"{number} base")
        yield "change", self._visit(1, changed)
        yield "other_agent", self._visit(2, changed)
        site.share(shares=True)
        shared = self._tree.commit(f"{number} shared", f"{number} shared base")
        self._visit(1, shared, until_shared=True)
        yield "other_agent_registry", self._visit(2, shared)

    def _visit(self, agent: int, version: tuple[str, str], *, until_shared: bool = False) -> Cost:
        """Visit a version on an agent, and stop it."""
        sha, page = version
        self._previews.constrain(f"number={agent}")
        self._forget_bytes()
        seconds = self._previews.visit(sha, page)
        cost = Cost(seconds, self._site.git_bytes.take(), self._site.registry_bytes.take())
        if until_shared:
            self._site.wait_shared(_APP, sha)
        self._previews.stop(sha)
        return cost

    def _forget_bytes(self) -> None:
        time.sleep(_QUIET)
        self._site.git_bytes.take()
        self._site.registry_bytes.take()

    def _by_hand(self, number: int) -> Iterator[tuple[str, Cost]]:
        first, other = self._raw
        folder = self._site.folder / "by-hand"
        tags = [f"prevs-bench:{number}-{name}" for name in ("first", "changed")]
        tags.append(f"{self._site.registry}/by-hand:{number}")
        for name, tag in (("first", tags[0]), ("change", tags[1])):
            page = self._tree.write(folder, f"{number} {name} raw", f"{number} raw")
            cold = functools.partial(first.cold, folder, tag, page)
            yield f"{name}_raw", self._time(first, cold)
        yield "other_agent_raw", self._time(other, lambda: other.cold(folder, tags[1], page))
        page = self._tree.write(folder, f"{number} shared raw", f"{number} shared raw")
        first.cold(folder, tags[2], page)
        first.end()
        first.push(tags[2])
        yield "other_agent_registry_raw", self._time(other, lambda: other.pulled(tags[2], page))
        for raw in self._raw:
            raw.remove_images(tags)

    def _time(self, raw: RawDocker, measure: Callable[[], float]) -> Cost:
        self._forget_bytes()
        seconds = measure()
        cost = Cost(seconds, 0, self._site.registry_bytes.take())
        raw.end()
        return cost

    def at_once(self, count: int) -> dict[str, float]:
        """Return the seconds until `count` new versions have answered, by address and by hand."""
        self._site.share(shares=False)
        self._previews.constrain()
        versions = [self._tree.commit(f"at once {n}", "at once") for n in range(count)]
        time.sleep(_QUIET)
        ours = _together(
            [functools.partial(self._previews.visit, *version) for version in versions]
        )
        for sha, _ in versions:
            self._previews.stop(sha)
        hosts, started = self._site.docker, []
        calls = []
        for number in range(count):
            folder = self._site.folder / f"at-once-{number}"
            name = f"at once raw {number}"
            page = self._tree.write(folder, name, "at once raw")
            raw = RawDocker(hosts[number % 2], free_port(), name=f"prevs-bench-{number}")
            tag = f"prevs-bench:{number}"
            started.append((raw, tag))
            calls.append(functools.partial(raw.cold, folder, tag, page))
        raws = _together(calls)
        for raw, tag in started:
            raw.end()
            raw.remove_images([tag])
        return {"at_once_s": ours, "at_once_raw_s": raws}

    def at_rest(self, seconds: float) -> dict[str, float]:
        """Return memory and CPU time of an executor whose running application gets no requests."""
        found: dict[str, float] = {}
        sha, page = self._tree.commit("rest", "rest")
        for name in ("rest_after_build", "rest"):
            self._previews.visit(sha, page)
            used = idle_cost.measure(str(self._site.folder), seconds)
            found |= {f"{name}_mb": used.megabytes, f"{name}_cpu_s": used.cpu_seconds}
            self._previews.stop(sha)
        return found


def _together(calls: Sequence[Callable[[], float]]) -> float:
    """Make all calls at once; return the seconds until the last has returned."""
    failed: list[Exception] = []

    def run(call: Callable[[], float]) -> None:
        try:
            call()
        except (BenchError, requests.RequestException) as exc:
            failed.append(exc)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise BenchError(f"one of the builds at once failed: {failed[0]}")
    return time.monotonic() - began


def medians(rounds: Sequence[Mapping[str, Cost]]) -> dict[str, float]:
    """Return the medians by name: seconds to the millisecond, bytes."""
    found: dict[str, float] = {}
    for name in rounds[0]:
        costs = [costs[name] for costs in rounds]
        found[f"{name}_s"] = round(statistics.median(cost.seconds for cost in costs), 3)
        for what in ("git", "registry"):
            count = int(statistics.median(getattr(cost, what) for cost in costs))
            if count:
                found[f"{name}_{what}_bytes"] = count
    return found


def measure(site: Site, scale: Scale) -> dict[str, float]:
    """Print the rounds as they come, and return the results."""
    busybox = Path(shutil.which("busybox") or "/bin/busybox")
    tree = Tree(site.folder / "repository", busybox, f"bench {time.time_ns()}")
    previews = Previews(site.system, _APP)
    previews.register(f"git://127.0.0.1:{site.git}/repository")
    measurement = Measurement(site, tree, previews)
    if scale.warms_up:
        print_progress("A warm-up round ...")
        measurement.run(0)
    rounds = []
    for number in range(1, scale.rounds + 1):
        rounds.append(measurement.run(number))
        times = ", ".join(f"{name} {cost.seconds:.3f}" for name, cost in rounds[-1].items())
        print_progress(f"Round {number} of {scale.rounds}: {times}")
    found = medians(rounds)
    print_progress(f"Building {scale.at_once} at once ...")
    found |= {name: round(value, 3) for name, value in measurement.at_once(scale.at_once).items()}
    print_progress("Measuring an idle executor ...")
    found |= {name: round(value, 2) for name, value in measurement.at_rest(scale.rest).items()}
    for name, value in found.items():
        print(f"{name:40} {value:>12}")
    return found


def run(parameters: Parameters) -> Found:
    """Measure on a new site."""
    if os.geteuid() != 0:
        raise BenchError("The bench starts two dockerds of its own. Run it as root.")
    with running(parameters.folder) as site:
        return measure(site, _QUICK if parameters.quick else _WHOLE)


if __name__ == "__main__":
    sys.exit(command_line.run(Bench("bench.build", __doc__, run)))
