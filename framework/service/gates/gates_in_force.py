"""Which revisions of gates are in force at the proxies. Owned by the service's thread.

A proxy tells in its record which revision of each gate it chooses by; who writes a gate waits for
that.
"""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from framework.clock import Clock
from framework.state.gates.gate_records import GateRecords
from framework.state.snapshot import Behind
from prevs.gates import GateRecord

SOON_SECONDS = 2.0
"""How long after a change proxies are asked in every turn."""
SELDOM_SECONDS = 5.0


@dataclasses.dataclass(frozen=True)
class _Asked:
    number: int
    since: float


class GatesInForce:
    """Asks until all proxies choose by a gate's revision; from then on it is in force.

    A proxy that comes later reads the gates first.
    """

    def __init__(self, gates: GateRecords, clock: Clock) -> None:
        self._gates = gates
        self._clock = clock
        self._looked: Mapping[str, GateRecord] = MappingProxyType({})
        self._asked: dict[str, _Asked] = {}
        self._again = 0.0
        self._behind: Mapping[str, Behind] = MappingProxyType({})

    def find_behind(self) -> Mapping[str, Behind]:
        """Return what is known of the gates as they are now; the same object if nothing is new.

        What was known of a revision is forgotten with it, before anybody reads the next one.
        """
        self._look()
        return self._behind

    def awaits_proxies(self) -> bool:
        """Return whether proxies will soon choose by a new revision."""
        after = self._clock.monotonic() - SOON_SECONDS
        return any(one.since > after for one in self._asked.values())

    def reconcile(self) -> None:
        """Ask the proxies if any revision may not be in force. Reads the store then."""
        self._look()
        now = self._clock.monotonic()
        if not self._asked or (now < self._again and not self.awaits_proxies()):
            return
        self._again = now + SELDOM_SECONDS
        applied = self._gates.list_applied()
        found = {
            name: Behind(sum(one.get(name) != asked.number for one in applied), len(applied))
            for name, asked in self._asked.items()
        }
        self._asked = {name: asked for name, asked in self._asked.items() if found[name].number}
        self._note({**self._behind, **found})

    def _look(self) -> None:
        """Begin to ask for the gates whose revision has changed."""
        known = self._gates.all
        if known is self._looked:
            return
        now, before = self._clock.monotonic(), self._looked
        changed = {
            name: _Asked(gate.revision.number, now)
            for name, gate in known.items()
            if gate.revision.number and not _is_same(before.get(name), gate)
        }
        asked = {**self._asked, **changed}
        self._asked = {name: one for name, one in asked.items() if name in known}
        left = known.keys() - changed.keys()
        self._note({name: found for name, found in self._behind.items() if name in left})
        self._looked = known

    def _note(self, behind: Mapping[str, Behind]) -> None:
        if behind != self._behind:
            self._behind = behind


def _is_same(before: GateRecord | None, gate: GateRecord) -> bool:
    """Return whether a gate has the revision that it had, and was not made anew."""
    return before is not None and (before.revision.number, before.created) == (
        gate.revision.number,
        gate.created,
    )
