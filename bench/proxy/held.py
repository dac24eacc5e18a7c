"""Measures the cost of holding a request for its preview, and of releasing it."""

import contextlib
import select
import socket
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from kazoo.client import KazooClient

from bench.harness.errors import BenchError
from bench.proxy import cores, own_proxy
from bench.proxy.load import Target
from bench.proxy.rounds import Site
from prevs.paths import Paths
from tests.fakes.world import World

COUNT = 1000
FEW, MANY = 10, COUNT
"""The numbers of hosts: a hundred requests for each, or one."""
_FIRST_APP, _APPS = 100, 10
_SETTLE_SECONDS, _PATIENCE_SECONDS = 3.0, 60.0
_PREVIEWS_OF_ONE_CLIENT = 25
"""Fewer than the limit of starts per client address."""


class Held(NamedTuple):
    """KB of HAProxy and of the controller for one held request; CPU time of both to release it.

    `seconds` is the time from writing the placements until the last answer.
    """

    haproxy_kb: float
    controller_kb: float
    cpu_us: float
    seconds: float

    @property
    def kb(self) -> float:
        """KB of both."""
        return self.haproxy_kb + self.controller_kb


def arrange(world: World) -> None:
    """Add previews that are queued when requested, and stay queued."""
    for number in range(COUNT):
        app, preview = _preview(number)
        world.add(own_proxy.app_name(app), f"branch-{preview}", f"{app:020x}{preview:020x}")


def measure(site: Site, client: KazooClient, target: Target, *, hosts: int, paths: Paths) -> Held:
    """Hold requests at a proxy for `hosts` hosts, then place all previews."""
    pids = cores.tree(target.pid)
    before = _memory(pids)
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(_send_request(target.port, number, hosts))
            for number in range(COUNT)
        ]
        _wait(lambda: len(site.world.previews) >= hosts, "not all previews are started")
        cores.settle(target.pid, _SETTLE_SECONDS)
        if answered := _answered(clients, 0):
            raise BenchError(f"{answered} of {COUNT} requests are not held")
        after = _memory(pids)
        used = cores.cpu_seconds(pids)
        began = time.monotonic()
        _place(client, paths, site.backend.http)
        _wait(lambda: _answered(clients, 1) == COUNT, "some requests got no answer")
        took = time.monotonic() - began
        used = cores.cpu_seconds(pids) - used
    haproxy, controller = ((a - b) / COUNT for a, b in zip(after, before, strict=True))
    return Held(haproxy, controller, used / COUNT * 1e6, took)


def _wait(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise BenchError(otherwise)
        time.sleep(0.01)


def _memory(pids: Sequence[int]) -> tuple[int, int]:
    """Return the KB of HAProxy and of the controller, the first of the processes."""
    return cores.memory_kb(pids[1:]), cores.memory_kb(pids[:1])


def _preview(number: int) -> tuple[int, int]:
    """Return the app and the preview of a request, spreading the first hosts over all apps."""
    return _FIRST_APP + number % _APPS, number // _APPS


def _send_request(port: int, number: int, hosts: int) -> socket.socket:
    """Send a request from an address that few other requests use."""
    source = f"127.0.1.{1 + number // _PREVIEWS_OF_ONE_CLIENT}"
    client = socket.create_connection(("127.0.0.1", port), 10, source_address=(source, 0))
    host = own_proxy.host(*_preview(number % hosts))
    client.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    return client


def _answered(clients: Sequence[socket.socket], seconds: float) -> int:
    """Return how many have an answer; wait up to `seconds` for the first."""
    poll = select.poll()
    for client in clients:
        poll.register(client, select.POLLIN)
    return len(poll.poll(seconds * 1000))


def _place(client: KazooClient, paths: Paths, port: int) -> None:
    for app in range(_FIRST_APP, _FIRST_APP + _APPS):
        record = own_proxy.record(app, [port] * (COUNT // _APPS))
        client.create(paths.app_placements(own_proxy.app_name(app)), record)
