"""Switches a gate under load at three proxies, and judges each answer that its visitors got."""

import bisect
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.gates import own_gates, rounds, rules, visitors
from bench.gates.own_gates import Fleet, Writer
from bench.gates.rounds import Site
from bench.gates.rules import Kind, Rules
from bench.gates.visitors import Visit
from bench.harness.errors import BenchError

PROXIES = 3
_RULES = rules.make(Kind.PATH, 20)
_SWITCHED = 7  # the number of the rule
_LIMIT = 30.0
_LOOK = 0.001
_QUIET = 0.5
_ROOT = Path(__file__).parents[2]


class Period(NamedTuple):
    """When a backend may have answered: from before its rule was written until all proxies had said
    that the next one is in force.
    """

    backend: int
    since: float
    until: float


class Switches(NamedTuple):
    """How long each switch took until it was in force everywhere, and what its visitors got."""

    seconds: Sequence[float]
    requests: int
    errors: int
    wrong: int


def measure(site: Site, count: int) -> Switches:
    """Switch one rule of a gate so many times."""
    own_gates.place(site.client, _RULES, site.backends)
    with contextlib.ExitStack() as stack:
        ports = [
            stack.enter_context(rounds.ours(site, _RULES, f"switched-{number}")).port
            for number in range(PROXIES)
        ]
        file = site.folder / "visits"
        with _visiting(file, ports):
            seconds, periods = _switch(site, count)
    visits = visitors.read(file.read_text())
    if not visits:
        raise BenchError("nobody has visited the gate while it was switched")
    errors, wrong = judge(visits, periods)
    return Switches(seconds, len(visits), errors, wrong)


def _switch(site: Site, count: int) -> tuple[Sequence[float], Sequence[Period]]:
    writer, fleet = Writer(site.client, _RULES), Fleet(site.client, _RULES)
    wanted = _RULES
    backend, since = _backend(site, wanted), 0.0
    seconds, periods = [], []
    for revision in range(2, count + 2):
        wanted = wanted.moved(_SWITCHED)
        commit = writer.prepare(wanted, _SWITCHED)
        began = time.monotonic()
        commit()
        _wait_for(fleet, revision)
        in_force = time.monotonic()
        periods.append(Period(backend, since, in_force))
        seconds.append(in_force - began)
        backend, since = _backend(site, wanted), began
    time.sleep(_QUIET)
    return seconds, [*periods, Period(backend, since, float("inf"))]


def _backend(site: Site, wanted: Rules) -> int:
    return site.backends[wanted.at(_SWITCHED).label]


def _wait_for(fleet: Fleet, revision: int) -> None:
    deadline = time.monotonic() + _LIMIT
    while (found := fleet.in_force(0)) != [revision] * PROXIES:
        if time.monotonic() > deadline:
            raise BenchError(
                f"revision {revision} is not in force after {_LIMIT:.0f} s: proxies have {found}"
            )
        time.sleep(_LOOK)


def judge(visits: Sequence[Visit], periods: Sequence[Period]) -> tuple[int, int]:
    """Return the number of visits without an answer, and of those by what was not in force.

    The periods are in order; each overlaps with its neighbours.
    """
    begins, ends = [period.since for period in periods], [period.until for period in periods]
    errors = wrong = 0
    for visit in visits:
        first, last = bisect.bisect_left(ends, visit.sent), bisect.bisect(begins, visit.received)
        possible = {period.backend for period in periods[first:last]}
        errors += not visit.backend
        wrong += bool(visit.backend) and visit.backend not in possible
    return errors, wrong


@contextlib.contextmanager
def _visiting(file: Path, ports: Sequence[int]) -> Iterator[None]:
    """Run visitors of the switched rule at all ports."""
    lead = _RULES.at(_SWITCHED)
    command = [sys.executable, "-m", "bench.gates.visitors", str(file), lead.host, lead.asked]
    with subprocess.Popen(
        [*command, *map(str, ports)], cwd=_ROOT, stdin=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            time.sleep(_QUIET)
            yield
        except BaseException:
            process.kill()
            raise
        process.communicate()
    if process.returncode:
        raise BenchError(f"the visitors ended with status {process.returncode}; see above")
