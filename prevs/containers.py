"""What a commit says of one container, its application's or a companion's, beside its command.

Most of it comes from a compose file, whose terms are in the Compose Specification ("Services top-
level element"). It limits or describes the container, and gives it no right that others lack.
"""

import dataclasses
import enum
from collections.abc import Mapping
from typing import Optional


class Keep(enum.Enum):
    """Whose the content of volumes is: of the commit, or of its branch and thus of the next commit.

    A preview that is of no branch has its own content, whatever its commit says.
    """

    COMMIT = "commit"
    BRANCH = "branch"


@dataclasses.dataclass(frozen=True)
class BuildSettings:
    """How an image is built. Paths are relative to the app's folder, and stay in the repository.

    Without a `target` the last stage of the Dockerfile is built.
    """

    dockerfile: str = "Dockerfile"
    context: str = "."
    target: str = ""
    args: Mapping[str, str] = dataclasses.field(default_factory=dict)
    text: str = ""
    """The Dockerfile itself, which prevs wrote by a recipe; "" if the commit has it."""
    recipe: str = ""
    """The name of that recipe, for people; "" without one."""


@dataclasses.dataclass(frozen=True)
class MountedFile:
    """A file or a folder that a container finds at `path`, from one of three sources."""

    path: str
    source: str = ""
    """Where it is in the commit, from the app's folder on; "" if it is of another source."""
    text: str = ""
    """Its text, without a `source` and a `secret`."""
    secret: str = ""
    """The name of the app's variable or secret that is its text."""
    read_only: bool = False
    """Whether the container may not write to it; else it is a copy of the container's own."""


@dataclasses.dataclass(frozen=True)
class ContainerSettings:
    """What a container has of its own; without a value it is as the image says."""

    entrypoint: Optional[tuple[str, ...]] = None
    """The program in front of the command; () for none, None for the image's."""
    user: str = ""
    folder: str = ""
    """Where its command starts, an absolute path."""
    names: tuple[str, ...] = ()
    """More names that lead to it from the other containers, beside its own."""
    tmpfs: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Folders in memory, each with its MB; 0 for as much as its memory limit allows."""
    shared_memory: int = 0
    """MB of /dev/shm; 0 for what each container has."""
    stop_signal: str = ""
    stop_grace: Optional[float] = None
    """Seconds from the stop signal to its end; None for what each container has."""
    files: tuple[MountedFile, ...] = ()
    shared: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Volumes that several containers of a preview have: the path here, and the volume's name."""
