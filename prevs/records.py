"""The records in ZooKeeper. The framework writes all but ProxyRecord; every program reads them.

Times are seconds since the epoch (UTC). tests/data/records holds the bytes that each release has
written; a change that breaks them needs a new version here, and a reader for the old one.
"""

import dataclasses
from collections.abc import Mapping
from typing import Optional

from prevs import codec
from prevs.apps import AppRecord
from prevs.attempts import AttemptRecord, EndedAttempt, Failure, Mistake, Step
from prevs.codec import RecordError
from prevs.commit_settings import CommitSettings
from prevs.roles import TokenRecord
from prevs.states import State

__all__ = [
    "AgentsRecord",
    "AppRecord",
    "AttemptRecord",
    "DataPlace",
    "EndedAttempt",
    "Failure",
    "InstallationRecord",
    "LeaderRecord",
    "Mistake",
    "Placement",
    "PlacementsRecord",
    "PortRange",
    "PreviewRecord",
    "ProxyRecord",
    "RecordError",
    "SecretsRecord",
    "Step",
    "TokenRecord",
]


@dataclasses.dataclass(frozen=True)
class _PreviewKey:
    """What every preview has."""

    app: str
    sha: str
    """Its commit; of an instance of a variant an id of its own (names.instance_id)."""
    state: State


@dataclasses.dataclass(frozen=True)
class DataPlace:
    """The agent on which a preview ran with the data of a branch, and when it began to (`at`).

    `agent_id` is "" if somebody has reset the data since, `at` then: the next ones begin with those
    of the branch `seed`, if it is not "".
    """

    agent_id: str
    agent_host: str
    at: float
    began: float = 0.0
    """When these data began: others of the same branch are not these."""
    seed: str = ""


@dataclasses.dataclass(frozen=True)
class PreviewRecord(AttemptRecord, _PreviewKey):
    """A preview: an app at a commit."""

    # Its attempt serves:
    host_port: Optional[int] = None
    started: Optional[float] = None
    """When it began to run."""
    steps: tuple[Step, ...] = ()
    """Those that began: queued, placed, fetching, building, starting, checking, running."""
    protocol: str = ""
    """What its application speaks: "h2", or "" for HTTP/1.1."""
    memory_kills: int = 0
    """How many of its processes were killed for lack of memory while it ran."""
    moved_from: str = ""
    """The host of the agent that has the volumes which it does not have, as it was placed elsewhere
    than the attempt before; else ""."""

    # The preview itself:
    labels: tuple[str, ...] = ()
    """The requested labels that resolved to this commit, the newest last."""
    created: float = 0.0
    last_used: Optional[float] = None
    pinned: bool = False
    unreferenced_since: Optional[float] = None
    """Since when no branch or tag leads to it; None while one does, or if only its commit was
    requested."""
    step_seconds: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """How long each step took in the last successful attempt that had it."""
    settings: Optional[CommitSettings] = None
    """Those of its commit, None if not read yet."""
    settings_for: str = ""
    """The app's settings for which they were read."""
    refs: tuple[str, ...] = ()
    """The branches and tags that led to the commit at the last request (heads/main, tags/v1), or
    the pull request that did (pull/7) if none of them reached it. Its variables depend on them."""
    stranger: bool = False
    """Set if its commit is of somebody else's fork, and gets nothing of the app's."""
    ahead: bool = False
    """Set if it was built ahead of its first visit, and nobody has requested or used it since."""
    instance: str = ""
    """The label of the variant of a stack whose own instance it is, "" for none."""
    built_from: str = ""
    """The commit of such an instance."""
    service_ports: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """The agent's ports of its companions that visitors reach, by their names, as host_port."""
    data: str = ""
    """The branch whose data its attempt has; "" for data of its own."""
    data_began: float = 0.0
    """When those data began, as in DataPlace."""
    seed: str = ""
    """The branch whose data those of its own branch begin with, as they are new; else ""."""
    seed_began: float = 0.0
    """When the data of `seed` began, as in DataPlace."""
    data_places: Mapping[str, DataPlace] = dataclasses.field(default_factory=dict)
    """Where it ran last with the data of each branch."""
    same: tuple[str, ...] = ()
    """The commits that it serves too, as they differ from its own in nothing that it is made of
    (CommitSettings.watch); the newest last."""

    @property
    def commit(self) -> str:
        """The commit that it is built from."""
        return self.built_from or self.sha

    @property
    def ports(self) -> tuple[int, ...]:
        """All ports of the agent that its attempt has."""
        return (*([self.host_port] if self.host_port else []), *self.service_ports.values())

    @property
    def why(self) -> str:
        """Why it is in its state: what its failure says, or the reason."""
        return self.failure.message if self.failure else self.reason

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "PreviewRecord":
        """Return the record in a znode. Raises RecordError."""
        return codec.decode(PreviewRecord, 1, data)


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where one running preview answers, and the labels that lead there.

    `protocol` is "h2" if it speaks HTTP/2 and no HTTP/1.1.
    """

    task_id: str
    host: str
    port: int
    labels: tuple[str, ...]
    protocol: str = ""
    services: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Labels that lead to its companions, and the port of each (service_names.py)."""

    @property
    def ports(self) -> tuple[int, ...]:
        """All ports of the host to which visitors are sent."""
        return (self.port, *dict.fromkeys(self.services.values()))


