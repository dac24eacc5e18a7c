"""What an attempt needs of the world, as small protocols; the edges fulfil them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from prevs.states import Phase


class Signals(Protocol):
    """How an attempt hears that it is to end; see executor/signals.py."""

    @property
    def stopped(self) -> bool:
        """Tell whether the attempt is to end."""
        ...

    def check(self) -> None:
        """Raise Stopped if the attempt is to end."""
        ...

    def wait(self, seconds: float) -> None:
        """Block for `seconds`, or less where something happened. Raises Stopped."""
        ...

    def wait_for_end(self, ended: Callable[[], bool]) -> None:
        """Block until `ended` (asked after each wake) or the grace of the stop has passed."""
        ...

    def wake(self) -> None:
        """End the current or the next wait: there is something to look at. Any thread."""
        ...

    def interrupting(self, interrupt: Callable[[], None]) -> AbstractContextManager[None]:
        """Within the context, call `interrupt` (from another thread) when told to end.

        Raises Stopped at entry if that is so already.
        """
        ...


class Checkout(Protocol):
    """The files of a commit."""

    def tree(self, *, limit: float) -> AbstractContextManager[Path]:
        """Give a folder with the commit's files; it is gone when the context ends.

        Blocks while others of this agent read the repository, and then for at most `limit` seconds.
        Raises RepositoryUnreachable, CommitMissing, Stopped.
        """
        ...


class Context(NamedTuple):
    """The folder that a Dockerfile may copy from, and the Dockerfile; neither path has a link."""

    folder: Path
    dockerfile: Path


@dataclasses.dataclass(frozen=True)
class ImageSpec:
    """An image as an attempt wants it.

    Without a `target` it is the Dockerfile's last stage. The `secrets` can be read by the steps
    that mount them, and are in no image. `registry` is where agents share images, "" nowhere.
    """

    tag: str
    labels: Mapping[str, str]
    target: str = ""
    args: Mapping[str, str] = dataclasses.field(default_factory=dict)
    secrets: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    registry: str = ""


class Images(Protocol):
    """The images that this agent's docker daemon keeps."""

    def exists(self, tag: str) -> bool:
        """Tell whether an image of that tag is there. Raises DockerUnavailable."""
        ...

    def building(self, tag: str, *, busy: Callable[[], None]) -> AbstractContextManager[None]:
        """Hold the right to build `tag` on this agent; blocks until nobody else does.

        `busy` is called, once, where somebody does. Raises Stopped.
        """
        ...

    def check_builds(self) -> None:
        """Raise BuildExposed where a build would, before anything is fetched for it.

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
        """Build an image; what the builder says goes to the attempt's log.

        `at_step` hears, on the caller's thread, of each step that it comes to ("3/5 RUN make").
        Raises BuildFailed, BuildExposed, AgentUnfit, RegistryUnreachable, DockerUnavailable,
        Stopped.
        """
        ...


class Registry(Protocol):
    """Where the agents share images."""

    def pull(self, spec: ImageSpec, digest: str, *, limit: float) -> str:
        """Have an image here, with its tag; return its digest there.

        It is that of `digest`, or where that is "" what its tag says. Blocks for at most `limit`
        seconds. Raises RegistryFailed, Stopped.
        """
        ...

    def push(self, tag: str, *, limit: float) -> str:
        """Bring an image there; return its digest. Blocks for at most `limit` seconds.

        Raises RegistryFailed.
        """
        ...

    def end(self) -> None:
        """Have a push end, at once and from any thread, and none begin."""
        ...


@dataclasses.dataclass(frozen=True)
class ContainerSpec:
    """A container as an attempt wants it. `cpus` is a share, `mem` a limit in MB.

    `container_port` is published at `host`:`host_port` and nowhere else; a `host_port` of 0 has
    it published nowhere. `command` replaces the image's own CMD. `read_only` leaves it /tmp to
    write to, in memory, and its `volumes`: a path in the container to the name of a volume.
    """

    name: str
    image: str
    container_port: int
    host: str
    host_port: int
    cpus: float
    mem: int
    environment: Mapping[str, str] = dataclasses.field(repr=False)
    labels: Mapping[str, str]
    command: Sequence[str] = ()
    read_only: bool = False
    volumes: Mapping[str, str] = dataclasses.field(default_factory=dict)


class Exit(NamedTuple):
    """How a container ended; `code` is None where nobody was there to see it."""

    code: int | None
    out_of_memory: bool


class Container(Protocol):
    """One container that was started."""

    def exit(self) -> Exit | None:
        """Return how it ended, None while it runs. Doesn't block for longer than one call.

        Raises DockerUnavailable when the daemon went away and did not return, DiskFull when it
        has written more than it may.
        """
        ...

    def memory_kills(self) -> int:
        """Return how many of its processes the kernel has killed for want of memory.

        0 where that cannot be known. Doesn't block for longer than one call.
        """
        ...

    def terminate(self) -> None:
        """Send it the signal with which its image wants to be stopped, SIGTERM by default."""
        ...

    def drain(self, seconds: float) -> None:
        """Wait until the output of an ended container is in the log, at most `seconds`."""
        ...

    def remove(self) -> None:
        """Kill it if it runs, and remove it; one that is gone is no error.

        Raises DockerUnavailable.
        """
        ...


class Containers(Protocol):
    """The containers of this agent's docker daemon."""

    def start(self, spec: ContainerSpec, *, on_exit: Callable[[], None]) -> Container:
        """Start a container; its output goes to the attempt's log.

        One of the same name that was left over is removed first. Where this raises, no container
        is left. `on_exit` is called, on another thread, when exit() has something to tell.
        Raises PreviewExposed, StartFailed (ImageMissing where that is why), AgentUnfit,
        DockerUnavailable.
        """
        ...


