"""What the framework needs from the store of records, and from the vault that seals secrets."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol

from framework.ports.jobs import JobStore, StoredJobs
from prevs.access import AccessRecord
from prevs.gates import GateRecord
from prevs.pulls import PullRecord, RepositoryRecord
from prevs.records import (
    AgentsRecord,
    AppRecord,
    PlacementsRecord,
    PreviewRecord,
    ProxyRecord,
    SecretsRecord,
    TokenRecord,
)
from prevs.roles import RoleRecord
from prevs.stacks import StackRecord

Record = (
    AccessRecord
    | AgentsRecord
    | AppRecord
    | GateRecord
    | PreviewRecord
    | PlacementsRecord
    | PullRecord
    | RepositoryRecord
    | RoleRecord
    | TokenRecord
    | SecretsRecord
    | StackRecord
)
"""The records that the framework writes, and nobody else."""


class Stored(NamedTuple):
    """Everything in the store, without the records that cannot be read.

    Secrets that cannot be read are there with an empty `sealed`, which no key opens. An app whose
    `access` cannot be read is there with a record that nobody has signed.

    `versions` are those of the apps' placements, as ProxyRecord.applied counts them. `forgotten`
    if there is no framework id because an operator removed it.
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
    access: Sequence[AccessRecord] = ()
    pulls: Sequence[PullRecord] = ()
    roles: Sequence[RoleRecord] = ()
    jobs: StoredJobs = StoredJobs()
    repositories: Sequence[RepositoryRecord] = ()
    gates: Sequence[GateRecord] = ()
    stacks: Sequence[StackRecord] = ()


class Vault(Protocol):
    """Seals secrets, so that a reader of the store cannot read them. The keys are elsewhere."""

    def seal(self, data: bytes) -> str:
        """Return `data` sealed by the first key. Raises NoKey."""
        ...

    def open(self, sealed: str) -> bytes:
        """Return the content of a sealed text. Raises WrongKey."""
        ...

    def is_sealed_by_first(self, sealed: str) -> bool:
        """Return whether the first key opens a sealed text."""
        ...


class Store(Protocol):
    """The records. Only one thread of one program writes them.

    Every call blocks for a round trip. It raises Unavailable if there was no answer: the write may
    have happened, and it is right to repeat it. A write raises Superseded if somebody else has
    changed the record since it was read. `jobs` has the records of jobs.
    """

    @property
    def jobs(self) -> JobStore:
        """The records of jobs."""
        ...

    def load(self) -> Stored:
        """Read everything from the store."""
        ...

    def save(self, record: Record) -> int:
        """Write a record; return its version, which grows by one with each write."""
        ...

    def save_all(self, records: Sequence[Record]) -> None:
        """Write several records in one round trip, all of them or none."""
        ...

    def delete(self, record: Record) -> None:
        """Remove a record; it is no error if the record is gone already."""
        ...

    def save_framework_id(self, framework_id: str) -> None:
        """Write the Mesos framework id."""
        ...

    def proxies(self) -> Sequence[ProxyRecord]:
        """Return what each live proxy has applied."""
        ...
