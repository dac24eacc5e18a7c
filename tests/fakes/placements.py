"""Placements in memory, which a test may make unavailable: proxy.ports.Placements."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from prevs.records import AgentsRecord, Placement, PlacementsRecord, PortRange
from prevs.signatures import derive_key, sign_agents, sign_placement
from proxy.model.errors import PlacementsAway
from proxy.model.trust import Node, Nodes, Trust
from tests.fakes.asgi import TOKEN

SHA = "5c80e7d1f2a3b4c5d6e7f8091a2b3c4d5e6f7081"
OTHER_SHA = "de6b329c8f3b4a5d6e7f8091a2b3c4d5e6f70819"

KEY = derive_key(TOKEN)
_HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3", "10.0.0.1", "::1")
ANYWHERE = AgentsRecord(dict.fromkeys(_HOSTS, (PortRange(1, 65535),)))
AGENTS = AgentsRecord(ANYWHERE.ports, sign_agents(KEY, ANYWHERE)).encode()
"""Each of a few hosts has all of its ports for previews."""
TRUST = Trust((KEY,), ANYWHERE.ports)


class FakePlacements:
    """Nodes that a test writes; `reported`, `holding`, `revisions` are the proxy's reports.

    `reads` has for each read how many reports there were before it.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, Node] | None = {}
        self.access: dict[str, Node] | None = {}
        self.gates: dict[str, Node] | None = {}
        self.away = False
        self.reported: list[Mapping[str, int]] = []
        self.revisions: list[Mapping[str, int]] = []
        self.holding: list[Collection[str]] = []
        self.reads: list[int] = []
        self._written = 0

    def write(self, app: str, data: bytes) -> None:
        """Write an app's node."""
        self._written += 1
        nodes = self.nodes = self.nodes or {}
        version = nodes[app].version + 1 if app in nodes else 0
        nodes[app] = Node(data, version, self._written)

    def guard(self, app: str, data: bytes) -> None:
        """Write who may look at an app."""
        self._written += 1
        self.access = {**(self.access or {}), app: Node(data, 0, self._written)}

    def put_gate(self, name: str, data: bytes) -> None:
        """Write a gate's node."""
        self._written += 1
        self.gates = {**(self.gates or {}), name: Node(data, 0, self._written)}

    async def read(self, *, full: bool = False) -> Nodes:
        """Return the nodes."""
        if self.away:
            raise PlacementsAway("it does not answer")
        self.reads.append(len(self.reported))
        return Nodes(self.nodes, Node(AGENTS, 0, 0), self.access, self.gates)

    async def report(
        self, applied: Mapping[str, int], holding: Collection[str], gates: Mapping[str, int]
    ) -> None:
        """Store a report."""
        if self.away:
            raise PlacementsAway("it does not answer")
        self.reported.append(dict(applied))
        self.holding.append(tuple(holding))
        self.revisions.append(dict(gates))


def placement(
    app: str, sha: str, port: int, *labels: str, host: str = "127.0.0.1", attempt: str = "a1"
) -> Placement:
    """Return a placement whose task id is one of that preview."""
    return Placement(f"{app}.{sha}.{attempt}", host, port, labels)


def record(
    app: str, placements: Mapping[str, Placement], failed: Mapping[str, str] = MappingProxyType({})
) -> bytes:
    """Return the bytes of an app's PlacementsRecord, as the framework signs it."""
    signed = {sha: sign_placement(KEY, app, sha, one) for sha, one in placements.items()}
    return PlacementsRecord(app, placements, signed, failed).encode()
