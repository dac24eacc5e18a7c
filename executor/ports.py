"""What an attempt needs of the outside, as small protocols; the edges fulfil them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from prevs.containers import ContainerSettings
from prevs.log_sources import Source
from prevs.states import Phase
from prevs.work import Progress


class Signals(Protocol):
    """How an attempt is stopped or woken; see executor/signals.py."""

    @property
    def stopped(self) -> bool:
        """Whether the attempt has to end."""
        ...

    def check(self) -> None:
        """Raise Stopped if the attempt has to end."""
        ...

    def wait(self, seconds: float) -> None:
        """Block for `seconds`, or less if woken. Raises Stopped."""
        ...

    def wait_for_end(self, ended: Callable[[], bool], within: float = math.inf) -> None:
        """Block until `ended` returns True (called after each wake) or the grace has passed.

        Blocks for `within` seconds at most.
        """
        ...

    def wake(self) -> None:
        """End the current or the next wait. Any thread."""
        ...

    def interrupting(self, interrupt: Callable[[], None]) -> AbstractContextManager[None]:
        """Within the context, a stop calls `interrupt` on the thread that stops.

        Raises Stopped at entry after a stop.
        """
        ...


class Checkout(Protocol):
    """The files of a commit."""

    def tree(self, *, limit: float) -> AbstractContextManager[Path]:
        """Give a folder with the commit's files; it is removed when the context ends.

        Blocks while other attempts of this agent read the repository, and then for `limit` seconds
        at most.
        Raises RepositoryUnreachable, CommitMissing, Stopped.
        """
        ...


class Context(NamedTuple):
    """The folder that a Dockerfile may copy from, and the Dockerfile; neither path has a link."""

    folder: Path
    dockerfile: Path


@dataclasses.dataclass(frozen=True)
class ImageSpec:
    """The image that an attempt wants.

    Without a `target` it is the Dockerfile's last stage. Steps that mount the `secrets` can read
    them; no image contains them. `registry` is where agents share images, "" if they do not.
    """

    tag: str
    labels: Mapping[str, str]
    target: str = ""
    args: Mapping[str, str] = dataclasses.field(default_factory=dict)
    secrets: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    registry: str = ""


class Images(Protocol):
    """The images of this agent's docker daemon."""

    def exists(self, tag: str) -> bool:
        """Return whether an image of this tag exists. Raises DockerUnavailable."""
        ...

    def building(self, tag: str, *, busy: Callable[[], None]) -> AbstractContextManager[None]:
        """Hold the lock for building `tag` on this agent; blocks until nobody else holds it.

        Calls `busy` once if somebody else holds it. Raises Stopped.
        """
        ...

    def check_builds(self) -> None:
        """Raise BuildExposed if a build would. Call it before fetching anything.

        Raises DockerUnavailable.
        """
        ...

    def build(
        self,
        context: Context,
        spec: ImageSpec,
        *,
        limit: float,
        at_step: Callable[[str], None],
    ) -> None:
        """Build an image; the builder's output goes to the attempt's log.

        Calls `at_step` on the caller's thread for each step that starts ("3/5 RUN make").
        Raises BuildFailed, BuildExposed, AgentUnfit, RegistryUnreachable, DockerUnavailable,
        Stopped.
        """
        ...


class Registry(Protocol):
    """The registry in which agents share images."""

    def pull(self, spec: ImageSpec, digest: str, *, limit: float) -> str:
        """Pull an image and tag it; return its digest in the registry.

        Pulls `digest`, or the image's tag if that is "". Blocks for `limit` seconds at most. Raises
        RegistryFailed, Stopped.
        """
        ...

    def push(self, tag: str, *, limit: float) -> str:
        """Push an image; return its digest. Blocks for `limit` seconds at most.

        Raises RegistryFailed.
        """
        ...

    def end(self) -> None:
        """End a push at once, and let no other start. Any thread."""
        ...


class PublishedPort(NamedTuple):
    """A port of a container, and the only address of the agent where it is reached."""

    container_port: int
    host: str
    host_port: int


