"""The records in ZooKeeper. The framework writes all but ProxyRecord; every program reads them.

Times are seconds since the epoch (UTC). tests/data/records holds the bytes that each release has
written; a change that breaks them needs a new version here, and a reader for the old one.
"""

import dataclasses
from collections.abc import Mapping
from typing import Optional

from prevs import codec
from prevs.apps import AppRecord
from prevs.codec import RecordError
from prevs.commit_settings import CommitSettings
from prevs.states import Cause, State

__all__ = [
    "AgentsRecord",
    "AppRecord",
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
class Mistake:
    """A mistake in a line (from 1) of a commit's .prevs.toml or compose file, and the next step."""

    line: int
    message: str


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why an attempt failed, as a sentence for people and a cause for programs.

    `mistakes` are those in one file of the commit's settings, if they are the reason; the message
    names it.
    """

    cause: Cause
    message: str
    exit_code: Optional[int] = None
    mistakes: tuple[Mistake, ...] = ()


@dataclasses.dataclass(frozen=True)
class Step:
    """A step of an attempt: its name, and when it began."""

    name: str
    began: float


@dataclasses.dataclass(frozen=True)
class EndedAttempt:
    """An attempt that is over: the `number`th of its preview, which ran as the task `task_id`.

    `reached` is the last step that began. `cause` and `exit_code` are why it failed, None if it was
    stopped; `why` is the sentence for either, cut short.
    """

    number: int
    task_id: str
    began: float
    ended: float
    agent_id: Optional[str] = None
    agent_host: Optional[str] = None
    reached: str = ""
    cause: Optional[Cause] = None
    exit_code: Optional[int] = None
    why: str = ""


@dataclasses.dataclass(frozen=True)
class PreviewRecord:
    """A preview: an app at a commit.

    `labels` are the requested labels that resolved to this commit, the newest last. `task_id`,
    `agent_id`, `agent_host` and `host_port` belong to the current or last attempt. `reason` is why
    it waits (queued) or ends (draining, stopped), `reason_kind` the kind of that reason
    (framework/units/reasons.py), `failure` why it failed. `phase` is the last phase that its
    executor reported, `detail` the progress in it ("3/5 RUN make"). `starts_again` is set
    while it drains and is to start again afterwards. `consecutive_losses` counts the attempts that
    were lost in a row. After a loss the next attempt begins at `retry_at` at the earliest, and if
    possible on another agent than `avoid_agent`. `changed` is when the state last changed.
    `unreferenced_since` is since when no branch or tag leads to it (None while one does, or if only
    its commit was requested). `steps` are those of the current or last attempt: queued, placed,
    fetching, building, starting, checking, running. `step_seconds` is how long each step took in
    the last successful attempt that had it. `settings` are those of its commit, None if not read
    yet; `settings_for` names the app's settings for which they were read. `digest` is its image's
    digest in the registry, "" if unknown. `protocol` is that of the current attempt's application,
    "h2" or "" for HTTP/1.1. `memory_kills` is how many of its processes were killed for lack of
    memory while it ran. `refs` are the branches and tags that led to the commit at the last request
    (heads/main, tags/v1), or the pull request that did (pull/7) if none of them reached it; its
    variables depend on them. `attempts` are the last few ended ones, the oldest first
    (framework/units/ended_attempts.py). `stranger` if its commit is of somebody else's fork, and
    gets nothing of the app's. `ahead` if it was built ahead of its first visit, and nobody has
    requested or used it since. `moved_from` is the host of the agent that has the volumes which the
    current or last attempt does not have, as it was placed elsewhere than the one before; else "".
    `instance` is the label of the variant of a stack whose own instance it is, "" for none. Then
    `sha` is an id of its own (names.instance_id), and `built_from` its commit.
    """

    app: str
    sha: str
    state: State
    labels: tuple[str, ...] = ()
    task_id: Optional[str] = None
    agent_id: Optional[str] = None
    agent_host: Optional[str] = None
    host_port: Optional[int] = None
    phase: str = ""
    reason: str = ""
    reason_kind: str = ""
    failure: Optional[Failure] = None
    created: float = 0.0
    changed: float = 0.0
    started: Optional[float] = None
    last_used: Optional[float] = None
    pinned: bool = False
    starts_again: bool = False
    consecutive_losses: int = 0
    retry_at: float = 0.0
    avoid_agent: Optional[str] = None
    unreferenced_since: Optional[float] = None
    detail: str = ""
    steps: tuple[Step, ...] = ()
    step_seconds: Mapping[str, float] = dataclasses.field(default_factory=dict)
    settings: Optional[CommitSettings] = None
    settings_for: str = ""
    digest: str = ""
    protocol: str = ""
    memory_kills: int = 0
    refs: tuple[str, ...] = ()
    attempts: tuple[EndedAttempt, ...] = ()
    stranger: bool = False
    ahead: bool = False
    moved_from: str = ""
    instance: str = ""
    built_from: str = ""

    @property
    def commit(self) -> str:
        """The commit that it is built from."""
        return self.built_from or self.sha

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
class TokenRecord:
    """A token of the framework's API: its scope, and its SHA-256 in hex.

    `scope` is "read", "use" or "admin"; `app` is the one app that it is for, "" for all.
    """

    name: str
    scope: str
    digest: str
    created: float = 0.0
    app: str = ""

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "TokenRecord":
        """Return the record in a znode. Raises RecordError."""
        return codec.decode(TokenRecord, 1, data)


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
