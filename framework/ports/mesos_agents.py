"""The agents of the cluster, as values."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Amount(NamedTuple):
    """CPUs, and MB of memory."""

    cpus: float
    mem: float


class MesosAgent(NamedTuple):
    """An agent as the master knows it; `used` is what all frameworks together use.

    One that is not `active` takes nothing new, one that is `draining` is being emptied by an
    operator. Its planned maintenance begins at `maintenance` (epoch seconds), None: there is none.
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
