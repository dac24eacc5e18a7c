"""What is asked of where the records are, and of what seals them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol

from prevs.records import (
    AgentsRecord,
    AppRecord,
    PlacementsRecord,
    PreviewRecord,
    ProxyRecord,
    SecretsRecord,
    TokenRecord,
)

Record = AgentsRecord | AppRecord | PreviewRecord | PlacementsRecord | TokenRecord | SecretsRecord
"""What the framework stores, and nobody else writes."""


class Stored(NamedTuple):
    """Everything that the store holds; what cannot be read is not among it.

    But for secrets: of those that cannot be read, `sealed` is empty, which nothing opens.

    `versions` are those of the apps' placements, as ProxyRecord.applied counts them. `forgotten`
    says that there is no framework id because an operator wanted it so.
    """

    apps: Sequence[AppRecord] = ()
    previews: Sequence[PreviewRecord] = ()
    placements: Sequence[PlacementsRecord] = ()
    framework_id: str | None = None
    versions: Mapping[str, int] = MappingProxyType({})
    forgotten: bool = False
    tokens: Sequence[TokenRecord] = ()
    secrets: Sequence[SecretsRecord] = ()
    agents: AgentsRecord = AgentsRecord()


class Vault(Protocol):
    """Seals what nobody may read who sees the store, with keys that are elsewhere."""

    def seal(self, data: bytes) -> str:
        """Return `data` sealed by the first key. Raises NoKey."""
        ...

    def open(self, sealed: str) -> bytes:
        """Return what is in a sealed text. Raises WrongKey."""
        ...

    def is_sealed_by_first(self, sealed: str) -> bool:
        """Tell whether the first key opens a sealed text."""
        ...


class Store(Protocol):
    """The records. One thread, and no other program, writes them.

    Every call blocks for a round trip and raises Unavailable when there was no answer: the write
    may have happened, and the same write again is right. A write of what somebody else has
    changed since it was read raises Superseded.
    """

    def load(self) -> Stored:
        """Read everything anew."""
        ...

    def save(self, record: Record) -> int:
        """Write a record; return its version, which grows by one with each write."""
        ...

    def save_all(self, records: Sequence[Record]) -> None:
        """Write several records in one round trip, all of them or none."""
        ...

    def delete(self, record: Record) -> None:
        """Remove a record; one that is gone already is no error."""
        ...

    def save_framework_id(self, framework_id: str) -> None:
        """Write the Mesos framework id."""
        ...

    def proxies(self) -> Sequence[ProxyRecord]:
        """Return what each live proxy has applied."""
        ...
