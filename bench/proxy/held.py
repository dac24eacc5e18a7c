"""What a request costs that waits for its preview."""

import contextlib
import select
import socket
import time

from bench.errors import BenchError
from bench.proxy import cores
from tests.fakes.framework_api import Previews

_APPS = 10
_SETTLE_SECONDS = 3.0


def arrange(world: Previews) -> None:
    """Have previews that are queued as soon as they are asked for, and stay so."""
    for app in range(_APPS):
        world.add(f"held{app}", "main", f"{app:040x}")


def measure(port: int, pid: int, count: int) -> float:
    """Hold `count` requests at a proxy; return its memory for each, in KB. Raises BenchError."""
    before = cores.memory_kb(cores.tree(pid))
    with contextlib.ExitStack() as stack:
        clients = []
        for number in range(count):
            client = socket.create_connection(("127.0.0.1", port), timeout=10)
            clients.append(stack.enter_context(client))
            host = f"main.held{number % _APPS}.localhost"
            client.sendall(f"GET /things HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        time.sleep(_SETTLE_SECONDS)
        poll = select.poll()
        for client in clients:
            poll.register(client, select.POLLIN)
        if answered := poll.poll(0):
            raise BenchError(f"{len(answered)} of {count} requests are not held")
        return (cores.memory_kb(cores.tree(pid)) - before) / count
