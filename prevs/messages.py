"""What rides in a Mesos task: the order to the executor, and its reports back.

BuildOrder is TaskInfo.data, TaskReport is TaskStatus.data; both are JSON bytes (Mesos carries them
as base64 in its JSON API).
"""

import dataclasses
from collections.abc import Mapping
from typing import Optional

from prevs import codec
from prevs.commit_settings import BuildSettings, RunSettings
from prevs.states import Cause, Phase


@dataclasses.dataclass(frozen=True)
class Credential:
    """How git may read a repository: a name and a password (or token), or a key for ssh.

    `private_key` and `known_hosts` are files' texts; a key is of no use without known hosts.
    """

    username: str = ""
    password: str = dataclasses.field(default="", repr=False)
    private_key: str = dataclasses.field(default="", repr=False)
    known_hosts: str = ""


@dataclasses.dataclass(frozen=True)
class BuildOrder:
    """What an executor needs to turn a commit into a container that answers.

    `host` and `host_port` are the agent's address and the port of the accepted offer;
    `container_port` is where the application listens inside. `cpus` is a share, `mem` in MB.
    Limits are in seconds. These and `health` are what holds: an executor need not know what the
    app and what the commit said.

    `folder` is where in the repository the app is, "" for its root. `environment` and `secrets`
    are the app's; the commit's own are in `run`. Those named in `build_only` are for the build
    alone, those in `run_only` for containers; `withheld` counts what other branches have.
    `registry` is where images are shared ("host:port/prefix"), `digest` the image's there, where it
    is known. `app_created` tells the app from others that had its name before: AppRecord.created, 0
    where that is not known.
    `control_plane` are addresses and networks of the installation's own machines: its containers
    reach none.
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

    @property
    def given_to_build(self) -> Mapping[str, str]:
        """What a step of the build may mount."""
        given = {**self.environment, **self.secrets}
        return {name: value for name, value in given.items() if name not in self.run_only}

    @property
    def given_to_containers(self) -> Mapping[str, str]:
        """What containers have in their environment; what is secret replaces what is not."""
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
    """What previews and builds of an agent reach: what its operator has decided, and what is so.

    `allowed` are the private networks that previews reach. With `required` nothing starts where
    previews cannot be kept apart. `builds` tells that steps of builds are kept apart as previews
    are, `fetches` that a Dockerfile may add what is at an address. `open` says why previews are not
    kept apart, `builds_open` why builds are not, `builds_unlimited` why those are not limited: ""
    where they are, None where an attempt has not looked.
    """

    allowed: tuple[str, ...] = ()
    required: bool = False
    builds: bool = True
    fetches: bool = False
    open: Optional[str] = None
    builds_open: Optional[str] = None
    builds_unlimited: Optional[str] = None


@dataclasses.dataclass(frozen=True)
class TaskReport:
    """What an executor says about its attempt, beside the Mesos task state.

    `detail` is how far it is in its phase: "3/5 RUN make", the step of the Dockerfile. `began` is
    how many seconds before this was said a phase began of which nothing was said then: a check
    that passes soon is not worth a report of its own. `cause` is set on a terminal report of a
    failed attempt and on no other; the sentence for people is TaskStatus.message. `digest` is the
    image's in the registry, once it is there. `protocol` is "h2" where the application that runs
    speaks HTTP/2 and no HTTP/1.1.
    `memory_kills` is how many of its processes the kernel has killed for want of memory while it
    went on.
    `isolation` is what holds at the agent, None from an executor that does not say so.
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

    def encode(self) -> bytes:
        """Return the bytes of TaskStatus.data."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "TaskReport":
        """Return the report in TaskStatus.data. Raises RecordError."""
        return codec.decode(TaskReport, 1, data)
