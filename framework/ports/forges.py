"""What the framework needs from a forge: a host of repositories with pull requests."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from framework.ports.hooks import EnteredHook
from prevs.pulls import RepositoryRecord
from prevs.records import AppRecord


class Pull(NamedTuple):
    """A pull request (merge request) as its forge describes it.

    `sha` is the head's commit, and `ref` the ref of the base repository that leads to it, without
    "refs/" (pull/7/head). `base` is the branch that it is to be merged into. `is_fork` is True
    unless the forge says that head and base are one repository. `author` is who opened it.
    `updated` is in seconds since the epoch, `url` its page for people. `repository` is the forge's
    own id of the base repository. `branch` is that of the head, in its own repository.
    """

    number: int
    sha: str
    ref: str
    base: str
    is_fork: bool
    author: str
    title: str
    updated: float
    url: str
    repository: str
    is_open: bool = True
    is_draft: bool = False
    branch: str = ""


class Pulls(NamedTuple):
    """All open pull requests of a repository, and the mark (an ETag) of this answer, "" for none.

    `unchanged` means that nothing has changed since the mark that was sent; `pulls` is empty then.
    """

    pulls: Sequence[Pull]
    mark: str = ""
    unchanged: bool = False


class Comment(NamedTuple):
    """A comment of a pull request: `text` as its author wrote it."""

    id: str
    author: str
    text: str
    created: float


class Forge(Protocol):
    """A repository at its forge, with the app's credential. Thread safe; each call blocks.

    Each call raises an error of framework.ports.forge_errors: ForgeUnreachable (no usable answer),
    ForgeRefused (the credential is not accepted, or may not do this) or ForgeBusy (a rate limit,
    with the seconds to wait).
    """

    def find_repository(self) -> str:
        """Return the forge's own id of the repository, which no name and no transfer changes."""
        ...

    def open_pulls(self, mark: str = "") -> Pulls:
        """Return all open pull requests: a whole list, or an error."""
        ...

    def pull(self, number: int) -> Pull | None:
        """Return one pull request, open or not; None if there is none."""
        ...

    def head_owner(self, number: int) -> str:
        """Return who owns the repository of a pull request's head, and so may push to it.

        "" if that repository is gone, if the token may not see whose it is, or if it is a group's.
        """
        ...

    def comments(self, number: int, since: float) -> Sequence[Comment]:
        """Return the comments of a pull request that were made or changed after `since`."""
        ...

    def may_write(self, user: str) -> bool:
        """Return whether a user may write to the repository."""
        ...


class Finding(NamedTuple):
    """What a check of an app's forge found about one part; `ok` is None if it was not tried.

    `detail` is a sentence. `advice` is the next step, "" if there is nothing to do.
    """

    part: str
    ok: bool | None
    detail: str
    advice: str = ""


class Webhook(NamedTuple):
    """An app's webhook: its address, and the secret that its forge has, or should have.

    `hooked` is how many seconds ago an authentic one came, None if none came since this framework
    leads. Without a secret none is accepted.
    """

    url: str
    secret: str = ""
    hooked: float | None = None

    def __repr__(self) -> str:
        return f"Webhook({self.url!r})"


class ForgePorts(NamedTuple):
    """What sets up the way to an app's forge. The first two take the app and its token, and block.

    `check` finds out what works; it also takes which repository the app has had so far, None if
    none was seen. `enter_hook` gives the forge the webhook. `takes_secret` returns whether the
    forge takes a webhook's secret from us. None raises.
    """

    check: Callable[[AppRecord, str, Webhook, RepositoryRecord | None], Sequence[Finding]]
    enter_hook: Callable[[AppRecord, str, Webhook], EnteredHook]
    takes_secret: Callable[[AppRecord], bool]
