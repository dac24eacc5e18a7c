"""From where this proxy connects to previews, which agents have to know."""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Collection

from proxy.model.usage import Source

LOOK_SECONDS = 30.0
"""How old a look at the system's routes may be."""


def find_source(host: str) -> str:
    """Return the address from which the system connects to a host, "" if it cannot.

    Connecting a UDP socket sends nothing (udp(7)).
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as tried:
        tried.connect((host, 9))
        return str(tried.getsockname()[0])
    return ""


class Sources:
    """Finds the addresses for the `hosts` of agents; only `fixed`, if that is set."""

    def __init__(
        self,
        hosts: Callable[[], Collection[str]],
        fixed: str = "",
        *,
        find: Callable[[str], str] = find_source,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hosts = hosts
        self._fixed = fixed
        self._find = find
        self._clock = clock
        self._seen: frozenset[str] = frozenset()
        self._looked = float("-inf")
        self._addresses: tuple[str, ...] = ()

    def find(self) -> Source:
        """Return the addresses now, and the user that this process and its HAProxy run as."""
        if self._fixed:
            return Source((self._fixed,), os.getuid())
        hosts = frozenset(self._hosts())
        if hosts != self._seen or self._clock() >= self._looked + LOOK_SECONDS:
            self._seen, self._looked = hosts, self._clock()
            self._addresses = tuple(sorted(filter(None, set(map(self._find, hosts)))))
        return Source(self._addresses, os.getuid())
