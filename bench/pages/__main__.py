"""`make bench-pages`: what the waiting room and the dashboard cost a browser, in a real Chromium.

After a warm-up visit, it visits each page ten times, in turns, with an empty cache and new
connections. Meanwhile one preview builds, and has written a thousand lines; another has failed. The
bench marks figures over their budget, but does not fail because of them.
"""

import itertools
import sys
from pathlib import Path

from bench.harness import command_line
from bench.harness.command_line import Bench, Found, Parameters
from bench.harness.errors import BenchError
from bench.harness.progress import print_progress
from bench.pages import budgets, visits
from bench.pages.visits import Seen, Visit
from bench.systems import cluster
from bench.systems.address import Previews, System
from examples.hello import make_repository as example
from tests import chromium

VISITS = 10
_APP = "bench"
_SLOW, _BROKEN = "slow", "broken-dockerfile"
_LAST = "Line 1000 of 1000."
_WRITES = "n=0; while [ $n -lt 1000 ]; do n=$((n+1)); echo Line $n of 1000.; done"
_BUILDS = example.Version(
    "Take long to build",
    "Nobody sees this.",
    ending=f'RUN ["/bin/busybox", "sh", "-c", "{_WRITES}; exec /bin/busybox sleep 3600"]',
)


def measure(system: System, folder: Path, count: int) -> dict[str, float]:
    """Visit each page `count` times; print and return the results. Raises BenchError."""
    previews = Previews(system, _APP)
    previews.register(str(_repository(folder / "repository")))
    try:
        built, failed = previews.start(_SLOW), previews.start(_BROKEN)
        previews.wait(failed, "failed")
        previews.wait_logged(built, _LAST)
        with chromium.running() as browser:
            signed_in = visits.sign_in(browser, system.api, system.token)
            pages = _pages(system, built)
            found: dict[str, list[Seen]] = {name: [] for name in pages}
            for number in range(count + 1):
                print_progress(
                    f"Round {number} of {count} ..." if number else "A warm-up round ..."
                )
                seen = {
                    name: visits.measure(browser, one, signed_in, lambda: previews.check(built))
                    for name, one in pages.items()
                }
                for name in pages if number else ():
                    found[name].append(seen[name])
    finally:
        previews.remove()
    loads = {name: [one.values for one in seen] for name, seen in found.items()}
    every = [one for seen in found.values() for one in seen]
    print(*budgets.lines(loads), sep="\n")
    print(budgets.outside([url for one in every for url in one.outside], len(every)))
    return budgets.medians(loads)


def _repository(folder: Path) -> Path:
    """Make the example with its failures, and with a branch whose build takes an hour."""
    try:
        example.make(folder, with_failures=True)
        example.git(folder, "checkout", "--quiet", "-b", _SLOW)
        clock = itertools.count(example.FIRST_COMMIT, 3600)
        example.commit(folder, _BUILDS, example.find_busybox(), clock)
    except example.CannotMake as exc:
        raise BenchError(str(exc)) from exc
    return folder


def _pages(system: System, built: str) -> dict[str, Visit]:
    """Return the pages by name: with the names of budgets.BUDGETS."""
    place, api = f"{_APP}.{system.domain}:{system.port}/", system.api
    return {
        "room_building": Visit(f"http://{_SLOW}.{place}", _LAST, "#log"),
        "room_failed": Visit(f"http://{_BROKEN}.{place}", "What to do", "#advice"),
        "sign_in": Visit(f"{api}/sign-in", "Token", "form"),
        "overview": Visit(f"{api}/", _APP, "main", signed_in=True),
        "app": Visit(f"{api}/apps/{_APP}", _BROKEN, "main", signed_in=True),
        "preview": Visit(f"{api}/apps/{_APP}/previews/{built}", _LAST, "#log", signed_in=True),
        "cluster": Visit(f"{api}/cluster", "127.0.0.1", "main", signed_in=True),
    }


def run(parameters: Parameters) -> Found:
    """Measure on a new cluster; one visit of each page if quick."""
    with cluster.running(parameters.folder / "cluster") as (system, _):
        return measure(system, parameters.folder, 1 if parameters.quick else VISITS)


if __name__ == "__main__":
    sys.exit(command_line.run(Bench("bench.pages", __doc__, run)))
