"""Ports for servers that tests start, outside the range from which the kernel chooses ports.

So a chosen port stays free until its server is up, and while the server is down. Each worker of a
run has its own part of both ranges.
"""

import os
import random
from collections.abc import Collection

from local.parts.ports import is_free

_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_SINGLE = range(10_000 + _WORKER, 20_000, _WORKERS)
_BLOCKS = range(20_000 + 100 * _WORKER, 30_000, 100 * _WORKERS)
_LOOPBACK = ("127.0.0.1",)
_given: set[int] = set()


def free_port(hosts: Collection[str] = _LOOPBACK) -> int:
    """Return a port that is free at all these addresses, and was not returned before."""
    return _choose(_SINGLE, 1, hosts)


def free_ports(hosts: Collection[str]) -> str:
    """Return FIRST-LAST of a hundred such ports."""
    first = _choose(_BLOCKS, 100, hosts)
    return f"{first}-{first + 99}"


def _choose(candidates: range, length: int, hosts: Collection[str]) -> int:
    left = [first for first in candidates if first not in _given]
    random.shuffle(left)
    for first in left:
        block = range(first, first + length)
        if all(is_free(p, host) for p in block for host in hosts):
            _given.add(first)
            return first
    raise AssertionError(f"no {length} ports of {candidates} are left")