@dataclasses.dataclass(frozen=True)
class ContainerSpec:
    """The container that an attempt wants. `cpus` is a share, `mem` a limit in MB.

    Its `ports` are published. `command` replaces the image's own CMD. If `read_only`,
    the container can write only to /tmp, which is in memory, and to its `volumes`: the path in the
    container of each volume. With `exchange` it has the folder prevs.work.FOLDER, with these files,
    in which all its users may write; it goes with the container. `stdin` is what its command reads
    as its standard input, None if that is empty. `hosts` are names of its own loopback, `gates`
    those that lead to the proxy; a container `joins` the network of the container with that name.
    In the network of an attempt `aliases` lead to it. `own` is what the commit says of it; it gives
    no right that others lack.
    """

    name: str
    image: str
    cpus: float
    mem: int
    environment: Mapping[str, str] = dataclasses.field(repr=False)
    labels: Mapping[str, str]
    ports: Sequence[PublishedPort] = ()
    command: Sequence[str] = ()
    read_only: bool = False
    volumes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    exchange: Mapping[str, bytes] | None = dataclasses.field(default=None, repr=False)
    stdin: bytes | None = dataclasses.field(default=None, repr=False)
    hosts: Sequence[str] = ()
    joins: str = ""
    aliases: Sequence[str] = ()
    gates: Sequence[str] = ()
    own: ContainerSettings = dataclasses.field(default_factory=ContainerSettings)


class PlacedFile(NamedTuple):
    """A file (`data`), a folder (None) or a link (`link`) that a container finds at `path`.

    It belongs to the container's user, unless it is `read_only`. With `runs` it is a program.
    """

    path: str
    data: bytes | None
    link: str = ""
    runs: bool = False
    read_only: bool = False


class Exit(NamedTuple):
    """How a container ended; `code` is None if docker was away and did not see it.

    `is_removed` means that somebody has removed it, so nobody knows how it would have ended.
    """

    code: int | None
    out_of_memory: bool
    is_removed: bool = False


class Left(NamedTuple):
    """What a command left in the folder for its exchange with prevs, and what is wrong with it.

    `result` is b"" if there is none, and None if `problem` says why it cannot be used. `progress`
    is the text of its progress file. `artifacts` counts the files that were kept, `left_out` what
    was not kept of its artifacts.
    """

    result: bytes | None = b""
    problem: str = ""
    progress: bytes = b""
    artifacts: int = 0
    left_out: int = 0


class Finished(NamedTuple):
    """How an attempt ends well: the command of its job exited with code 0, and left `result`."""

    result: bytes
    progress: Progress | None = None


class Container(Protocol):
    """One container that was started."""

    def exit(self) -> Exit | None:
        """Return how it ended, None while it runs. Blocks for one call at most.

        Raises DockerUnavailable if the daemon went away and did not return, DiskFull if the
        container has written more than it may.
        """
        ...

    def memory_kills(self) -> int:
        """Return how many of its processes the kernel has killed because memory ran out.

        Returns 0 if that cannot be known. Blocks for one call at most.
        """
        ...

    def terminate(self) -> bool:
        """Send it the stop signal of its image, SIGTERM by default; return whether it ran still.

        Raises DockerUnavailable.
        """
        ...

    def read_progress(self) -> bytes | None:
        """Return the text of its command's progress file, None if there is none to read.

        Raises DockerUnavailable.
        """
        ...

    def take(self, folder: Path) -> Left:
        """After its end, return what its command left; put the artifacts into `folder`.

        `folder` is created if there are any. Raises DockerUnavailable.
        """
        ...

    def drain(self, seconds: float) -> None:
        """After its end, wait until all output is in the log, for `seconds` at most."""
        ...

    def remove(self) -> None:
        """Kill it if it runs, and remove it. Does nothing if it is gone.

        Raises DockerUnavailable.
        """
        ...


class Containers(Protocol):
    """The containers of this agent's docker daemon."""

    def start(self, spec: ContainerSpec, *, on_exit: Callable[[], None]) -> Container:
        """Start a container; its output goes to the attempt's log.

        Removes a container of the same name first. If this raises, no container is left. Calls
        `on_exit` on another thread once exit() returns or raises something. Raises PreviewExposed,
        StartFailed (ImageMissing if that is why), AgentUnfit, DockerUnavailable.
        """
        ...