class Volume(NamedTuple):
    """A folder of a preview, at `path` in its containers; `identity` is never that of another."""

    path: str
    name: str
    identity: str


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
        """Return the volumes of a preview, made where they are not there yet.

        `app_created` as in BuildOrder. Raises StartFailed, AgentUnfit, DockerUnavailable.
        """
        ...

    def prepared(self, volumes: Sequence[Volume], hooks: Sequence[Sequence[str]]) -> bool:
        """Tell whether these hooks are known to have succeeded on these volumes."""
        ...

    def keep_prepared(self, volumes: Sequence[Volume], hooks: Sequence[Sequence[str]]) -> None:
        """Keep that they have."""
        ...


HTTP2 = "h2"
"""The protocol of an application that is spoken to over HTTP/2 (its name in ALPN, RFC 7301)."""


class Answer(NamedTuple):
    """What a question of the health check met.

    `connected` is False where nothing listens; a docker daemon's own proxy accepts connections
    when nothing listens behind it, and closes them at once: that is not connected. `status` is
    None where no HTTP answer came; `problem` then says in words what came. Where the kind of
    question decides by itself, `passed` says how. `protocol` is that in which a visitor has to be
    passed on, "" for HTTP/1.1.
    """

    connected: bool
    status: int | None = None
    problem: str = ""
    passed: bool | None = None
    protocol: str = ""


class Probe(Protocol):
    """Asks an application how it is."""

    def ask(self) -> Answer:
        """Ask once. Blocks for at most some seconds. Raises Stopped."""
        ...


class Reports(Protocol):
    """Tells Mesos how the attempt goes."""

    def progress(self, phase: Phase, message: str, *, detail: str = "", lasts: float = 0.0) -> None:
        """Report a phase before the application runs, that began `lasts` seconds ago."""
        ...

    def running(self, message: str, *, checked: float, protocol: str = "") -> None:
        """Report that the health check passed, `checked` seconds after it began.

        `protocol` is as in Answer.
        """
        ...

    def short_of_memory(self, kills: int) -> None:
        """Tell, while it runs, how many of its processes were killed for want of memory."""
        ...

    def shared(self, digest: str) -> None:
        """Tell what digest the image has in the registry."""
        ...


Looked = Literal["open", "builds_open", "builds_unlimited"]
"""What of an agent an attempt has looked at, as prevs.messages.Isolation has it."""

Found = Callable[[Looked, str], None]
"""Hears why something is so, "" where it is not."""


def tell_nobody(what: Looked, why: str) -> None:
    """Be a Found where nobody wants to know."""
    del what, why


class Log(Protocol):
    """The attempt's log: what the sandbox's stdout shows to people. Thread safe."""

    def write(self, data: bytes) -> None:
        """Append bytes of a build's or an application's output."""
        ...

    def header(self, text: str) -> None:
        """Append a line of our own that tells what follows."""
        ...

    def flush(self) -> None:
        """Append what is kept until it is known what follows: nothing does."""
        ...
