"""What the framework needs from a forge to say something there."""

import enum
from typing import NamedTuple, Protocol


class Light(enum.Enum):
    """How a commit status or a deployment shows at the forge."""

    SUCCESS = "success"
    PENDING = "pending"
    FAILURE = "failure"
    INACTIVE = "inactive"  # of a deployment alone: it is over


class Abilities(NamedTuple):
    """What can be said at a kind of forge, beside comments and commit statuses."""

    edits_comments: bool = True
    has_deployments: bool = False


class Status(NamedTuple):
    """A commit status: `context` is its name, `text` has at most 140 characters."""

    sha: str
    light: Light
    context: str
    text: str
    url: str


class Deployment(NamedTuple):
    """The deployment of a commit of a pull request into an environment."""

    number: int
    sha: str
    environment: str


class Deployments(Protocol):
    """The deployments of a repository. Thread safe; calls block, and raise as TellingForge does."""

    def find(self, deployment: Deployment) -> str:
        """Return the id of the newest one that was made of this, "" for none."""
        ...

    def add(self, deployment: Deployment) -> str:
        """Make one; return its id."""
        ...

    def set(self, deployment: str, status: Status) -> None:
        """Say how a deployment is. One that the forge does not know any more is no error."""
        ...


class TellingForge(Protocol):
    """A repository at its forge, to say something in its pull requests. Thread safe; calls block.

    Each call raises as those of framework.ports.Forge do. ForgeRefused with one of the statuses
    400, 409, 410, 413 and 422 means that the forge does not take this, now or later.
    """

    @property
    def deployments(self) -> Deployments | None:
        """The repository's deployments; None if its forge has none."""
        ...

    def find_comment(self, number: int, marker: str) -> str:
        """Return the id of the oldest comment that begins with a marker, "" for none."""
        ...

    def add_comment(self, number: int, text: str) -> str:
        """Add a comment; return its id."""
        ...

    def edit_comment(self, number: int, comment: str, text: str) -> bool:
        """Give a comment of ours another text; return whether it is still there."""
        ...

    def set_status(self, number: int, status: Status) -> None:
        """Set a status of a commit, which is the head of a pull request."""
        ...
