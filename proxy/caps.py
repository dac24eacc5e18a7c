"""How many previews one visitor's address may have started in a while."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

MOST = 30
SECONDS = 60.0
"""One address may wait for that many different previews in that time."""


class StartCap:
    """Counts the hosts that each address waits for. Belongs to the event loop's thread."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._hosts: dict[str, OrderedDict[str, float]] = {}
        self._forgotten = clock()

    def take(self, address: str, host: str) -> int | None:
        """Return None if `address` may start what `host` leads to, and count that.

        Else return after how many seconds it may come again. Asking again for a host that it waits
        for already is always allowed.
        """
        now = self._clock()
        self._forget(now)
        hosts = self._hosts.setdefault(_network(address), OrderedDict())
        _drop(hosts, now - SECONDS)
        if host not in hosts and len(hosts) >= MOST:
            oldest = next(iter(hosts.values()))
            return max(1, round(oldest + SECONDS - now))
        hosts[host] = now
        hosts.move_to_end(host)
        return None

    def _forget(self, now: float) -> None:
        """Forget now and then who has not asked for long."""
        if now - self._forgotten < SECONDS:
            return
        self._forgotten = now
        for address, hosts in list(self._hosts.items()):
            _drop(hosts, now - SECONDS)
            if not hosts:
                del self._hosts[address]


def _drop(hosts: OrderedDict[str, float], before: float) -> None:
    while hosts and next(iter(hosts.values())) <= before:
        hosts.popitem(last=False)


def _network(address: str) -> str:
    """Return what counts as one visitor: with IPv6 everybody has a whole /64."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped:  # at a listener of IPv6
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
