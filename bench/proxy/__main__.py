"""`make bench-proxy`: our proxy against six others and none, on two cores, in turns.

Core one has the load, the backend and ZooKeeper, core two the proxy whose turn it is: what a
request costs there in CPU time is the fairest number, for one or the other core is full.
`--quick` has one round of a second each, and compares with HAProxy alone, which is always there.
`--held` measures what held requests cost, and nothing else; `--write` writes docs/performance.md.
"""

import argparse
import contextlib
import functools
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

from bench import command_line
from bench.command_line import Asked, Bench, Found
from bench.progress import tell
from bench.proxy import backend, changes, cores, course, held, ours, report, rivals
from bench.proxy.course import DIRECT, LARGE, OURS_SMALL, SMALL, Scale, Site
from bench.proxy.held import Held
from bench.proxy.report import Outcome
from bench.proxy.rivals import HAPROXY
from local.parts import bring_up
from local.zookeeper import zookeeper_part
from tests.fakes.world import World
from tests.free_ports import free_port

_PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
_RIVALS = Path(".cache/bench-proxy")
_WHOLE = Scale(3, course.NAMES, (SMALL, LARGE), 200, (held.FEW, held.MANY), seconds=60)
_QUICK = Scale(1, (DIRECT, HAPROXY, OURS_SMALL), (SMALL,), 10, (held.FEW,), seconds=1)


def measure(site: Site, scale: Scale) -> Outcome:
    """Measure everything. Raises BenchError, LocalError."""
    with ours.connected(site.around.zookeeper) as client:
        for installation in scale.installations:
            tell(f"Writing {installation.placements} placements ...")
            ours.place(client, installation, site.backend.http, site.backend.echo)
        rounds = []
        for number in range(1, scale.rounds + 1):
            tell(f"Round {number}:")
            rounds.append(course.run(site, number, scale))
        moves = {}
        for installation in scale.installations:
            tell(f"Changing one of {installation.placements} placements, again and again ...")
            with course.started(site, installation, f"changes-{installation.apps}") as target:
                moves[installation.placements] = changes.measure(
                    client,
                    installation,
                    port=target.port,
                    backend=site.backend,
                    count=scale.changes,
                )
    return Outcome(course.medians(rounds), moves, measure_held(site, scale))


def measure_held(site: Site, scale: Scale) -> dict[int, Held]:
    """Measure held requests, for few hosts and for many. Raises BenchError, LocalError."""
    found = {}
    with ours.connected(site.around.zookeeper) as client:
        for hosts in scale.held:
            tell(f"Holding {held.COUNT} requests for {hosts} hosts ...")
            installation = SMALL._replace(name=f"held-{hosts}")
            ours.place(client, installation, site.backend.http, site.backend.echo)
            with course.started(site, installation, f"held-{hosts}") as target:
                found[hosts] = held.measure(
                    site, client, target, hosts=hosts, paths=installation.paths
                )
    return found


@contextlib.contextmanager
def _site(folder: Path, installed: Path) -> Iterator[Site]:
    """Start what is there all the while, and end it."""
    chosen = cores.choose()
    cores.stay(chosen.load)
    zookeeper = zookeeper_part(folder / "zookeeper", free_port(), os.environ, folder / "log")
    world = World()
    held.arrange(world)
    search = rivals.path(installed)
    with world.serving() as api, backend.running(folder) as behind:
        try:
            bring_up(zookeeper)
            around = ours.Around(zookeeper.address, api)
            before = functools.partial(cores.on, chosen.proxy)
            yield Site(folder, behind, around, world, search, before)
        finally:
            zookeeper.stop()


def run(asked: Asked) -> Found:
    """Measure what the options say. Raises BenchError, LocalError."""
    chosen = asked.options
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    scale = _QUICK if asked.quick else _WHOLE
    with _site(asked.folder, chosen.rivals) as site:
        if chosen.held:
            found = measure_held(site, scale)
            print(*report.held(found), sep="\n")
            return {"held_kb": {str(hosts): round(each.kb, 2) for hosts, each in found.items()}}
        outcome = measure(site, scale)
        machine = report.machine(site.search, asked.load.load, outcome.found)
        lines = [*machine, "", *report.lines(outcome)]
    if chosen.write:
        _PAGE.write_text(report.written(_PAGE.read_text(), lines))
    print(*lines, sep="\n")
    return report.figures(outcome)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rivals", type=Path, default=_RIVALS, help="where the others are")
    parser.add_argument("--held", action="store_true", help="only held requests")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")


if __name__ == "__main__":
    sys.exit(command_line.run(Bench("bench.proxy", __doc__, run, _add_options)))
