"""`make bench-gates`: gates with 10, 1,000 and 10,000 rules, beside five other proxies with them.

Core one runs the load, the backend and ZooKeeper, core two the proxy whose turn it is. A gate has
100 rules, so there are up to 100 gates. First requests for random rules, by path, by header and
with weights, in rounds; every other round is in reverse order. Then changes of a rule, each proxy
in its own way, until an answer shows it. Then switches of a gate at three proxies, with visitors
whose answers are all judged. `--quick` has 10 rules, and compares only with HAProxy, which is
always installed; `--write` writes docs/performance.md.
"""

import argparse
import contextlib
import functools
import os
import resource
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.gates import changes, report, rivals, rounds, rules, switches
from bench.gates.changes import Changes
from bench.gates.report import Outcome
from bench.gates.rounds import OURS, Scale, Site
from bench.gates.rules import Kind
from bench.harness import command_line, page
from bench.harness.command_line import Bench, Found, Parameters
from bench.harness.progress import print_progress
from bench.proxy import backend, cores, own_proxy
from bench.proxy.own_proxy import Services
from bench.proxy.rivals import path
from local.cluster.zookeeper import zookeeper_part
from local.parts.part import bring_up
from tests.fakes.world import World
from tests.free_ports import free_port

_RIVALS = Path(".cache/bench-proxy")
_WHOLE = Scale(2, rounds.NAMES, tuple(Kind), (10, 1000, 10_000), 3, 200, 30.0, 1000)
_QUICK = Scale(1, (OURS, rivals.MAP), (Kind.PATH, Kind.WEIGHT), (10,), 1, 10, 5.0, 50)


def measure(site: Site, scale: Scale) -> Outcome:
    """Measure everything."""
    missing = {
        name: why
        for name in scale.names
        if name != OURS and (why := rivals.find_missing(name, site.search))
    }
    for name, why in missing.items():
        print_progress(f"{name} is left out: {why}.")
    scale = scale._replace(names=[name for name in scale.names if name not in missing])
    found = []
    for number in range(1, scale.rounds + 1):
        print_progress(f"Round {number}:")
        found.append(rounds.run(site, number, scale))
    moves = _measure_changes(site, scale)
    print_progress(f"Switching a gate at {switches.PROXIES} proxies {scale.switches} times ...")
    switched = switches.measure(site, scale.switches)
    return Outcome(rounds.join(found), moves, switched, missing, scale.rounds)


def _measure_changes(site: Site, scale: Scale) -> Mapping[tuple[str, int], Changes]:
    found = {}
    for name in scale.names:
        for count in sorted({min(scale.counts), max(scale.counts)}):
            print_progress(f"Changing one of {count:,} rules of {name}, again and again ...")
            wanted = rules.make(Kind.PATH, count)
            with rounds.serving(site, name, wanted, "changes") as target:
                found[name, count] = changes.measure(
                    target,
                    wanted,
                    site.backends,
                    count=scale.changes,
                    seconds=scale.change_seconds,
                )
    return found


@contextlib.contextmanager
def _site(folder: Path, installed: Path) -> Iterator[Site]:
    """Start what runs during the whole bench, and end it."""
    chosen = cores.choose()
    cores.stay(chosen.load)
    backends = [free_port() for _ in range(rules.LABELS)]
    behind = backend.nginx(folder / "backend", backends)
    zookeeper = zookeeper_part(folder / "zookeeper", free_port(), os.environ, folder / "log")
    with World().serving() as api, contextlib.ExitStack() as stack:
        for part in (behind, zookeeper):
            stack.callback(part.stop)
            bring_up(part)
        client = stack.enter_context(own_proxy.connected(zookeeper.address))
        services = Services(zookeeper.address, api)
        before = functools.partial(cores.on, chosen.proxy)
        yield Site(folder, backends, services, client, path(installed), before)


def run(parameters: Parameters) -> Found:
    """Measure according to the options."""
    chosen = parameters.options
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with _site(parameters.folder, chosen.rivals) as site:
        outcome = measure(site, _QUICK if parameters.quick else _WHOLE)
        machine = report.machine(parameters.load, outcome, site.search)
    lines = [*machine, "", *report.lines(outcome)]
    print(*lines, sep="\n")
    if chosen.write:
        page.write("performance.md", "gates", lines)
    return report.figures(outcome)


def _add_options(parser: argparse.ArgumentParser) -> None:
    what = "the folder with the other proxies"
    command_line.add_rivals(parser, _RIVALS, what, "docs/performance.md")


if __name__ == "__main__":
    sys.exit(command_line.run(Bench("bench.gates", __doc__, run, _add_options)))
