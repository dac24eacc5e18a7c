"""Limits how many previews visitors start in a while: by address, network and app, and in all.

What the framework refuses to start, as it does not exist for example, counts only for those who
asked for it. Starts with an API token are not counted, as those by programs and by the dashboard.
"""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from prevs import names
from program.http.client_address import SITE_BITS, name_client, name_customer, read_address

SECONDS = 60.0
MOST: Mapping[str, int] = MappingProxyType({"address": 30, "network": 120, "app": 150, "all": 600})
"""How many different previews in that time, unless the operator sets other numbers: for a visitor's
address, for an IPv6 network of a provider's customer (a /48), for an app, and for this proxy."""

HELD_EACH = 200
"""How many requests of one client are held, unless the operator sets another number."""


class Refused(NamedTuple):
    """After how many seconds the visitor may come again, and whose budget it was."""

    seconds: int
    budget: str


class StartLimit:
    """Counts the hosts that visitors start. Belongs to the event loop's thread.

    `most` has the limits that differ from MOST.
    """

    def __init__(
        self,
        most: Mapping[str, int] = MappingProxyType({}),
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = {**MOST, **most}
        self._clock = clock
        self._hosts: dict[tuple[str, str], OrderedDict[str, float]] = {}
        self._forgotten = clock()

    def take(self, address: str, host: str) -> Refused | None:
        """Count a start of `host` by `address`, and return None; or return why it is refused.

        A host that the address started already is always allowed.
        """
        now = self._clock()
        self._forget(now)
        counted = {key: self._counted(key, now) for key in _budgets(address, host)}
        own = next(iter(counted.values()))
        if host not in own:
            for (budget, _), hosts in counted.items():
                if host not in hosts and len(hosts) >= self._most[budget]:
                    oldest = next(iter(hosts.values()))
                    return Refused(max(1, round(oldest + SECONDS - now)), budget)
        for hosts in counted.values():
            hosts[host] = now
            hosts.move_to_end(host)
        return None

    def forget(self, host: str) -> None:
        """Count a start of `host` no longer for its app and for all: the framework refuses it.

        Those who asked for it keep it in their own budgets, so it costs only them.
        """
        for key in _shared(host):
            if hosts := self._hosts.get(key):
                hosts.pop(host, None)

    def _counted(self, key: tuple[str, str], now: float) -> OrderedDict[str, float]:
        hosts = self._hosts.setdefault(key, OrderedDict())
        _drop(hosts, now - SECONDS)
        return hosts

    def _forget(self, now: float) -> None:
        """Forget, from time to time, budgets without recent starts."""
        if now - self._forgotten < SECONDS:
            return
        self._forgotten = now
        for key, hosts in list(self._hosts.items()):
            _drop(hosts, now - SECONDS)
            if not hosts:
                del self._hosts[key]


def _drop(hosts: OrderedDict[str, float], before: float) -> None:
    while hosts and next(iter(hosts.values())) <= before:
        hosts.popitem(last=False)


def _budgets(address: str, host: str) -> Iterator[tuple[str, str]]:
    """Yield the budgets that a start counts for, the visitor's own first.

    With IPv6 one visitor has a whole /64, and may have a /48 with many of them.
    """
    yield "address", name_client(address, SITE_BITS)
    if isinstance(read_address(address), ipaddress.IPv6Address):
        yield "network", name_customer(address)
    yield from _shared(host)


def _shared(host: str) -> Iterator[tuple[str, str]]:
    yield "app", names.app_of_host(host)
    yield "all", ""
