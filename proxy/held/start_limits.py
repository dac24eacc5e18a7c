"""How many previews visitors may have started in a while: one of them, those of an app, all.

Who has a token of the API is no visitor: what programs and the dashboard start is not counted.
"""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from prevs import names
from program.client_address import CUSTOMER_BITS, SITE_BITS, name_client, read_address

SECONDS = 60.0
MOST: Mapping[str, int] = MappingProxyType({"address": 30, "network": 120, "app": 150, "all": 600})
"""How many different previews in that time, unless an operator has it otherwise: for one visitor's
address, for a network of a provider (with IPv6, a /48), for one app, and for all of this proxy."""

HELD_EACH = 200
"""How many requests of one client are held, unless an operator has it otherwise."""


class Refused(NamedTuple):
    """After how many seconds the visitor may come again, and whose budget it was."""

    seconds: int
    budget: str


class StartCap:
    """Counts the hosts that visitors wait for. Belongs to the event loop's thread.

    `most` has what is other than in MOST.
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
        """Return None if `address` may start what `host` leads to, and count that.

        Asking again for a host that it waits for already is always allowed.
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

    def _counted(self, key: tuple[str, str], now: float) -> OrderedDict[str, float]:
        hosts = self._hosts.setdefault(key, OrderedDict())
        _drop(hosts, now - SECONDS)
        return hosts

    def _forget(self, now: float) -> None:
        """Forget now and then who has not asked for long."""
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
    """Yield whose budgets a start is of, the visitor's own first.

    With IPv6 one visitor has a whole /64, and may have a /48 of them.
    """
    yield "address", name_client(address, SITE_BITS)
    if isinstance(read_address(address), ipaddress.IPv6Address):
        yield "network", name_client(address, CUSTOMER_BITS)
    yield "app", names.app_of_host(host)
    yield "all", ""
