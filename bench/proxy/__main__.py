"""`make bench-proxy`: our proxy, six others and none, on two cores, in turns.

Core one runs the load, the backend and ZooKeeper, core two the proxy whose turn it is. The CPU time
of a request on core two is the fairest number, because one of the cores is always full. `--quick`
has one round of a second each, and compares only with HAProxy, which is always installed. `--held`
measures only the cost of held requests; `--write` writes docs/performance.md.
"""

import argparse
import contextlib
import functools
import http.client
import os
import random
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from kazoo.client import KazooClient

from bench.harness import command_line, page
from bench.harness.command_line import Bench, Found, Parameters
from bench.harness.errors import BenchError
from bench.harness.progress import print_progress
from bench.proxy import backend, cores, held, own_proxy, report, rivals, rounds
from bench.proxy.backend import Backend
from bench.proxy.held import Held
from bench.proxy.own_proxy import Installation
from bench.proxy.report import Outcome
from bench.proxy.rivals import HAPROXY
from bench.proxy.rounds import DIRECT, LARGE, OURS_SMALL, SMALL, Scale, Site
from local.cluster.zookeeper import zookeeper_part
from local.parts.part import bring_up
from tests.fakes.world import World
from tests.free_ports import free_port

_RIVALS = Path(".cache/bench-proxy")
_WHOLE = Scale(3, rounds.NAMES, (SMALL, LARGE), 200, (held.FEW, held.MANY), seconds=60)
_QUICK = Scale(1, (DIRECT, HAPROXY, OURS_SMALL), (SMALL,), 10, (held.FEW,), seconds=1)

_LIMIT = 30.0
_LOOK_SECONDS = 0.0005
_LONGEST_PAUSE = 0.2


def measure_changes(
    client: KazooClient, installation: Installation, *, port: int, backend: Backend, count: int
) -> list[float]:
    """Return the seconds of each change, from before the write until an answer shows it.

    Each change moves a random preview to the other port of the backend, or back. Pauses are random
    too, so that changes come at every phase of the proxy's periodic work.
    """
    chance = random.Random(4)
    moved: dict[int, list[int]] = {}
    found = []
    for _ in range(count):
        app, preview = chance.randrange(installation.apps), chance.randrange(installation.previews)
        ports = moved.setdefault(app, [backend.http] * installation.previews)
        ports[preview] = backend.other if ports[preview] == backend.http else backend.http
        data = own_proxy.record(app, ports)
        time.sleep(chance.uniform(0, _LONGEST_PAUSE))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_LIMIT)
        with contextlib.closing(connection):
            _answer(connection, own_proxy.host(app, preview))  # so that the connection is open
            began = time.perf_counter()
            client.set(installation.paths.app_placements(own_proxy.app_name(app)), data)
            while _answer(connection, own_proxy.host(app, preview)) != str(ports[preview]):
                if time.perf_counter() - began > _LIMIT:
                    raise BenchError(f"the proxy did not follow a change within {_LIMIT:.0f} s")
                time.sleep(_LOOK_SECONDS)
            found.append(time.perf_counter() - began)
    return found


def _answer(connection: http.client.HTTPConnection, name: str) -> str:
    """Return the port of the backend that answered."""
    connection.request("GET", "/", headers={"Host": name})
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status != 200:
        raise BenchError(f"{name} answers {answer.status}: {text[:200]}")
    return text.split()[0]


def measure(site: Site, scale: Scale) -> Outcome:
    """Measure everything."""
    with own_proxy.connected(site.services.zookeeper) as client:
        for installation in scale.installations:
            print_progress(f"Writing {installation.placements} placements ...")
            own_proxy.place(client, installation, site.backend.http, site.backend.echo)
        found = []
        for number in range(1, scale.rounds + 1):
            print_progress(f"Round {number}:")
            found.append(rounds.run(site, number, scale))
        moves = {}
        for installation in scale.installations:
            print_progress(
                f"Changing one of {installation.placements} placements, again and again ..."
            )
            with rounds.started(site, installation, f"changes-{installation.apps}") as target:
                moves[installation.placements] = measure_changes(
                    client,
                    installation,
                    port=target.port,
                    backend=site.backend,
                    count=scale.changes,
                )
    return Outcome(rounds.medians(found), moves, measure_held(site, scale))


def measure_held(site: Site, scale: Scale) -> dict[int, Held]:
    """Measure held requests, for few hosts and for many."""
    found = {}
    with own_proxy.connected(site.services.zookeeper) as client:
        for hosts in scale.held:
            print_progress(f"Holding {held.COUNT} requests for {hosts} hosts ...")
            installation = SMALL._replace(name=f"held-{hosts}")
            own_proxy.place(client, installation, site.backend.http, site.backend.echo)
            with rounds.started(site, installation, f"held-{hosts}") as target:
                found[hosts] = held.measure(
                    site, client, target, hosts=hosts, paths=installation.paths
                )
    return found


@contextlib.contextmanager
def _site(folder: Path, installed: Path) -> Iterator[Site]:
    """Start what runs during the whole bench, and end it."""
    chosen = cores.choose()
    cores.stay(chosen.load)
    zookeeper = zookeeper_part(folder / "zookeeper", free_port(), os.environ, folder / "log")
    world = World()
    held.arrange(world)
    search = rivals.path(installed)
    with world.serving() as api, backend.running(folder) as behind:
        try:
            bring_up(zookeeper)
            services = own_proxy.Services(zookeeper.address, api)
            before = functools.partial(cores.on, chosen.proxy)
            yield Site(folder, behind, services, world, search, before)
        finally:
            zookeeper.stop()


def run(parameters: Parameters) -> Found:
    """Measure according to the options."""
    chosen = parameters.options
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    scale = _QUICK if parameters.quick else _WHOLE
    with _site(parameters.folder, chosen.rivals) as site:
        if chosen.held:
            found = measure_held(site, scale)
            print(*report.held(found), sep="\n")
            return {"held_kb": {str(hosts): round(each.kb, 2) for hosts, each in found.items()}}
        outcome = measure(site, scale)
        machine = report.machine(site.search, parameters.load, outcome.found)
        lines = [*machine, "", *report.lines(outcome)]
    if chosen.write:
        page.write("performance.md", "proxy", lines)
    print(*lines, sep="\n")
    return report.figures(outcome)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--held", action="store_true", help="measure only held requests")
    what = "the folder with the other proxies"
    command_line.add_rivals(parser, _RIVALS, what, "docs/performance.md")


if __name__ == "__main__":
    sys.exit(command_line.run(Bench("bench.proxy", __doc__, run, _add_options)))