@dataclasses.dataclass(frozen=True)
class PlacementsRecord:
    """All placements of an app, by commit. An entry exists while visitors may be sent there.

    `signatures` are those of the placements (prevs/signatures.py), by commit. `failed` maps a label
    that still leads to an older commit to the newer commit, which has failed.
    """

    app: str
    placements: Mapping[str, Placement] = dataclasses.field(default_factory=dict)
    signatures: Mapping[str, str] = dataclasses.field(default_factory=dict)
    failed: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "PlacementsRecord":
        """Return the record in a znode. Raises RecordError."""
        return codec.decode(PlacementsRecord, 1, data)


@dataclasses.dataclass(frozen=True)
class PortRange:
    """Ports from `begin` to `end`, both included."""

    begin: int
    end: int


@dataclasses.dataclass(frozen=True)
class AgentsRecord:
    """Where previews may be: for each host (an IP address) the ports that its agents offer."""

    ports: Mapping[str, tuple[PortRange, ...]] = dataclasses.field(default_factory=dict)
    signature: str = ""

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "AgentsRecord":
        """Return the record in a znode. Raises RecordError."""
        return codec.decode(AgentsRecord, 1, data)


@dataclasses.dataclass(frozen=True)
class ProxyRecord:
    """What a proxy has `applied`: of placements the znode version, of `gates` the revision.

    `holding` are tasks without a placement to which it still has open requests.
    """

    applied: Mapping[str, int] = dataclasses.field(default_factory=dict)
    holding: tuple[str, ...] = ()
    gates: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "ProxyRecord":
        """Return the record in a znode. Raises RecordError."""
        return codec.decode(ProxyRecord, 1, data)


@dataclasses.dataclass(frozen=True)
class LeaderRecord:
    """The framework that leads: the URL at which the others reach its API, "" for none.

    `process` identifies one run of the program.
    """

    api: str
    process: str

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "LeaderRecord":
        """Return the record in a znode. Raises RecordError."""
        return codec.decode(LeaderRecord, 1, data)


@dataclasses.dataclass(frozen=True)
class InstallationRecord:
    """The settings that must be equal for all frameworks at one root.

    `master` names the Mesos cluster; the others are the fields of FrameworkInfo, and the domain.
    """

    master: str
    name: str
    role: str
    user: str
    domain: str
    principal: Optional[str] = None
    jobs_role: str = ""

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "InstallationRecord":
        """Return the record in a znode. Raises RecordError."""
        return codec.decode(InstallationRecord, 1, data)


@dataclasses.dataclass(frozen=True)
class SecretsRecord:
    """An app's environment, its secrets and the credential of its repository, as one sealed text.

    The key is not in ZooKeeper (the framework's PREVS_KEY_FILE).
    """

    app: str
    sealed: str = dataclasses.field(repr=False)

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "SecretsRecord":
        """Return the record in a znode. Raises RecordError."""
        return codec.decode(SecretsRecord, 1, data)
