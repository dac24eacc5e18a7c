"""The rounds of the bench: each proxy in turn, started before its turn and ended after it."""

import contextlib
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.harness.progress import print_progress
from bench.proxy import cores, load, own_proxy, rivals
from bench.proxy.backend import Backend
from bench.proxy.load import Answered, Load, Target
from bench.proxy.own_proxy import Installation, Services
from bench.proxy.rivals import Place
from local.parts.part import ProcessPart, bring_up
from tests.fakes.world import World
from tests.free_ports import free_port

SMALL, LARGE = Installation(2, 5), Installation(1000, 100)
LOADS = (
    Load("64", "/", 64, 10),
    Load("1", "/", 1, 3),
    Load("4k", "/4k", 64, 3),
    Load("1m", "/1m", 16, 3),
    Load("upload", "/upload", 16, 3, upload=1024 * 1024),
)
SPREAD = Load("spread", "/", 64, 5, spread=(LARGE.apps, LARGE.previews))
GUARDED = Load("guarded", "/", 64, 5)
_MESSAGES = "messages"
_MESSAGES_SECONDS = 3
_WEBSOCKETS = 64

DIRECT, OURS_SMALL, OURS_LARGE = "no proxy", "prevs, 10", "prevs, 100,000"
NAMES = (
    *(DIRECT, rivals.HAPROXY, rivals.NGINX, rivals.RULES, OURS_SMALL, OURS_LARGE),
    *(rivals.ENVOY, rivals.TRAEFIK, rivals.CADDY, rivals.CHP),
)
_OURS = {OURS_SMALL: SMALL, OURS_LARGE: LARGE}


class Scale(NamedTuple):
    """How much to measure: rounds, proxies in order, our installations, changes of each, and
    numbers of hosts for held requests. No load lasts longer than `seconds`.
    """

    rounds: int
    names: Sequence[str]
    installations: Sequence[Installation]
    changes: int
    held: Sequence[int]
    seconds: int


Found = Mapping[str, Mapping[str, Answered]]
"""The measurements of a round: by proxy, then by load."""


class Site(NamedTuple):
    """What runs during the whole bench. `before` makes a command run on the proxy's core.

    `world` is the data of the framework's stand-in.
    """

    folder: Path
    backend: Backend
    services: Services
    world: World
    search: str
    before: Callable[[Sequence[str]], tuple[str, ...]]


def order(number: int, names: Sequence[str] = NAMES) -> Sequence[str]:
    """Return the order of the proxies in a round: every other round reverses it."""
    return names if number % 2 else names[::-1]


def run(site: Site, number: int, scale: Scale) -> Found:
    """Measure all proxies once."""
    found: dict[str, dict[str, Answered]] = {}
    for name in order(number, scale.names):
        with _serving(site, name, site.backend.http, number) as target:
            load.requests(Load("warm", "/", 64, 1), target)
            loads = (*LOADS, SPREAD) if name == OURS_LARGE else LOADS
            found[name] = {
                each.name: load.requests(
                    each._replace(seconds=min(each.seconds, scale.seconds)), target
                )
                for each in loads
            }
            if name in _OURS:
                found[name][GUARDED.name] = _measure_guarded(_OURS[name], target, scale)
        with _serving(site, name, site.backend.echo, number) as target:
            seconds = min(_MESSAGES_SECONDS, scale.seconds)
            found[name][_MESSAGES] = load.messages(_WEBSOCKETS, seconds, target)
        full = found[name]["64"]
        print_progress(f"  {name}: {full.rate:.0f} requests/s, {full.cpu_us:.1f} us of CPU each")
    return found


def _measure_guarded(installation: Installation, target: Target, scale: Scale) -> Answered:
    """Measure requests with a pass to the app that is not public."""
    app = installation.guarded
    visitor = target._replace(host=own_proxy.host(app, 0), cookie=own_proxy.make_cookie(app))
    seconds = min(GUARDED.seconds, scale.seconds)
    return load.requests(GUARDED._replace(seconds=seconds), visitor)


@contextlib.contextmanager
def started(site: Site, installation: Installation, name: str) -> Iterator[Target]:
    """Run our proxy, and end it."""
    port = free_port()
    folder = site.folder / name
    part = own_proxy.part(installation, site.services, folder, port=port, before=site.before)
    with up(part) as pid:
        yield Target(port, own_proxy.host(installation.apps - 1, installation.previews // 2), pid)


@contextlib.contextmanager
def _serving(site: Site, name: str, backend: int, number: int) -> Iterator[Target]:
    """Run a proxy, and end it."""
    folder = f"round-{number}-{NAMES.index(name)}-{backend}"
    if name == DIRECT:
        yield Target(backend, "localhost")
    elif name in _OURS:
        with started(site, _OURS[name], folder) as target:
            to_echo = backend == site.backend.echo
            yield target._replace(host=own_proxy.host(0, 0)) if to_echo else target
    else:
        place = Place(site.folder / folder, free_port(), backend)
        with up(rivals.part(name, place, site.search, site.before)) as pid:
            yield Target(place.port, "localhost", pid)


@contextlib.contextmanager
def up(part: ProcessPart) -> Iterator[int]:
    """Run a proxy until it has settled, give its process, and end it."""
    try:
        bring_up(part)
        pid = part.pid or 0
        cores.settle(pid)
        yield pid
    finally:
        part.stop()


def medians(rounds: Sequence[Found]) -> Found:
    """Return the median of each number over the rounds; of errors, the sum."""
    loads = {name: list(found) for name, found in rounds[0].items()}
    return {
        name: {each: _middle([found[name][each] for found in rounds]) for each in loads[name]}
        for name in loads
    }


def _middle(found: Sequence[Answered]) -> Answered:
    middle = (statistics.median(column) for column in zip(*found, strict=True))
    return Answered(*middle)._replace(errors=sum(each.errors for each in found))
