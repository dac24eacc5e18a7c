"""What the proxy believes of ZooKeeper: what the framework has signed, and where previews may be.

Pure. Who can only write to ZooKeeper sends no visitor anywhere.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

from prevs import signatures
from prevs.records import AgentsRecord, Placement, PortRange, RecordError

UNSIGNED = (
    "its signature is not the framework's: somebody else wrote it, the framework is of a version "
    "that signs nothing, or this proxy has another token (PREVS_TOKEN_FILE) than the framework"
)

Ports = Mapping[str, tuple[PortRange, ...]]
"""By host."""


class Node(NamedTuple):
    """A record as ZooKeeper has it. `written` (its mzxid) is unique to each write."""

    data: bytes
    version: int
    written: int


class Nodes(NamedTuple):
    """What ZooKeeper has: the placements of every app, and the AgentsRecord, None for none."""

    apps: Mapping[str, Node]
    agents: Node | None = None


class Trust(NamedTuple):
    """Good signatures are by one of `keys`, previews are at `ports` alone.

    `seen` is the last record of ports that was looked at, good or not.
    """

    keys: Collection[bytes]
    ports: Ports = MappingProxyType({})
    seen: int | None = None

    def find_problem(self, app: str, sha: str, placement: Placement, signature: str) -> str | None:
        """Return why nobody is to be sent to a placement, None where that is right."""
        if not signatures.is_placement_signed(self.keys, app, sha, placement, signature=signature):
            return UNSIGNED
        spans = self.ports.get(placement.host, ())
        if not any(span.begin <= placement.port <= span.end for span in spans):
            return f"no agent has {placement.host}:{placement.port} for previews"
        return None


def learn(known: Trust, node: Node | None) -> tuple[Trust, str | None]:
    """Return what is believed after reading the AgentsRecord, and what is wrong with that.

    Where it is gone, or is no good record, the ports stay as they were. A problem is told once.
    """
    if node is None or node.written == known.seen:
        return known, None
    seen = known._replace(seen=node.written)
    try:
        record = AgentsRecord.decode(node.data)
    except RecordError as error:
        return seen, str(error)
    if not signatures.are_agents_signed(known.keys, record):
        return seen, UNSIGNED
    return seen._replace(ports=record.ports), None
