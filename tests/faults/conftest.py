"""A cluster of the fault tests' own, its applications, and constant visitors.

The tests share it and leave it whole: each waits until all parts are up and all invariants hold.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.dockerd import OwnDockerd
from tests.faults.fleet import Fleet
from tests.faults.job_group import JobGroup
from tests.faults.observer import RouteWatch
from tests.faults.recovery import Recovery
from tests.faults.sites import Site
from tests.faults.system import System
from tests.faults.visitors import Seen, Visitors

RUNNING = 4
"""Previews of `site` that run all the time, two on an agent, and are visited."""

_MEM = 2048
"""MB of an agent: room for two previews of `site`, or for five of `many`."""

DEAD_ROUTE_SECONDS = 120.0
"""How long visitors may be sent to an attempt that is dead: an agent that is gone without a word is
missed after 15 s, and its previews are given up after 60 more. The rest is for a busy machine."""

_results: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what each fault took to heal, for bench/faults.py."""
    for line in _results:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def dockerd() -> Iterator[OwnDockerd]:
    """The cluster's own dockerd, which tests may kill: the shared one serves other runs."""
    if os.geteuid() != 0:
        pytest.skip("a dockerd of its own: root")
    folder = Path(tempfile.mkdtemp(prefix="prevs-d-"))
    running = OwnDockerd(folder)
    try:
        running.start()
        yield running
    finally:
        running.clear()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def system(dockerd: OwnDockerd) -> Iterator[System]:
    """Two frameworks and four agents."""
    folder = Path(tempfile.mkdtemp(prefix="prevs-f-"))  # short: sockets are made below it
    made = System(folder, dockerd.host)
    try:
        made.up("--frameworks=2", "--agents=4", f"--mem={_MEM}")
        yield made
    finally:
        made.down()
        kept = os.environ.get("PREVS_TEST_KEEP")
        if kept:
            shutil.copytree(folder / "log", kept, dirs_exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def site(system: System, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The app whose previews run all the time."""
    made = Site(tmp_path_factory.mktemp("site") / "site", "site", RUNNING + 1)
    answer = system.call(
        "POST", "/v1/apps", name=made.app, repository=str(made.folder), mem=900, idle_after=0
    )
    assert answer.status_code == 201, answer.text
    for label in made.labels[:RUNNING]:
        system.start(made.app, label)
    system.settle(running=RUNNING)
    return made


@pytest.fixture(scope="session")
def workplace(system: System, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The app whose commits run jobs; its image is there."""
    made = Site(tmp_path_factory.mktemp("workplace") / "workplace", "workplace", 1)
    answer = system.call("POST", "/v1/apps", name=made.app, repository=str(made.folder), mem=16)
    assert answer.status_code == 201, answer.text
    first = JobGroup(system, made)
    first.request("true", [{}])
    assert [job["state"] for job in first.wait_ended()] == ["succeeded"]
    return made


@pytest.fixture(scope="session")
def fleet(system: System, site: Site) -> Fleet:
    """The previews that run all the time."""
    return Fleet(system, site, site.labels[:RUNNING])


@pytest.fixture(scope="session")
def visitors(system: System, fleet: Fleet) -> Iterator[Visitors]:
    """Twenty visits a second, of all running previews."""
    made = Visitors(system.settings.port, fleet.addresses(), rate=20 / RUNNING)
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def routes(system: System) -> Iterator[RouteWatch]:
    """Checks for routes to dead attempts continuously."""
    watch = RouteWatch(system.observer)
    watch.start()
    yield watch
    watch.stop()


@pytest.fixture
def seen(
    request: pytest.FixtureRequest, system: System, visitors: Visitors, routes: RouteWatch
) -> Iterator[Seen]:
    """What the visitors see during a test, which begins and ends with a whole cluster."""
    system.wait_up()
    system.settle(running=RUNNING)
    routes.begin()
    with visitors.watched() as watched:
        yield watched
    system.wait_up()
    system.settle(running=RUNNING)
    _results.append(f"dead route for {routes.longest:.1f} s at most: {request.node.name}")
    assert watched.answered > 0
    assert routes.is_alive()
    assert routes.longest < DEAD_ROUTE_SECONDS


@pytest.fixture
def recovery(request: pytest.FixtureRequest) -> Recovery:
    """Notes how long it takes from a fault to its end."""
    return Recovery(_results)
