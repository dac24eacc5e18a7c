"""Arithmetic on offered resources that keeps the terms of each.

An offered resource may be allocated to a role, reserved, or both, and a task must name it in the
same way. So amounts are split off the offered resources; no resource is made from nothing.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

DIGITS = 3
"""Mesos counts scalars in thousandths."""


class Resource(NamedTuple):
    """An amount of a scalar resource (cpus; mem in MB), or ranges of ports.

    `terms` is the rest of the offered resource, for framework/mesos alone.
    """

    name: str
    amount: float = 0.0
    ports: tuple[range, ...] = ()
    reserved: bool = False
    terms: Mapping[str, Any] = MappingProxyType({})


class Offer(NamedTuple):
    """What an agent offers. `host` is the address at which its containers are reached.

    `attributes` are the agent's, as text. `unavailable_from` is when its planned maintenance
    begins (seconds since the epoch), None if none is planned. `role` is that of Mesos to which it
    is made. `revocable` are CPUs that Mesos may take back.
    """

    id: str
    agent_id: str
    host: str
    resources: tuple[Resource, ...]
    attributes: Mapping[str, str] = MappingProxyType({})
    unavailable_from: float | None = None
    role: str = ""
    revocable: tuple[Resource, ...] = ()


def total(resources: Sequence[Resource], name: str) -> float:
    """Return how much there is of a scalar resource."""
    return round(sum(r.amount for r in resources if r.name == name), DIGITS)


def totals(resources: Sequence[Resource]) -> tuple[float, float]:
    """Return how much there is of cpus, and of mem in MB."""
    cpus = mem = 0.0
    for resource in resources:
        if resource.name == "cpus":
            cpus += resource.amount
        elif resource.name == "mem":
            mem += resource.amount
    return round(cpus, DIGITS), round(mem, DIGITS)


def free_ports(resources: Sequence[Resource]) -> tuple[range, ...]:
    """Return the offered port ranges, in the order offered."""
    return tuple(ports for resource in resources for ports in resource.ports)


def take(
    resources: Sequence[Resource], name: str, amount: float
) -> tuple[list[Resource], list[Resource]]:
    """Return (`amount` of a scalar resource, what is left); reserved resources are used first.

    Raises ValueError if there is not enough.
    """
    taken: list[Resource] = []
    left: list[Resource] = []
    missing = round(amount, DIGITS)
    for resource in sorted(resources, key=lambda r: not r.reserved):
        part = min(missing, resource.amount) if resource.name == name else 0.0
        if part <= 0:
            left.append(resource)
            continue
        taken.append(resource._replace(amount=part))
        missing = round(missing - part, DIGITS)
        if (rest := round(resource.amount - part, DIGITS)) > 0:
            left.append(resource._replace(amount=rest))
    if missing > 0:
        raise ValueError(f"{missing} of {name} are missing")
    return taken, left


def take_port(resources: Sequence[Resource], port: int) -> tuple[list[Resource], list[Resource]]:
    """Return (a resource with one port, what is left). Raises ValueError if it is not offered."""
    for index, resource in enumerate(resources):
        rest = tuple(piece for ports in resource.ports for piece in _without(ports, port))
        if rest == resource.ports:
            continue
        left = [*resources[:index], *resources[index + 1 :]]
        if rest:
            left.append(resource._replace(ports=rest))
        return [resource._replace(ports=(range(port, port + 1),))], left
    raise ValueError(f"port {port} is not offered")


def _without(ports: range, port: int) -> Sequence[range]:
    if port not in ports:
        return (ports,)
    return [part for part in (range(ports.start, port), range(port + 1, ports.stop)) if part]
