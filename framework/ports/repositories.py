"""What is asked of the repositories of apps."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from prevs.records import AppRecord


class Resolved(NamedTuple):
    """What a label leads to. `kind` is branch, tag or commit; `ref` the branch's or tag's name.

    `committed` is in seconds since the epoch. Where the repository cannot be read now, `problem`
    says why, and it is what the label led to `age` seconds ago, None where that is not known.
    `refs` are the branches and tags that lead to the commit itself (heads/main, tags/v1), whatever
    the label is.
    """

    sha: str
    kind: str
    ref: str | None
    author: str
    subject: str
    committed: float
    age: float | None = None
    problem: str = ""
    refs: tuple[str, ...] = ()


class Ref(NamedTuple):
    """A branch or tag, and the commit it leads to. `kind` is branch or tag.

    `label` addresses it, unless `ambiguous`: then the label could mean other commits too, and only
    the commit's id leads to this one. `committed` is in seconds since the epoch.
    """

    name: str
    kind: str
    label: str
    sha: str
    author: str
    subject: str
    committed: float
    ambiguous: bool = False


class Listing(NamedTuple):
    """The branches and tags of a repository, the newest commit first.

    They were fetched `age` seconds ago, None where that is not known; `problem` says why they could
    not be fetched again since, "" where they need not be, or where that still goes on.
    """

    refs: Sequence[Ref]
    age: float | None
    problem: str = ""


class Commit(NamedTuple):
    """What a commit says of itself. `committed` is in seconds since the epoch.

    Texts are cut where they are long, and may have anything in them but line breaks.
    """

    sha: str
    author: str
    subject: str
    committed: float


class CommitPage(NamedTuple):
    """Some commits, the newest first. `next` is where to go on, None at the end."""

    commits: Sequence[Commit]
    next: str | None


class RepositoryFile(NamedTuple):
    """What is at a path of a commit. `kind` is file, link, folder or submodule."""

    kind: str
    size: int
    data: bytes = b""


class Refs(Protocol):
    """The branches and tags of the apps' repositories, from a bare mirror of each.

    Thread safe. Every call may run git and block: `resolve`, `heads` and `read_file` for as long
    as the repository takes, the others for some seconds.
    """

    def resolve(self, app: AppRecord, label: str, *, fresh: bool = False) -> Resolved:
        """Return what a label leads to, or led to where the repository cannot be read now.

        The refs of a commit's id may be those of an earlier fetch; with `fresh` only where the
        repository does not answer soon. Raises UnknownLabel, AmbiguousLabel,
        RepositoryUnreachable.
        """
        ...

    def leading(self, app: AppRecord) -> Mapping[str, tuple[str, ...]]:
        """Return the branches and tags that lead to each commit, as they were fetched last.

        Raises RepositoryUnreachable.
        """
        ...

    def heads(self, app: AppRecord) -> Mapping[str, str | None]:
        """Fetch, and return the commit of every label that is a branch's or tag's slug.

        A label that leads to several commits has None. Raises RepositoryUnreachable.
        """
        ...

    def listing(self, app: AppRecord) -> Listing:
        """Return the branches and tags, fetched within the refs interval where that can be.

        A fetch that takes longer goes on beside the caller, who gets the last known ones. Raises
        RepositoryUnreachable and BeingFetched where there are none yet.
        """
        ...

    def commits(self, app: AppRecord, ref: str, *, limit: int, after: str = "") -> CommitPage:
        """Return at most `limit` commits that a branch, a tag, a label or a commit's id reaches.

        Without `ref` it is the main branch, or else the one with the newest commit.
        `after` is the `next` of the page before. They stay those of the commit that the first page
        began with. Raises UnknownLabel, AmbiguousLabel, UnknownPlace, and what `listing` does.
        """
        ...

    def read_file(self, app: AppRecord, sha: str, path: str, *, most: int) -> RepositoryFile | None:
        """Return what is at `path`, from the repository's root, of a commit; None for nothing.

        What is no file, or has more than `most` bytes, comes without its data. The repository is
        fetched only where the commit is not there yet. Raises UnknownLabel, RepositoryUnreachable.
        """
        ...

    def forget(self, app: str) -> None:
        """Remove the mirror of an app, if there is one."""
        ...
