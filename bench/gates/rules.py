"""The rules that all proxies get, and the requests for them.

There are as many as asked for, at gates with EACH of them. Each leads to one of LABELS labels, and
each label of any gate is a port of the backend, so an answer shows which label gave it.
"""

import enum
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bench.proxy import own_proxy

LABELS = 10
EACH = 100
"""The rules of a gate. More than that the framework refuses (framework/gates)."""
WEIGHT = 90
"""The percentage of the first of two targets."""


class Kind(enum.Enum):
    """What rules ask for. With a weight, it is a path with two targets."""

    PATH = "path"
    HEADER = "header"
    WEIGHT = "weight"


class Lead(NamedTuple):
    """A rule: the number of its gate, its place there, and the label that it leads to.

    `version` is the value of the header X-Version that it asks for; None: it asks for no header.
    `other` is the label of the other clients, if there is a weight.
    """

    gate: int
    place: int
    path: str
    version: str | None
    label: int
    other: int | None

    @property
    def host(self) -> str:
        """The host of its gate."""
        return f"{gate_name(self.gate)}.{own_proxy.DOMAIN}"

    @property
    def asked(self) -> str:
        """The path of a request for it, which is below its own path."""
        return f"{self.path.rstrip('/')}/items"

    @property
    def to(self) -> frozenset[int]:
        """The labels that may answer."""
        return frozenset({self.label} if self.other is None else {self.label, self.other})


class Rules(NamedTuple):
    """All rules, by the labels that they lead to."""

    kind: Kind
    labels: Sequence[int]

    @property
    def gates(self) -> int:
        """The number of gates."""
        return -(-len(self.labels) // EACH)

    def of(self, gate: int) -> Sequence[Lead]:
        """Return the rules of a gate. The last one of those with headers is their default."""
        numbers = range(gate * EACH, min(len(self.labels), (gate + 1) * EACH))
        return [self.at(number) for number in numbers]

    def all(self) -> Iterator[Lead]:
        """Yield every rule."""
        for number in range(len(self.labels)):
            yield self.at(number)

    def at(self, number: int) -> Lead:
        """Return a rule by its number."""
        gate, place = divmod(number, EACH)
        label = self.labels[number]
        if self.kind is Kind.HEADER:
            is_last = number + 1 in (len(self.labels), (gate + 1) * EACH)
            return Lead(gate, place, "/", None if is_last else f"v{place}", label, None)
        other = second(label) if self.kind is Kind.WEIGHT else None
        return Lead(gate, place, f"/p{place}", None, label, other)

    def moved(self, number: int) -> "Rules":
        """Return the rules after one of them has changed: no label that it led to answers then."""
        labels = list(self.labels)
        labels[number] = (labels[number] + 2) % LABELS
        return self._replace(labels=labels)


def make(kind: Kind, count: int) -> Rules:
    """Return so many rules."""
    return Rules(kind, [number % LABELS for number in range(count)])


def second(label: int) -> int:
    """Return the label that shares the clients of a rule with a label."""
    return (label + 1) % LABELS


def gate_name(gate: int) -> str:
    """Return the name of a gate, which is the first part of its host."""
    return f"gate{gate}"


def some(rules: Rules, most: int) -> Sequence[Lead]:
    """Return all rules, or some of them that are chosen at random."""
    count = len(rules.labels)
    chosen = random.Random(5).sample(range(count), min(most, count))
    return [rules.at(number) for number in chosen]


def requests(rules: Rules, *, ordinary: bool = False) -> str:
    """Return a line for each rule: the host, the path and the version of its request, or a `-`.

    With `ordinary`, they go to the labels' own addresses instead.
    """
    lines = []
    for lead in rules.all():
        host = own_proxy.host(lead.gate, lead.label) if ordinary else lead.host
        lines.append(f"{host} {lead.asked} {lead.version or '-'}\n")
    return "".join(lines)
