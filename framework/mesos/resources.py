"""Mesos resources (v1 JSON) as values of ours, and back."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from framework.matching.resources import Resource


def read_resources(offered: Iterable[Mapping[str, Any]]) -> tuple[Resource, ...]:
    """Return the resources that any task can use: none that Mesos may take back."""
    return tuple(
        resource
        for each in offered
        if "revocable" not in each and "shared" not in each and (resource := _read(each))
    )


def read_revocable(offered: Iterable[Mapping[str, Any]]) -> tuple[Resource, ...]:
    """Return the CPUs that Mesos may take back. Nothing can do with less memory than it has."""
    return tuple(
        resource
        for each in offered
        if "revocable" in each and each["name"] == "cpus" and (resource := _read(each))
    )


def _read(offered: Mapping[str, Any]) -> Resource | None:
    name, is_reserved = offered["name"], bool(offered.get("reservations"))
    if offered["type"] == "SCALAR":
        amount = float(offered["scalar"]["value"])
        return Resource(name, amount, reserved=is_reserved, terms=offered)
    if offered["type"] == "RANGES" and name == "ports":
        spans = offered["ranges"]["range"]
        ports = tuple(range(int(span["begin"]), int(span["end"]) + 1) for span in spans)
        return Resource(name, ports=ports, reserved=is_reserved, terms=offered)
    return None


def write_resources(resources: Sequence[Resource]) -> list[dict[str, Any]]:
    """Return a task's resources, each with the terms of the offer."""
    return [_write(resource) for resource in resources]


def _write(resource: Resource) -> dict[str, Any]:
    if not resource.ports:
        return {**resource.terms, "scalar": {"value": resource.amount}}
    spans = [{"begin": ports.start, "end": ports.stop - 1} for ports in resource.ports]
    return {**resource.terms, "ranges": {"range": spans}}
