"""The ports of a service: those that it publishes, or to which a proxy would lead. Pure."""

import re
from collections.abc import Iterator

from framework.apps.compose.amounts import Port, read_port
from framework.apps.compose.notes import Notes
from framework.apps.compose.yaml_tree import Listing, Node, Scalar, Table

Ports = dict[int, tuple[Node, bool]]
"""The node of each port of TCP, and whether the file publishes it."""
_KEYS = ("target", "published", "protocol")
_UNUSED = dict.fromkeys(("mode", "host_ip", "name", "app_protocol"), "it has no effect here")
_LABEL = re.compile(r"traefik\.http\.services\.[^.]+\.loadbalancer\.server\.port", re.ASCII)
_VARIABLE = "VIRTUAL_PORT"


def read_ports(node: Node, where: str, notes: Notes) -> Iterator[tuple[int, Node]]:
    """Yield the ports of TCP in the key ports or expose."""
    for at, one in enumerate(notes.listing(node, where) or (), 1):
        inside = f"{where}, entry {at}"
        found = _read_port(one, inside, notes)
        if found is None:
            continue
        if found.protocol == "tcp":
            yield found.number, one
        else:
            notes.tell(one, inside, "visitors come by TCP alone")


def read_label_ports(node: Node, where: str, notes: Notes) -> Iterator[tuple[int, Node]]:
    """Yield the ports to which labels make Traefik lead visitors. No other label is read."""
    if isinstance(node, Table):
        given = [(name, value) for name, (_, value) in node.entries.items()]
    else:
        entries = node.entries if isinstance(node, Listing) else ()
        given = [_split(one) for one in entries if isinstance(one, Scalar)]
    for name, one in given:
        text = notes.text(one, where) if _LABEL.fullmatch(name) else None
        if text is not None and (port := read_port(text)) is not None:
            yield port.number, one


def find_variable_port(environment: dict[str, tuple[Node, str]]) -> Iterator[tuple[int, Node]]:
    """Yield the port to which a variable makes nginx-proxy lead visitors."""
    if _VARIABLE in environment:
        node, value = environment[_VARIABLE]
        if (port := read_port(value)) is not None:
            yield port.number, node


def _split(label: Scalar) -> tuple[str, Scalar]:
    name, _, value = label.text.partition("=")
    return name, label._replace(text=value)


def _read_port(node: Node, where: str, notes: Notes) -> Port | None:
    if isinstance(node, Table):
        given = {
            name: notes.text(value, f"{where}.{name}") or ""
            for name, _, value in notes.known(node, where, _KEYS, _UNUSED)
        }
        text: str | None = f"{given.get('target', '')}/{given.get('protocol') or 'tcp'}"
    else:
        text = notes.text(node, where)
    if text is None:
        return None
    found = read_port(text)
    if found is None:
        notes.refuse(node, where, 'must be a port, like "8000:8000"')
    return found
