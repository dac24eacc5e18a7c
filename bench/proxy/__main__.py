"""`make bench-proxy`: our proxy against six others and none, on two cores, in turns.

Core one has the load, the backend and ZooKeeper, core two the proxy whose turn it is: what a
request costs there in CPU time is the fairest number, for one or the other core is full.
`--brief` has one round of a second each and writes nothing: for trying. `--held` measures what held
requests cost, and nothing else.
"""

import argparse
import contextlib
import functools
import os
import resource
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.errors import BenchError
from bench.proxy import backend, changes, cores, course, held, ours, report, rivals
from bench.proxy.course import LARGE, ROUNDS, SMALL, Site
from bench.proxy.held import Held
from bench.proxy.report import Outcome
from local.errors import LocalError
from local.parts import bring_up
from local.ports import free_port
from local.zookeeper import zookeeper_part
from tests.fakes.framework_api import Previews, serving

_PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
_RIVALS = Path(".cache/bench-proxy")
_CHANGES, _BRIEF_CHANGES = 200, 20


def measure(site: Site, *, brief: bool) -> Outcome:
    """Measure everything. Raises BenchError, LocalError."""
    with ours.connected(site.around.zookeeper) as client:
        for installation in (SMALL, LARGE):
            tell(f"Writing {installation.placements} placements ...")
            ours.place(client, installation, site.backend.http, site.backend.echo)
        rounds = []
        for number in range(1, (1 if brief else ROUNDS) + 1):
            tell(f"Round {number}:")
            rounds.append(course.run(site, number, brief=brief, tell=tell))
        moves = {}
        for installation in (SMALL, LARGE):
            tell(f"Changing one of {installation.placements} placements, again and again ...")
            with course.started(site, installation, f"changes-{installation.apps}") as target:
                moves[installation.placements] = changes.measure(
                    client,
                    installation,
                    port=target.port,
                    backend=site.backend,
                    count=_BRIEF_CHANGES if brief else _CHANGES,
                )
    return Outcome(course.medians(rounds), moves, measure_held(site))


def measure_held(site: Site) -> dict[int, Held]:
    """Measure held requests for few hosts and for many. Raises BenchError, LocalError."""
    found = {}
    with ours.connected(site.around.zookeeper) as client:
        for hosts in (held.FEW, held.MANY):
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
    world = Previews()
    held.arrange(world)
    search = rivals.path(installed)
    with serving(world) as api, backend.running(folder) as behind:
        bring_up(zookeeper)
        try:
            around = ours.Around(zookeeper.address, api)
            before = functools.partial(cores.on, chosen.proxy)
            yield Site(folder, behind, around, world, search, before)
        finally:
            zookeeper.stop()


def tell(message: str) -> None:
    """Say what goes on; only the result goes to stdout."""
    print(message, file=sys.stderr, flush=True)


def main() -> int:
    """Run the bench and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rivals", type=Path, default=_RIVALS, help="where the others are")
    parser.add_argument("--brief", action="store_true", help="only try it")
    parser.add_argument("--held", action="store_true", help="only held requests")
    chosen = parser.parse_args()
    busy = os.getloadavg()[0]
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="prevs-bench-") as scratch:
        try:
            with _site(Path(scratch), chosen.rivals) as site:
                if chosen.held:
                    print(*report.held(measure_held(site)), sep="\n")
                    return 0
                outcome = measure(site, brief=chosen.brief)
                lines = [*report.machine(site.search, busy), "", *report.lines(outcome)]
        except (LocalError, BenchError) as exc:
            tell(f"The bench ended early: {exc}")
            return 1
    if not chosen.brief:
        _PAGE.write_text(report.written(_PAGE.read_text(), lines))
    print(*lines, report.last_line(outcome), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
