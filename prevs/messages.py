"""The data in Mesos tasks: the order to the executor, and its reports.

BuildOrder is TaskInfo.data, TaskReport is TaskStatus.data; both are JSON bytes (Mesos carries them
as base64 in its JSON API).
"""

import dataclasses
from collections.abc import Mapping
from typing import Optional

from prevs import codec, names
from prevs.commit_settings import RunSettings
from prevs.containers import BuildSettings, Keep
from prevs.states import Cause, Phase
from prevs.work import Progress, Work


@dataclasses.dataclass(frozen=True)
class Credential:
    """How git reads a repository: with a name and a password (or token), or with an ssh key.

    `private_key` and `known_hosts` are the texts of files; a key needs known hosts.
    """

    username: str = ""
    password: str = dataclasses.field(default="", repr=False)
    private_key: str = dataclasses.field(default="", repr=False)
    known_hosts: str = ""


@dataclasses.dataclass(frozen=True)
class ProxyAddress:
    """An address from which a proxy connects to previews.

    `user` is the id of the user that it runs as there: on an agent's own machine, only that user's
    connections are the proxy's. None if it is not known.
    """

    address: str
    user: Optional[int] = None


@dataclasses.dataclass(frozen=True)
class KnownProxies:
    """The proxies that a framework knows, which alone may connect to previews.

    The newest list counts: `since` is when it came to be, in milliseconds since the epoch. It is
    also the data of a message to a running executor.
    """

    since: int
    proxies: tuple[ProxyAddress, ...] = ()

    def encode(self) -> bytes:
        """Return the bytes of a message."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "KnownProxies":
        """Return the list in a message. Raises RecordError."""
        return codec.decode(KnownProxies, 1, data)


@dataclasses.dataclass(frozen=True)
class PublishedService:
    """Where visitors reach a companion: its port of the agent, and its URL."""

    host_port: int
    url: str


@dataclasses.dataclass(frozen=True)
class BuildOrder:
    """What an executor needs to turn a commit into a container that answers.

    `host` and `host_port` are the agent's address and the port of the accepted offer;
    `container_port` is where the application listens inside. `cpus` is a share, `mem` in MB.
    Limits are in seconds. They and `health` are final: the framework has already combined the
    settings of the app and of the commit.

    `folder` is where in the repository the app is, "" for its root. `environment` and `secrets`
    are the app's variables; the commit's own are in `run`. Those named in `build_only` are only for
    the build, those in `run_only` only for containers; `withheld` counts the variables that only
    other branches get. `registry` is where images are shared ("host:port/prefix"); `digest` is the
    image's digest there, if known. `app_created` distinguishes the app from earlier apps with its
    name: AppRecord.created, or 0 if unknown. `control_plane` are addresses and networks of the
    installation's own machines; no container may reach them. Unless it is `trusted`, the commit is
    a stranger's, and shares nothing with others: no image, cache, volume or private network. `ref`
    reaches the commit if no branch and no tag does: pull/7/head, or the commit's own id if nothing
    does, but a gate stays there; else it is "". With `work` the
    container runs that to its exit, and serves nothing: `container_port` and `host_port` are 0.
    `instance` is the id of a variant's own instance, which shares no volume with the preview of its
    commit; "" for any other preview. `variant` is the name of its variant. `gates` are the host
    names of the gates of its stacks, which its containers call. `proxies` may connect to previews,
    and nobody else; None if a framework does not know them yet.
    """

    app: str
    sha: str
    label: str
    repository: str
    container_port: int
    host: str
    host_port: int
    cpus: float
    mem: int
    health: str = "/"
    url: str = ""
    fetch_limit: float = 300.0
    build_limit: float = 1800.0
    start_limit: float = 60.0
    stop_grace: float = 10.0
    folder: str = ""
    build: BuildSettings = dataclasses.field(default_factory=BuildSettings)
    run: RunSettings = dataclasses.field(default_factory=RunSettings)
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    secrets: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    credential: Optional[Credential] = None
    registry: str = ""
    digest: str = ""
    app_created: float = 0.0
    control_plane: tuple[str, ...] = ()
    build_only: tuple[str, ...] = ()
    run_only: tuple[str, ...] = ()
    withheld: int = 0
    trusted: bool = True
    ref: str = ""
    work: Optional[Work] = None
    instance: str = ""
    variant: str = ""
    gates: tuple[str, ...] = ()
    proxies: Optional[KnownProxies] = None
    services: Mapping[str, PublishedService] = dataclasses.field(default_factory=dict)
    """The companions that visitors reach, by their names."""
    data: str = ""
    """The branch that its volumes of Keep.BRANCH belong to; "" if they are its own."""
    data_began: float = 0.0
    """When the data of that branch began: others of its name are not these."""
    seed: str = ""
    """The branch whose data those begin with if they are new; "" if they begin empty."""
    seed_began: float = 0.0
    """The same of its data."""

    def volume_key(self, keep: Keep) -> str:
        """Return what its volumes are named by, beside the app."""
        if keep is Keep.BRANCH and self.data:
            return names.branch_key(self.data, self.data_began)
        return self.instance or self.sha

    @property
    def given_to_build(self) -> Mapping[str, str]:
        """The variables that a step of the build may mount."""
        given = {**self.environment, **self.secrets}
        return {name: value for name, value in given.items() if name not in self.run_only}

    @property
    def given_to_containers(self) -> Mapping[str, str]:
        """The variables of containers; a secret replaces a plain variable of the same name."""
        given = {**self.environment, **self.secrets}
        return {name: value for name, value in given.items() if name not in self.build_only}

    def encode(self) -> bytes:
        """Return the bytes of TaskInfo.data."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "BuildOrder":
        """Return the order in TaskInfo.data. Raises RecordError."""
        return codec.decode(BuildOrder, 1, data)