class Volume(NamedTuple):
    """A volume of a preview, at `path` in its containers; every volume has its own `identity`.

    `of_branch` is whether it belongs to the branch of the preview.
    """

    path: str
    name: str
    identity: str
    of_branch: bool = False


class Volumes(Protocol):
    """The volumes of this agent's previews."""

    def have(
        self,
        app: str,
        sha: str,
        paths: Sequence[str],
        labels: Mapping[str, str],
        *,
        app_created: float = 0.0,
    ) -> Sequence[Volume]:
        """Return the volumes of a preview; creates those that do not exist.

        `app_created` as in BuildOrder. Raises StartFailed, AgentUnfit, DockerUnavailable.
        """
        ...

    def prepared(self, volumes: Sequence[Volume], hooks: Sequence[Sequence[str]]) -> bool:
        """Return whether keep_prepared() was called for these hooks and volumes; no without any."""
        ...

    def keep_prepared(self, volumes: Sequence[Volume], hooks: Sequence[Sequence[str]]) -> None:
        """Note that these hooks have succeeded on these volumes, if there are any."""
        ...

    def is_seeded(self, volumes: Sequence[Volume]) -> bool:
        """Return whether note_seeded() was called for these volumes; no without any.

        If some are of the branch, those alone count.
        """
        ...

    def note_seeded(self, volumes: Sequence[Volume]) -> None:
        """Note that these volumes have what new data begin with, if there are any."""
        ...


HTTP2 = "h2"
"""The protocol of an application that speaks HTTP/2 (its name in ALPN, RFC 7301)."""


class Answer(NamedTuple):
    """What one health check got.

    `connected` is False if nothing listens. (docker's own proxy accepts connections and closes them
    at once if nothing listens behind it. That counts as not connected.) `status` is None if no HTTP
    response came; `problem` then describes what came. `passed` is the result of a check that needs
    no status. `protocol` is the one in which requests have to be forwarded, "" for HTTP/1.1.
    """

    connected: bool
    status: int | None = None
    problem: str = ""
    passed: bool | None = None
    protocol: str = ""


class Probe(Protocol):
    """Checks the health of an application."""

    def check(self) -> Answer:
        """Check once. Blocks for some seconds at most. Raises Stopped."""
        ...


class Reports(Protocol):
    """Reports to Mesos how the attempt goes."""

    def progress(self, phase: Phase, message: str, *, detail: str = "", lasts: float = 0.0) -> None:
        """Report a phase before the application runs; it began `lasts` seconds ago."""
        ...

    def running(self, message: str, *, checked: float | None = None, protocol: str = "") -> None:
        """Report that it runs: the health check passed, `checked` seconds after it began.

        `checked` is None if nothing is checked. `protocol` is as in Answer.
        """
        ...

    def progressed(self, progress: Progress) -> None:
        """Report, while it runs, what the command of a job says about its progress."""
        ...

    def short_of_memory(self, kills: int) -> None:
        """Report, while it runs, how many of its processes were killed because memory ran out."""
        ...

    def shared(self, digest: str) -> None:
        """Report the digest that the image has in the registry."""
        ...


IsolationField = Literal[
    "open", "builds_open", "builds_unlimited", "builds_privileged", "ports_open"
]
"""The fields of prevs.messages.Isolation that an attempt finds out."""

ReportIsolation = Callable[[IsolationField, str], None]
"""Reports why a field is so, "" if it is not."""


def report_nothing(field: IsolationField, why: str) -> None:
    """Be a ReportIsolation that does nothing."""
    del field, why


class Log(Protocol):
    """The attempt's log, which people read from the sandbox's stdout. Thread safe."""

    def write(self, data: bytes, source: Source = Source.PREVS) -> None:
        """Append bytes of a build's output, or of an application's stdout or stderr."""
        ...

    def header(self, text: str) -> None:
        """Append a line of our own that announces what follows."""
        ...

    def flush(self) -> None:
        """Append what was held back, as nothing follows."""
        ...
