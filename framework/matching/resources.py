"""Arithmetic on Mesos resources (v1 JSON), which keeps what an offer says about each of them.

An offered resource may be allocated to a role, reserved, or both; a task must name it the same
way. So amounts are taken out of the offered resources as they are, never written anew.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Resource = Mapping[str, Any]

_DIGITS = 3
"""Mesos counts scalars in thousandths."""


def usable(resources: Sequence[Resource]) -> tuple[Resource, ...]:
    """Return the resources that a task may rely on: none that Mesos may take back."""
    return tuple(r for r in resources if "revocable" not in r and "shared" not in r)


def total(resources: Sequence[Resource], name: str) -> float:
    """Return how much there is of a scalar resource (cpus; mem in MB)."""
    found = [float(r["scalar"]["value"]) for r in resources if _is_scalar(r, name)]
    return round(sum(found), _DIGITS)


def totals(resources: Sequence[Resource]) -> tuple[float, float]:
    """Return how much there is of cpus, and of mem in MB."""
    cpus = mem = 0.0
    for resource in resources:
        if resource["type"] == "SCALAR":
            if resource["name"] == "cpus":
                cpus += resource["scalar"]["value"]
            elif resource["name"] == "mem":
                mem += resource["scalar"]["value"]
    return round(cpus, _DIGITS), round(mem, _DIGITS)


def free_ports(resources: Sequence[Resource]) -> tuple[range, ...]:
    """Return the offered port ranges, in the order offered."""
    return tuple(
        range(int(span["begin"]), int(span["end"]) + 1)
        for resource in resources
        if _is_ports(resource)
        for span in resource["ranges"]["range"]
    )


def take(
    resources: Sequence[Resource], name: str, amount: float
) -> tuple[list[Resource], list[Resource]]:
    """Return (`amount` of a scalar resource, what is left), reserved ones used first.

    Raises ValueError when there is not as much.
    """
    taken: list[Resource] = []
    left: list[Resource] = []
    missing = round(amount, _DIGITS)
    for resource in sorted(resources, key=lambda r: not r.get("reservations")):
        part = min(missing, resource["scalar"]["value"]) if _is_scalar(resource, name) else 0.0
        if part <= 0:
            left.append(resource)
            continue
        taken.append(_scalar(resource, part))
        missing = round(missing - part, _DIGITS)
        if (rest := round(resource["scalar"]["value"] - part, _DIGITS)) > 0:
            left.append(_scalar(resource, rest))
    if missing > 0:
        raise ValueError(f"{missing} of {name} are missing")
    return taken, left


def take_port(resources: Sequence[Resource], port: int) -> tuple[list[Resource], list[Resource]]:
    """Return (the resource that is one port, what is left). Raises ValueError if it is none."""
    for index, resource in enumerate(resources):
        if not _is_ports(resource):
            continue
        spans = resource["ranges"]["range"]
        rest = [piece for span in spans for piece in _without(span, port)]
        if rest == [(int(s["begin"]), int(s["end"])) for s in spans]:
            continue
        left = [*resources[:index], *resources[index + 1 :]]
        if rest:
            left.append(_ports(resource, rest))
        return [_ports(resource, [(port, port)])], left
    raise ValueError(f"port {port} is not offered")


def _without(span: Mapping[str, int], port: int) -> list[tuple[int, int]]:
    begin, end = int(span["begin"]), int(span["end"])
    if not begin <= port <= end:
        return [(begin, end)]
    return [(a, b) for a, b in ((begin, port - 1), (port + 1, end)) if a <= b]


def _is_scalar(resource: Resource, name: str) -> bool:
    return bool(resource["name"] == name and resource["type"] == "SCALAR")


def _is_ports(resource: Resource) -> bool:
    return bool(resource["name"] == "ports" and resource["type"] == "RANGES")


def _scalar(resource: Resource, value: float) -> Resource:
    return {**resource, "scalar": {"value": value}}


def _ports(resource: Resource, spans: Sequence[tuple[int, int]]) -> Resource:
    return {**resource, "ranges": {"range": [{"begin": a, "end": b} for a, b in spans]}}