@dataclasses.dataclass(frozen=True)
class Isolation:
    """What previews and builds on an agent can reach: the settings, and what is in force.

    `allowed` are the private networks that previews may reach. If `required`, nothing starts
    unless previews can be isolated. `builds` is whether build steps are isolated like previews,
    `fetches` is whether a Dockerfile may ADD from a URL. `open` is why previews are not isolated,
    `builds_open` why builds are not isolated, `builds_unlimited` why builds have no limits: "" if
    they are isolated or limited, None if no attempt has checked. `ports_open` is why others than
    proxies may connect to previews there, and `builds_privileged` which capabilities steps of
    builds have that they do not need, in the same way.
    """

    allowed: tuple[str, ...] = ()
    required: bool = False
    builds: bool = True
    fetches: bool = False
    open: Optional[str] = None
    builds_open: Optional[str] = None
    builds_unlimited: Optional[str] = None
    ports_open: Optional[str] = None
    builds_privileged: Optional[str] = None


@dataclasses.dataclass(frozen=True)
class TaskReport:
    """An executor's report about its attempt, beside the Mesos task state.

    `detail` is the progress in the phase, such as the Dockerfile's step "3/5 RUN make". `began`
    has phases that began without a report of their own, by how many seconds before this report:
    a check that passes soon is not worth a report. `cause` is set only on the terminal report of a
    failed attempt; the sentence for people is TaskStatus.message. `digest` is the image's digest in
    the registry, once it is there. `protocol` is "h2" if the running application speaks HTTP/2 and
    no HTTP/1.1. `memory_kills` is how many of its processes the kernel has killed for lack of
    memory so far. `isolation` is what is in force on the agent, None from an executor that does not
    report it. `progress` is what a job's command says, None without news; `result` is what it left,
    in base64, on the terminal report of a job whose command ran to its end or its timeout.
    """

    phase: Phase
    cause: Optional[Cause] = None
    exit_code: Optional[int] = None
    detail: str = ""
    began: Mapping[str, float] = dataclasses.field(default_factory=dict)
    digest: str = ""
    protocol: str = ""
    memory_kills: int = 0
    isolation: Optional[Isolation] = None
    progress: Optional[Progress] = None
    result: str = dataclasses.field(default="", repr=False)

    def encode(self) -> bytes:
        """Return the bytes of TaskStatus.data."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "TaskReport":
        """Return the report in TaskStatus.data. Raises RecordError."""
        return codec.decode(TaskReport, 1, data)
