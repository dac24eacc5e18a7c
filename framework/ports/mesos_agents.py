"""The agents of the cluster, as values."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Amount(NamedTuple):
    """CPUs, and MB of memory."""

    cpus: float
    mem: float


class MesosAgent(NamedTuple):
    """An agent as the master knows it; `used` is what all frameworks together use.

    An agent that is not `active` gets no new tasks. An operator is emptying one that is
    `draining`. `maintenance` is when its planned maintenance begins (epoch seconds), None if none
    is planned.
    """

    id: str
    host: str
    active: bool
    draining: bool
    maintenance: float | None
    attributes: Mapping[str, str]
    total: Amount
    used: Amount


class AgentList(NamedTuple):
    """The agents as they were at `as_of` (epoch seconds)."""

    agents: Sequence[MesosAgent]
    as_of: float
