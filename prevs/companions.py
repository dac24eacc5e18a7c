"""The companions in a commit's `.prevs.toml`: containers beside the application, as a database."""

import dataclasses
from collections.abc import Mapping
from typing import Optional

from prevs.containers import BuildSettings, ContainerSettings, Keep

APPLICATION = "app"
"""The name of the application among its companions: no companion has it."""


@dataclasses.dataclass(frozen=True)
class Companion:
    """A container that starts before the application, and ends with it.

    `image` is pulled; without one, the image is the commit's own, built to the stage `target` if
    there is one. Without a `command` the image's command runs. `environment` is for it alone.
    `volumes` are absolute paths in the container; their content lives as `keep` says. It is
    ready once `ready`, an argument vector, exits with 0 in the container, or once something listens
    on `listens_on`; with neither, once it runs. It starts when those of `after` are ready. `cpus`
    is a share, `mem` a limit in MB.
    """

    name: str
    image: str = ""
    target: str = ""
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    volumes: tuple[str, ...] = ()
    ready: tuple[str, ...] = ()
    ready_port: int = 0
    after: tuple[str, ...] = ()
    cpus: float = 0.1
    mem: int = 128
    build: Optional[BuildSettings] = None
    """How its own image is built; None if it has the application's, or one that is pulled."""
    once: bool = False
    """Whether it runs to its end: those after it start once it has exited with 0."""
    ready_every: float = 0.0
    """Seconds between two runs of `ready`; 0 for what prevs takes."""
    ready_limit: float = 0.0
    """Seconds that it may take to be ready; 0 for as long as the application has."""
    port: int = 0
    """The port at which visitors reach it, at an address of its own; 0 if they do not."""
    container: ContainerSettings = dataclasses.field(default_factory=ContainerSettings)
    keep: Keep = Keep.BRANCH
    """Whose its volumes are."""
    read_only: bool = False
    """Whether it may write to its volumes and its folders in memory alone."""

    @property
    def listens_on(self) -> int:
        """The port at which something listens once it is ready; 0 if nothing has to."""
        return self.ready_port or self.port
