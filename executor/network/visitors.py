"""Who may connect to the previews of this agent, from what the framework and its operator say."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
from collections.abc import Callable, Sequence
from typing import NamedTuple, Optional

from executor.limits.ingress import Entrance, Ingress, Span, Visitor
from prevs.messages import BuildOrder, KnownProxies
from program.networks.reserved import Network


def is_here(address: str) -> bool:
    """Return whether an address is one of this machine's."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as tried:
        tried.bind((address, 0))
        return True
    return False


class Agent(NamedTuple):
    """What an executor knows of its agent: its ports, and whom its operator lets in.

    `user` is the executor's own; `is_here` finds out whether an address is the agent's.
    """

    ports: Sequence[Span] = ()
    allowed: Sequence[Network] = ()
    user: int = os.getuid()
    is_here: Callable[[str], bool] = is_here


def find_ingress(order: BuildOrder, known: Optional[KnownProxies], agent: Agent) -> Ingress | None:
    """Return who may connect to previews; None if the framework has not said."""
    if known is None:
        return None
    entrance = _find_entrance(order, agent)
    return Ingress(
        known.since,
        (*_find_proxies(known, agent), *map(Visitor, agent.allowed)),
        # Docker's proxy connects as root. At other addresses than loopback, nothing is in between.
        own_users=(0,) if entrance or not agent.user else (0, agent.user),
        entrance=entrance,
        checker=agent.user,
    )


def _find_proxies(known: KnownProxies, agent: Agent) -> list[Visitor]:
    found = []
    for one in known.proxies:
        with contextlib.suppress(ValueError):  # the framework may be of a later version
            network = ipaddress.ip_network(one.address)
            near = network.is_loopback or agent.is_here(one.address)
            found.append(Visitor(network, one.user if near else None))
    return found


def _find_entrance(order: BuildOrder, agent: Agent) -> Optional[Entrance]:
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(order.host).is_loopback:
            own = (order.host_port, *(one.host_port for one in order.services.values()))
            return Entrance(order.host, agent.ports or [(one, one) for one in own if one])
    return None
