"""The gates in memory, signed. As for tokens, the store is written first; after a write without an
answer, `rewrite_unconfirmed` makes the store equal to memory again.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import structlog

from framework.gates import deleted_branches, proposals
from framework.gates.deleted_branches import Kept
from framework.gates.errors import UnknownGate
from framework.ports import Store
from framework.state.unconfirmed_writes import UnconfirmedWrites
from framework.trust import NotTrusted, RecordKind
from prevs import signatures
from prevs.gates import GateRecord

log = structlog.get_logger(__name__)


class GateRecords:
    """Every gate, by name. `all` is replaced, never changed.

    They are signed with the first of `keys`; a record with another key's signature is signed again.
    A stored gate without a valid signature may be an intruder's: it is left out, as by proxies, and
    kept in `refused` and in the store until somebody removes it.
    """

    def __init__(
        self, stored: Iterable[GateRecord], store: Store, *, keys: Sequence[bytes]
    ) -> None:
        self._store = store
        self._key = keys[0]
        self._writes: UnconfirmedWrites[str, GateRecord] = UnconfirmedWrites(
            store, lambda gate: gate.name
        )
        read = list(stored)
        trusted = [gate for gate in read if _is_signed(gate, keys)]
        self.all: Mapping[str, GateRecord] = {gate.name: self._sign(gate) for gate in trusted}
        self.refused: Mapping[str, GateRecord] = {
            gate.name: gate for gate in read if gate.name not in self.all
        }
        for gate in trusted:
            if self.all[gate.name] != gate:
                self._writes.repeat(gate)
        self._waiting = {gate.name for gate in trusted if proposals.waits(gate)}

    @property
    def missigned(self) -> int:
        """How many are still to be written with the signature of the first key."""
        return self._writes.count()

    def check(self, name: str) -> None:
        """Raise NotTrusted if the record of that name is left out."""
        if name in self.refused:
            raise NotTrusted(RecordKind.GATE, name)

    def gate(self, name: str) -> GateRecord:
        """Return a gate. Raises UnknownGate, NotTrusted."""
        self.check(name)
        gate = self.all.get(name)
        if gate is None:
            raise UnknownGate(name)
        return gate

    def of_app(self, app: str) -> Sequence[GateRecord]:
        """Return the gates of an app."""
        return [gate for gate in self.all.values() if gate.app == app]

    def list_kept(self, app: str) -> Kept:
        """Return what the gates of an app keep, although no branch may lead there any more."""
        return deleted_branches.list_kept(self.of_app(app))

    def list_waiting(self) -> Sequence[GateRecord]:
        """Return the gates of which a change waits."""
        return [self.all[name] for name in sorted(self._waiting)]

    def save(self, gate: GateRecord) -> GateRecord:
        """Write a gate if it has changed; return it with its signature."""
        signed = self._sign(gate)
        if self.all.get(gate.name) != signed:
            self._writes.save(signed)
            self.all = {**self.all, gate.name: signed}
            self._accept(gate.name)
            (self._waiting.add if proposals.waits(gate) else self._waiting.discard)(gate.name)
        return self.all[gate.name]

    def remove(self, name: str) -> None:
        """Remove a gate, also one that is left out. Raises UnknownGate, Unavailable."""
        self._writes.delete(self.refused.get(name) or self.gate(name))
        self._accept(name)
        self.all = {other: gate for other, gate in self.all.items() if other != name}
        self._waiting.discard(name)

    def remove_of(self, app: str) -> None:
        """Remove the gates of an app."""
        for gate in (*self.of_app(app), *(one for one in self.refused.values() if one.app == app)):
            self.remove(gate.name)

    def list_held(self, now: float) -> Mapping[str, frozenset[str]]:
        """Return the labels and commits of each app whose previews go on running for gates."""
        held: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
        for gate in self.all.values():
            if found := proposals.list_held(gate, now):
                held[gate.app] |= found
        return held

    def list_applied(self) -> Sequence[Mapping[str, int]]:
        """Return the revisions by which each live proxy chooses labels. Reads the store."""
        return [proxy.gates for proxy in self._store.proxies()]

    def rewrite_unconfirmed(self) -> None:
        """Repeat the writes that got no answer, and write what has another signature now."""
        self._writes.rewrite(self.all.get)

    def _accept(self, name: str) -> None:
        if name in self.refused:
            self.refused = {other: gate for other, gate in self.refused.items() if other != name}

    def _sign(self, gate: GateRecord) -> GateRecord:
        return dataclasses.replace(
            gate,
            signature=signatures.sign_gate(self._key, gate),
            whole_signature=signatures.sign_whole_gate(self._key, gate),
        )


def _is_signed(gate: GateRecord, keys: Sequence[bytes]) -> bool:
    if signatures.is_whole_gate_signed(keys, gate):
        return True
    log.error("none of our tokens has signed this gate: it is left out, and kept", gate=gate.name)
    return False
