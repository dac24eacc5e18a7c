"""What is stored in ZooKeeper. The framework writes all but ProxyRecord; everybody reads.

Times are seconds since the epoch (UTC). tests/data/records holds the bytes of every version that
was ever written; a change that breaks them needs a new version here and a reader for the old one.
"""

import dataclasses
from collections.abc import Mapping
from typing import Optional

from prevs import codec
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
class AppRecord:
    """An app's settings. `cpus` is a share, `mem` a limit in MB, `health` an absolute path.

    A preview that nobody has used for `idle_after` seconds stops (0: never), except in the hours
    of `keep_warm` ("mon-fri 08:00-18:00", UTC). `constraints` say which agents it may run on, by
    their attributes ("zone=a|b", "disk!=slow"). `removed` marks one that is being removed:
    nothing of it starts any more. `folder` is where in the repository its Dockerfile is, "" for
    the root. A commit may ask for `max_cpus` and `max_mem` at most, where they are more than
    `cpus` and `mem`. `room` is how much its waiting room shows (framework/apps/room_detail.py).
    """

    name: str
    repository: str
    port: int = 8080
    cpus: float = 0.1
    mem: int = 128
    max_previews: int = 10
    health: str = "/"
    idle_after: int = 3600
    keep_warm: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    created: float = 0.0
    removed: bool = False
    folder: str = ""
    max_cpus: float = 0.0
    max_mem: int = 0
    room: str = "auto"

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "AppRecord":
        """Return the record in a znode. Raises RecordError."""
        return codec.decode(AppRecord, 1, data)


@dataclasses.dataclass(frozen=True)
class Mistake:
    """What is wrong in a line (the first is 1) of a commit's .prevs.toml, and what to do."""

    line: int
    message: str


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why an attempt failed, as a sentence for people and a cause for programs.

    `mistakes` are those in the commit's settings, where they are the reason.
    """

    cause: Cause
    message: str
    exit_code: Optional[int] = None
    mistakes: tuple[Mistake, ...] = ()


@dataclasses.dataclass(frozen=True)
class Step:
    """A step of an attempt, by its name, and when it began."""

    name: str
    began: float


@dataclasses.dataclass(frozen=True)
class EndedAttempt:
    """An attempt that is over: the `number`th of its preview, which ran as the task `task_id`.

    `reached` is the last step that it came to. `cause` and `exit_code` say why it failed, None
    where it was ended; `why` is the sentence for either, cut short.
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

    `labels` are the labels that were asked for and resolved to this commit, the newest last.
    `task_id`, `agent_id`, `agent_host` and `host_port` belong to the current attempt, or to the
    last one; `reason` says why it waits (queued) or ends (draining, stopped), and `reason_kind`
    what sort of reason that is (framework/preview/reasons.py); `failure` says why it failed.
    `phase` is what its executor reported last, and `detail` how far in it the attempt was ("3/5
    RUN make"). `restart_requested` is set while it drains and is wanted again afterwards.
    `consecutive_losses` counts the attempts that were lost in a row. After a loss the next attempt
    begins at `retry_at` at the earliest, and on another agent than `avoid_agent` if there is a
    choice. `changed` is when the state last changed. `unreferenced_since` is since when no branch
    or tag leads to it any more (None while one does, or while only its commit was asked for).
    `steps` are those of the current or the last attempt: queued, placed, fetching, building,
    starting, checking, running. `step_seconds` is how many seconds each step took when an attempt
    that came to run last had it. `settings` are those of its commit, None if nobody has read them
    yet; `settings_for` says for which settings of the app they were read. `digest` is that of its
    image in the registry, "" if none is known. `protocol` is the one that the current attempt's
    application speaks, "h2" or "" for HTTP/1.1. `memory_kills` is how many of its processes were
    killed for want of memory while it ran on. `refs` are the branches and tags that led to the
    commit when it was last asked for (heads/main, tags/v1): they decide about its variables.
    `attempts` are the last few that are over, the oldest first
    (framework/preview/ended_attempts.py).
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
    restart_requested: bool = dataclasses.field(default=False, metadata=codec.stored_as("again"))
    consecutive_losses: int = dataclasses.field(default=0, metadata=codec.stored_as("lost"))
    retry_at: float = dataclasses.field(default=0.0, metadata=codec.stored_as("not_before"))
    avoid_agent: Optional[str] = dataclasses.field(default=None, metadata=codec.stored_as("avoid"))
    unreferenced_since: Optional[float] = dataclasses.field(
        default=None, metadata=codec.stored_as("vanished")
    )
    detail: str = ""
    steps: tuple[Step, ...] = ()
    step_seconds: Mapping[str, float] = dataclasses.field(
        default_factory=dict, metadata=codec.stored_as("took")
    )
    settings: Optional[CommitSettings] = None
    settings_for: str = ""
    digest: str = ""
    protocol: str = ""
    memory_kills: int = 0
    refs: tuple[str, ...] = ()
    attempts: tuple[EndedAttempt, ...] = ()

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

    `protocol` is "h2" where it speaks HTTP/2 and no HTTP/1.1.
    """

    task_id: str
    host: str
    port: int
    labels: tuple[str, ...]
    protocol: str = ""


@dataclasses.dataclass(frozen=True)
class PlacementsRecord:
    """All placements of an app, by commit. An entry exists while visitors may be sent there.

    `signatures` has that of each placement (prevs/signatures.py), by commit. `failed` has, for each
    label that leads to an older commit, the one that it was to lead to, and that has failed.
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
    """What one proxy routes by: for each app, the znode version of the placements it applied.

    `holding` are the tasks that no placement leads to any more, and to which requests that began
    before are still open at this proxy.
    """

    applied: Mapping[str, int] = dataclasses.field(default_factory=dict)
    holding: tuple[str, ...] = ()

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

    `process` tells one run of the program from every other.
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
    """What may never differ between the frameworks at one root.

    `master` names the Mesos cluster; the others are those of FrameworkInfo, and the domain.
    """

    master: str
    name: str
    role: str
    user: str
    domain: str
    principal: Optional[str] = None

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "InstallationRecord":
        """Return the record in a znode. Raises RecordError."""
        return codec.decode(InstallationRecord, 1, data)


_OF_APP = "app-"
"""What the stored scope of a token for one app begins with."""


@dataclasses.dataclass(frozen=True)
class TokenRecord:
    """A token of the framework's API: what it may be used for, and the SHA-256 of it in hex.

    `scope` is "read", "use" or "admin"; `app` is the one app that it is for, "" for all.
    """

    name: str
    scope: str
    digest: str
    created: float = 0.0
    app: str = ""

    def encode(self) -> bytes:
        """Return the znode's bytes.

        A framework that knows of no tokens for one app finds a scope that it does not know there:
        it takes the token for nobody's, and not for one that is good for all apps.
        """
        if not self.app:
            return codec.encode(self, 1)
        return codec.encode(dataclasses.replace(self, scope=f"{_OF_APP}{self.scope}"), 1)

    @staticmethod
    def decode(data: bytes) -> "TokenRecord":
        """Return the record in a znode. Raises RecordError."""
        found = codec.decode(TokenRecord, 1, data)
        if not (found.app and found.scope.startswith(_OF_APP)):
            return found
        return dataclasses.replace(found, scope=found.scope[len(_OF_APP) :])


@dataclasses.dataclass(frozen=True)
class SecretsRecord:
    """An app's environment, its secrets and the credential of its repository, as one sealed text.

    What seals it is not in ZooKeeper (framework's PREVS_KEY_FILE).
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
