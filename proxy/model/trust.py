"""What the proxy trusts in ZooKeeper: records that the framework signed, and agents' ports.

Pure. Whoever can write to ZooKeeper, but has no token, cannot send a visitor anywhere.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

from prevs import signatures
from prevs.records import AgentsRecord, Placement, PortRange, RecordError

UNSIGNED = (
    "its signature is not the framework's: somebody else wrote it, the framework's version signs "
    "nothing, or this proxy has another token (PREVS_TOKEN_FILE) than the framework"
)

Ports = Mapping[str, tuple[PortRange, ...]]
"""By host."""


class Node(NamedTuple):
    """A node as ZooKeeper has it. `written` (its mzxid) is unique to each write."""

    data: bytes
    version: int
    written: int


class Nodes(NamedTuple):
    """The nodes in ZooKeeper: each app's placements, and who may look at it; the AgentsRecord;
    each gate.

    A part is None if it, or the parent of its nodes, is not there.
    """

    apps: Mapping[str, Node] | None
    agents: Node | None = None
    access: Mapping[str, Node] | None = None
    gates: Mapping[str, Node] | None = None


class Trust(NamedTuple):
    """A good signature is by one of `keys`, and previews are only at `ports`.

    `seen` is the last AgentsRecord that was read, good or not.
    """

    keys: Collection[bytes]
    ports: Ports = MappingProxyType({})
    seen: int | None = None

    def find_problem(self, app: str, sha: str, placement: Placement, signature: str) -> str | None:
        """Return why a placement must not be routed, None if it may be."""
        if not signatures.is_placement_signed(self.keys, app, sha, placement, signature=signature):
            return UNSIGNED
        spans = self.ports.get(placement.host, ())
        for port in placement.ports:
            if not any(span.begin <= port <= span.end for span in spans):
                return f"no agent has {placement.host}:{port} for previews"
        return None


def learn(known: Trust, node: Node | None) -> tuple[Trust, str | None]:
    """Return the trust after reading the AgentsRecord, and what is wrong with the record.

    If the record is gone or bad, the ports stay as they were. A problem is reported once.
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
