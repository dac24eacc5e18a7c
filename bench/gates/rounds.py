"""The rounds of the bench: each proxy in turn, started before its turn and ended after it."""

import contextlib
import itertools
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from kazoo.client import KazooClient

from bench.gates import own_gates, rivals, rules, traffic
from bench.gates.rivals import Commit, Place
from bench.gates.rules import Kind, Rules
from bench.harness.errors import BenchError
from bench.harness.progress import print_progress
from bench.proxy import own_proxy
from bench.proxy.load import Answered
from bench.proxy.own_proxy import Services
from bench.proxy.rounds import up
from tests.free_ports import free_port

OURS, ORDINARY = "prevs, gates", "prevs, ordinary addresses"
NAMES = (OURS, *rivals.RIVALS)
_WARM = 1  # seconds: the first requests open the connections
_TURNS = 4  # of gates and ordinary addresses in a round: the speed of a core changes within seconds
_LIMIT = 60.0
_LOOK = 0.05


class Site(NamedTuple):
    """What runs during the whole bench: the backend with a port for each label, and ZooKeeper.

    `before` makes a command run on the proxy's core; `search` is the PATH of the rivals.
    """

    folder: Path
    backends: Sequence[int]
    services: Services
    client: KazooClient
    search: str
    before: Callable[[Sequence[str]], tuple[str, ...]]


class Scale(NamedTuple):
    """How much to measure.

    Rounds, of proxies in order, for kinds and numbers of rules; seconds of each load; changes of
    each proxy, for at most so many seconds; and switches under load.
    """

    rounds: int
    names: Sequence[str]
    kinds: Sequence[Kind]
    counts: Sequence[int]
    seconds: int
    changes: int
    change_seconds: float
    switches: int


class Case(NamedTuple):
    """What is measured: rules of a kind, the number of them, and the proxy."""

    kind: Kind
    size: int
    name: str


class Serving(NamedTuple):
    """A proxy that runs; `prepare` prepares its own way of the change of one rule."""

    port: int
    pid: int
    prepare: Callable[[Rules, int], Commit]


Found = Mapping[Case, Sequence[Answered]]
"""What each turn has found."""


def run(site: Site, number: int, scale: Scale) -> Found:
    """Measure all cases once; every other round is in reverse order.

    Raises BenchError, LocalError.
    """
    found: dict[Case, list[Answered]] = {}
    step = 1 if number % 2 else -1
    for kind, count in itertools.product(scale.kinds, scale.counts):
        wanted = rules.make(kind, count)
        for name in scale.names[::step]:
            with serving(site, name, wanted, f"round-{number}") as target:
                found |= _measure(site, target, wanted, name=name, scale=scale)
    return found


def _measure(
    site: Site, target: Serving, wanted: Rules, *, name: str, scale: Scale
) -> Mapping[Case, list[Answered]]:
    """Measure a proxy, and with ours also the addresses of the labels, by turns."""
    traffic.check(target.port, wanted, site.backends)
    found: defaultdict[Case, list[Answered]] = defaultdict(list)
    for ordinary in (True, False) * _TURNS if name == OURS else (False,):
        file = traffic.write_requests(site.folder, wanted, ordinary=ordinary)
        traffic.send(file, port=target.port, pid=target.pid, seconds=_WARM)
        answered = traffic.send(file, port=target.port, pid=target.pid, seconds=scale.seconds)
        case = Case(wanted.kind, len(wanted.labels), ORDINARY if ordinary else name)
        found[case] += [answered]
        print_progress(
            f"  {case.kind.value}, {case.size:,} rules, {case.name}: {answered.rate:.0f}"
            f" requests/s, {answered.cpu_us:.1f} us of CPU each"
        )
    return found


@contextlib.contextmanager
def serving(site: Site, name: str, wanted: Rules, turn: str) -> Iterator[Serving]:
    """Run a proxy that has some rules, and end it. Raises BenchError, LocalError."""
    folder = f"{turn}-{NAMES.index(name)}-{wanted.kind.value}-{len(wanted.labels)}"
    if name == OURS:
        own_gates.place(site.client, wanted, site.backends)
        with ours(site, wanted, folder) as target:
            yield target
        return
    place = Place(site.folder / folder, free_port(), site.backends)
    part = rivals.part(name, place, wanted, search=site.search, before=site.before)
    with up(part) as pid:
        change = rivals.RIVALS[name].change
        try:
            yield Serving(place.port, pid, lambda rules, number: change(place, rules, number, pid))
        except BenchError as error:
            raise BenchError(f"{name}: {error}\n{part.last_words()}".rstrip()) from error


@contextlib.contextmanager
def ours(site: Site, wanted: Rules, folder: str) -> Iterator[Serving]:
    """Run our proxy until it chooses by the rules that are in ZooKeeper, and end it."""
    port = free_port()
    part = own_proxy.part(
        own_gates.installation(wanted), site.services, site.folder / folder, port=port,
        before=site.before,
    )  # fmt: skip
    with up(part) as pid:
        _wait_for(port, wanted)
        yield Serving(port, pid, own_gates.Writer(site.client, wanted).prepare)


def _wait_for(port: int, wanted: Rules) -> None:
    deadline = time.monotonic() + _LIMIT
    while not traffic.answers(port, wanted.at(len(wanted.labels) - 1)):
        if time.monotonic() > deadline:
            raise BenchError(f"the proxy does not choose by its gates after {_LIMIT:.0f} s")
        time.sleep(_LOOK)


def join(rounds: Sequence[Found]) -> Found:
    """Return the turns of all rounds."""
    return {case: [turn for found in rounds for turn in found[case]] for case in rounds[0]}


def find_median(turns: Sequence[Answered]) -> Answered:
    """Return the median of each number."""
    return Answered(*map(statistics.median, zip(*turns, strict=True)))
