"""Measures the time from writing a placement to the first request that follows it."""

import contextlib
import http.client
import random
import time

from kazoo.client import KazooClient

from bench.harness.errors import BenchError
from bench.proxy import own_proxy
from bench.proxy.backend import Backend
from bench.proxy.own_proxy import Installation

_LIMIT = 30.0
_LOOK_SECONDS = 0.0005
_LONGEST_PAUSE = 0.2


def measure(
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
