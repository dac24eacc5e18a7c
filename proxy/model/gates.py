"""The gates that a proxy knows: each as the framework has signed it. Pure.

What their rules mean is in prevs/gate_rules.py, how HAProxy has them in gate_entries.py.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from prevs import signatures
from prevs.gates import GateRecord
from prevs.records import RecordError
from proxy.model.gate_entries import GateEntries, list_entries
from proxy.model.routes import Parts
from proxy.model.trust import UNSIGNED, Node


class SeenGate(NamedTuple):
    """What a gate's node of a certain `written` means.

    `record` and `entries` are of the last good node, None if there was none. `problem` is the last
    node's.
    """

    written: int
    record: GateRecord | None = None
    entries: GateEntries | None = None
    problem: str = ""


class Gates(NamedTuple):
    """The gates in force: by host, and as entries of HAProxy's maps, with a part for each gate."""

    hosts: Mapping[str, GateRecord]
    entries: GateEntries


def learn(
    known: Mapping[str, SeenGate],
    nodes: Mapping[str, Node],
    domain: str,
    keys: Collection[bytes],
) -> Mapping[str, SeenGate]:
    """Return what is known after reading `nodes`, the znodes of all gates.

    A node that is no valid record, or not signed with one of `keys`, leaves its gate as it was.
    """
    learned = {}
    for name, node in nodes.items():
        before = known.get(name, SeenGate(-1))
        is_known = before.written == node.written
        learned[name] = before if is_known else _read(name, node, before, domain=domain, keys=keys)
    return learned


def _read(
    name: str, node: Node, before: SeenGate, *, domain: str, keys: Collection[bytes]
) -> SeenGate:
    try:
        record = GateRecord.decode(node.data)
    except RecordError as error:
        return before._replace(written=node.written, problem=str(error))
    if problem := _find_problem(name, record, keys):
        return before._replace(written=node.written, problem=problem)
    has_rules = bool(record.revision.rules)  # a new gate has none until its targets run
    return SeenGate(node.written, record, list_entries(record, domain) if has_rules else None)


def _find_problem(name: str, record: GateRecord, keys: Collection[bytes]) -> str:
    if not signatures.is_gate_signed(keys, record):
        return UNSIGNED
    return "" if record.name == name else f"it belongs to the gate {record.name!r}"


def merge(seen: Mapping[str, SeenGate]) -> Gates:
    """Return all gates. If two have the same host, it is the older one's."""
    of: dict[str, GateRecord] = {}
    parts: dict[str, GateEntries] = {}
    for name, one in sorted(seen.items(), key=lambda item: _age(*item)):
        if one.record is None or one.entries is None:
            continue
        own = one.entries.gates
        free = {host: key for host, key in own.items() if host not in of}
        of.update(dict.fromkeys(free, one.record))
        # Equal parts stay the same objects: by that HAProxy gets only what has changed.
        parts[name] = one.entries if free == own else one.entries._replace(gates=free)
    maps = (Parts({name: part[n] for name, part in parts.items()}) for n in range(4))
    return Gates(of, GateEntries(*maps))


def _age(name: str, seen: SeenGate) -> tuple[float, str]:
    return (seen.record.created if seen.record else 0.0, name)


def list_revisions(seen: Mapping[str, SeenGate]) -> dict[str, int]:
    """Return the number of each gate's revision."""
    return {name: one.record.revision.number for name, one in seen.items() if one.record}
