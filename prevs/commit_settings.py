"""The settings in a commit's `.prevs.toml`: how it is built, run and checked.

The framework reads them, stores them with the preview and sends them in the order to the executor.
"""

import dataclasses
import enum
from collections.abc import Mapping
from typing import Optional

from prevs.companions import Companion
from prevs.containers import BuildSettings, ContainerSettings, Keep

FILE = ".prevs.toml"
"""The name of the file, in the app's folder."""


class HealthKind(enum.Enum):
    """How the executor checks whether an application is ready.

    By a page over HTTP, by gRPC's health service, or by a TCP connection. With GUESSED the executor
    finds out whether to use HTTP or gRPC.
    """

    GUESSED = ""
    HTTP = "http"
    GRPC = "grpc"
    TCP = "tcp"


class FillingPart(enum.Enum):
    """What of a container a text is for."""

    ENVIRONMENT = "environment"
    COMMAND = "command"
    ENTRYPOINT = "entrypoint"
    READY = "ready"


@dataclasses.dataclass(frozen=True)
class Filling:
    """A text of a compose file in which variables of the app may stand.

    The settings have it without them; those that the commit gets replace it when a container
    starts. `values` are those that the commit itself has for the variables in it.
    """

    container: str = ""
    """The companion that it is for; "" for the application."""
    part: FillingPart = FillingPart.ENVIRONMENT
    key: str = ""
    """The variable, or the number of the word; "" if the text is all words of a command."""
    text: str = ""
    values: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class RunSettings:
    """How the container runs and is checked.

    Without a `command` the image's command runs. `volumes` are absolute paths in the container;
    their content lives as `keep` says. `hooks` are argument vectors that run once, in
    order, before the first request. `statuses` are those that pass the health check; none means any
    2xx or 3xx. `check_timeout` limits a check in seconds, 0 means the executor's own limit.
    `health_kind` is how it checks. `companions` are in the order in which they start. With `stay`
    the preview waits for the agent that has its volumes before it starts elsewhere.
    """

    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    read_only: bool = False
    volumes: tuple[str, ...] = ()
    hooks: tuple[tuple[str, ...], ...] = ()
    statuses: tuple[int, ...] = ()
    check_timeout: float = 0.0
    health_kind: HealthKind = HealthKind.GUESSED
    companions: tuple[Companion, ...] = ()
    stay: bool = False
    image: str = ""
    """The image that is pulled for the application; "" if it is built of the commit."""
    service: str = ""
    """The name that leads to the application from its companions, beside `app`."""
    apart: bool = False
    """Whether each container has an address of its own, as in compose; else all share one."""
    container: ContainerSettings = dataclasses.field(default_factory=ContainerSettings)
    health_host: str = ""
    """The Host of the health check; "" for that of the preview's address."""
    keep: Keep = Keep.COMMIT
    """Whose the application's own volumes are."""
    release: tuple[tuple[str, ...], ...] = ()
    """Hooks that run after `hooks`, once for each commit on its data."""
    seed_hooks: tuple[tuple[str, ...], ...] = ()
    """Hooks that run after those, once for new data that are no copy."""
    seed: str = ""
    """The branch whose data those of a new branch begin with; "" if they begin empty."""
    fillings: tuple[Filling, ...] = ()
    """Texts in which the app's variables may stand."""

    @property
    def has_hooks(self) -> bool:
        """Whether anything runs before the application."""
        return bool(self.hooks or self.release or self.seed_hooks)

    @property
    def services(self) -> tuple[Companion, ...]:
        """The companions that visitors reach: those with a port that do not run to their end."""
        return tuple(one for one in self.companions if one.port and not one.once)

    @property
    def has_volumes(self) -> bool:
        """Whether anything in the containers outlives them."""
        return any(self.has_kept(keep) for keep in Keep)

    @property
    def shared_by_branch(self) -> frozenset[str]:
        """The shared volumes that are of the branch: one of their containers says so."""
        return frozenset(
            name
            for keep, _, container in self._containers
            if keep is Keep.BRANCH
            for name in container.shared.values()
        )

    def has_kept(self, keep: Keep) -> bool:
        """Return whether a container has a volume that belongs to the commit, or to its branch."""
        shared = {name for _, _, one in self._containers for name in one.shared.values()}
        of_branch = self.shared_by_branch
        wanted = of_branch if keep is Keep.BRANCH else shared - of_branch
        return bool(wanted) or any(own is keep and paths for own, paths, _ in self._containers)

    @property
    def _containers(self) -> tuple[tuple[Keep, tuple[str, ...], ContainerSettings], ...]:
        others = ((one.keep, one.volumes, one.container) for one in self.companions)
        return ((self.keep, self.volumes, self.container), *others)


@dataclasses.dataclass(frozen=True)
class CommitSettings:
    """All settings of a commit; None means the app's setting.

    `start_limit` is how many seconds it may take until the check passes, `cpus` a share, `mem` a
    limit in MB.
    """

    port: Optional[int] = None
    health: Optional[str] = None
    start_limit: Optional[float] = None
    cpus: Optional[float] = None
    mem: Optional[int] = None
    build: BuildSettings = dataclasses.field(default_factory=BuildSettings)
    run: RunSettings = dataclasses.field(default_factory=RunSettings)
    source: str = ""
    """What describes it, for people, as compose.yaml; "" for the Dockerfile of the app's folder."""
    watch: tuple[str, ...] = ()
    """Patterns of what of the repository it is made of, from the root on, as git's :(glob) has
    them; () for everything. Commits that differ in nothing of it are the same for the app."""
