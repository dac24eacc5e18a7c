"""Gates in ZooKeeper as the framework writes them, and the proxies that choose by them."""

import dataclasses
from collections.abc import Callable, Sequence

from kazoo.client import KazooClient

from bench.gates.rules import EACH, LABELS, WEIGHT, Lead, Rules, gate_name
from bench.proxy import own_proxy
from bench.proxy.own_proxy import Installation
from prevs.gates import LOTS, Condition, ConditionKind, GateRecord, Revision, Rule, Target
from prevs.records import ProxyRecord
from prevs.signatures import derive_key, sign_gate
from tests.fakes.world import TOKEN

_KEY = derive_key(TOKEN)
_FIRST = LOTS * WEIGHT // 100


def installation(rules: Rules) -> Installation:
    """Return what the proxies know of for some rules: an app for each gate, with all labels."""
    return Installation(rules.gates, LABELS, f"{rules.kind.value}-{len(rules.labels)}")


def record(rules: Rules, gate: int, revision: int) -> bytes:
    """Return the record of a gate."""
    written = tuple(_write(lead) for lead in rules.of(gate))
    made = GateRecord(gate_name(gate), own_proxy.app_name(gate), Revision(revision, written))
    return dataclasses.replace(made, signature=sign_gate(_KEY, made)).encode()


def place(client: KazooClient, rules: Rules, backends: Sequence[int]) -> None:
    """Write all placements and gates, unless they are there. Each gate has revision 1."""
    installed = installation(rules)
    if client.exists(installed.paths.gates):
        return
    client.ensure_path(installed.paths.placements)
    client.ensure_path(installed.paths.access)
    client.create(installed.paths.agents, own_proxy.agents(), makepath=True)
    client.ensure_path(installed.paths.gates)
    for gate in range(rules.gates):
        placements = installed.paths.app_placements(own_proxy.app_name(gate))
        client.create(placements, own_proxy.record(gate, backends))
        client.create(installed.paths.gate(gate_name(gate)), record(rules, gate, 1))


class Writer:
    """Writes changed gates, each with the next revision."""

    def __init__(self, client: KazooClient, rules: Rules) -> None:
        self._client, self._paths = client, installation(rules).paths
        self._revisions: dict[int, int] = {}

    def prepare(self, rules: Rules, number: int) -> Callable[[], object]:
        """Return what writes the gate of a changed rule."""
        gate = number // EACH
        revision = self._revisions[gate] = self._revisions.get(gate, 1) + 1
        data, path = record(rules, gate, revision), self._paths.gate(gate_name(gate))
        return lambda: self._client.set(path, data)


class Fleet:
    """What the proxies of an installation have reported."""

    def __init__(self, client: KazooClient, rules: Rules) -> None:
        self._client, self._paths = client, installation(rules).paths

    def in_force(self, gate: int) -> Sequence[int]:
        """Return the revision of a gate at each proxy that knows it."""
        found = []
        for proxy in self._client.get_children(self._paths.proxies):
            data, _ = self._client.get(self._paths.proxy(proxy))
            revision = ProxyRecord.decode(data).gates.get(gate_name(gate))
            if revision is not None:
                found.append(revision)
        return found


def _write(lead: Lead) -> Rule:
    when = None
    if lead.version:
        when = Condition(ConditionKind.HEADER, lead.version, "x-version")
    if lead.other is None:
        return Rule(lead.path, (Target(own_proxy.label(lead.label)),), when)
    first = Target(own_proxy.label(lead.label), _FIRST)
    return Rule(lead.path, (first, Target(own_proxy.label(lead.other), LOTS - _FIRST)), when)
