"""Ports for what a test starts: none that the kernel gives to whoever connects, or asks for any.

A port that was free when it was chosen stays so until its server is up, and while that is away.
"""

import random
from collections.abc import Collection

from local.ports import is_free

_SINGLE, _BLOCKS = range(10_000, 20_000), range(20_000, 30_000, 100)
_LOOPBACK = ("127.0.0.1",)
_given: set[int] = set()


def free_port(hosts: Collection[str] = _LOOPBACK) -> int:
    """Return a port that nobody listens on at any of these addresses, each once."""
    return _choose(_SINGLE, 1, hosts)


def free_ports(hosts: Collection[str]) -> str:
    """Return FIRST-LAST of a hundred such ports, each once."""
    first = _choose(_BLOCKS, 100, hosts)
    return f"{first}-{first + 99}"


def _choose(candidates: range, length: int, hosts: Collection[str]) -> int:
    while True:
        first = random.choice(candidates)
        block = range(first, first + length)
        if first not in _given and all(is_free(p, host) for p in block for host in hosts):
            _given.add(first)
            return first
