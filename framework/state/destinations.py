"""Where previews may run: the ports that agents have offered, written for the proxies.

A proxy sends requests nowhere else, whatever a placement contains. Owned by the service's thread.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from framework.matching import resources
from framework.matching.resources import Offer
from framework.ports import Store, Stored
from framework.state.preview_index import PreviewIndex
from prevs import signatures
from prevs.records import AgentsRecord, PortRange

Ports = Mapping[str, tuple[PortRange, ...]]
"""By host."""


class Destinations:
    """The allowed ports of each host, learnt from offers; signed with the first of `keys`.

    A stored record without a signature by one of `keys` is ignored. One that another key than the
    first has signed is written again.

    The place of every task in `index` is a destination too, even if nobody has offered it.
    `is_missigned` until a stored record has the signature of the first.
    """

    def __init__(
        self, stored: Stored, store: Store, index: PreviewIndex, *, keys: Sequence[bytes]
    ) -> None:
        self._store = store
        self._index = index
        self._key = keys[0]
        self._hosts: dict[str, str] = {}
        is_ours = signatures.are_agents_signed(keys, stored.agents)
        self._ports = keep(stored.agents.ports if is_ours else {}, index.places)
        is_of_first = signatures.are_agents_signed(keys[:1], stored.agents)
        self._is_written = is_of_first and self._ports == stored.agents.ports
        self.is_missigned = bool(stored.agents.signature) and not is_of_first

    def note(self, offers: Iterable[Offer]) -> None:
        """Add the ports in offers."""
        for offer in offers:
            self._hosts[offer.agent_id] = offer.host
            known = self._ports.get(offer.host, ())
            offered = resources.free_ports(offer.resources)
            if not all(_covers(known, span.start, span.stop - 1) for span in offered):
                new = (PortRange(span.start, span.stop - 1) for span in offered)
                self._ports[offer.host] = merge((*known, *new))
                self._is_written = False

    def agent_left(self, agent_id: str) -> None:
        """Remove an agent's host, unless another agent or a task is there."""
        host = self._hosts.pop(agent_id, None)
        used = {*self._hosts.values(), *(host for host, _ in self._index.places)}
        if host is not None and host not in used and self._ports.pop(host, ()):
            self._is_written = False

    def publish(self) -> None:
        """Write the destinations if they have changed, before any placement is written."""
        if not self._is_written:
            record = AgentsRecord(dict(self._ports))
            signature = signatures.sign_agents(self._key, record)
            self._store.save(dataclasses.replace(record, signature=signature))
            self._is_written, self.is_missigned = True, False


def keep(stored: Ports, places: Iterable[tuple[str, int]]) -> dict[str, tuple[PortRange, ...]]:
    """Return the stored ports of the hosts that have tasks, and the ports of these tasks."""
    found: dict[str, list[PortRange]] = {}
    for host, port in places:
        found.setdefault(host, list(stored.get(host, ()))).append(PortRange(port, port))
    return {host: merge(ports) for host, ports in found.items()}


def merge(ports: Iterable[PortRange]) -> tuple[PortRange, ...]:
    """Return the same ports, sorted and in as few ranges as possible."""
    merged: list[PortRange] = []
    for one in sorted(ports, key=lambda span: span.begin):
        if merged and one.begin <= merged[-1].end + 1:
            merged[-1] = PortRange(merged[-1].begin, max(merged[-1].end, one.end))
        else:
            merged.append(one)
    return tuple(merged)


def _covers(ports: Iterable[PortRange], begin: int, end: int) -> bool:
    return any(one.begin <= begin and end <= one.end for one in ports)
