"""What the framework needs from the repositories of apps."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeVar

from framework.apps.commit_files import CommitFiles, RepositoryFile
from framework.errors import Conflict
from prevs import names
from prevs.records import AppRecord

_T = TypeVar("_T")


class Resolved(NamedTuple):
    """What a label leads to. `kind` is branch, tag, pull or commit; `ref` the name of that ref.

    `committed` is in seconds since the epoch. If the repository cannot be read now, `problem` is
    the reason, and the label led there `age` seconds ago; `age` is None if unknown. `refs` are all
    branches and tags that lead to the commit (heads/main, tags/v1), whatever the label is; if
    none reaches it, the one pull request that does (pull/7). `instance` is the label, if that is of
    an instance of a variant; the preview has an `id` of its own then. `same` is the commit of the
    preview that serves this one too, as nothing that counts differs; "" if it has its own.
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
    instance: str = ""
    same: str = ""

    @property
    def id(self) -> str:
        """That of the preview: its commit's, if it is no instance."""
        if self.instance:
            return names.instance_id(self.sha, self.instance)
        return self.same or self.sha


class Heads(NamedTuple):
    """The commits of all labels of branches, tags and open pull requests, after one fetch.

    A label has None if it leads to several commits, or to one that waits for an approval. `refs`
    are those of each commit, as in Resolved. `default` is the label of the default branch, "" if
    that cannot be told. `same` has the commits of previews, by label, that serve the label's commit
    too, as nothing that counts differs.
    """

    commits: Mapping[str, str | None]
    refs: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    default: str = ""
    same: Mapping[str, str] = MappingProxyType({})


class Ref(NamedTuple):
    """A branch or tag, and its commit. `kind` is branch or tag.

    `label` addresses it, unless it is `ambiguous`: then the label could mean other commits too,
    and only the commit's id leads to this one. `committed` is in seconds since the epoch.
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

    They were fetched `age` seconds ago; None if unknown. `problem` is why a later fetch failed; ""
    if there was none, or if one still runs.
    """

    refs: Sequence[Ref]
    age: float | None
    problem: str = ""


class Commit(NamedTuple):
    """The data of a commit. `committed` is in seconds since the epoch.

    Long texts are cut. They may contain any characters except line breaks. `parents` are the ids of
    the commits before it: one, more for a merge, none for the first.
    """

    sha: str
    author: str
    subject: str
    committed: float
    parents: tuple[str, ...] = ()


class CommitPage(NamedTuple):
    """Some commits, the newest first. `next` is where the next page begins, None at the end."""

    commits: Sequence[Commit]
    next: str | None


class NotAnAncestor(Conflict):
    """A list of commits was to begin after one that does not come before the others.

    `base` and `ref` are as they were asked for, `common` is the last commit that both reach, None
    if there is none. `next_step` is a sentence.
    """

    def __init__(
        self, app: str, base: str, ref: str, common: str | None, *, next_step: str
    ) -> None:
        super().__init__(
            f"{base!r} of {app!r} is no ancestor of {ref!r}, so no commits lead from the one to "
            f"the other. {next_step}"
        )
        self.app, self.base, self.ref, self.common = app, base, ref, common


class Repositories(Protocol):
    """The branches, tags and pull requests of the apps' repositories, from a bare mirror of each.

    Thread safe. Every call may run git and block: `resolve`, `heads`, `read_file` and `list_folder`
    until the repository answers, the others for some seconds.
    """

    def resolve(self, app: AppRecord, label: str, *, fresh: bool = False) -> Resolved:
        """Return what a label leads to, or last led to if the repository cannot be read now.

        The refs of a commit's id may be those of an earlier fetch; with `fresh`, only if the
        repository does not answer soon. Raises UnknownLabel, AmbiguousLabel, NotApproved,
        RepositoryUnreachable.
        """
        ...

    def heads(self, app: AppRecord) -> Heads:
        """Fetch, then return the commit of every label. Raises RepositoryUnreachable."""
        ...

    def listing(self, app: AppRecord) -> Listing:
        """Return the branches and tags, if possible fetched within the refs interval.

        If a fetch takes long, the caller gets the last known ones, and the fetch continues.
        Raises RepositoryUnreachable and BeingFetched if none are known yet.
        """
        ...

    def commits(
        self,
        app: AppRecord,
        ref: str,
        *,
        limit: int,
        after: str = "",
        base: str = "",
        first_parent: bool = False,
    ) -> CommitPage:
        """Return at most `limit` commits that a branch, a tag, a label or a commit's id reaches.

        Without `ref`, these are the commits of the main branch, or else of the branch with the
        newest commit. What `base`, an ancestor of `ref`, reaches is left out; with `first_parent`,
        so is what came with a merge. `after` is the `next` of the page before, which says all of
        this; all pages belong to the commits at which the first one began and ends. Raises
        UnknownLabel, AmbiguousLabel, NotAnAncestor, UnknownPlace, and as `listing`.
        """
        ...

    def read_file(self, app: AppRecord, sha: str, path: str, *, most: int) -> RepositoryFile | None:
        """Return what a commit has at `path`, from the repository's root; None for nothing.

        Only a file of at most `most` bytes comes with its data. The repository is fetched only if
        the commit is not there yet. Raises UnknownLabel, RepositoryUnreachable.
        """
        ...

    def list_folder(self, app: AppRecord, sha: str, path: str) -> Mapping[str, str]:
        """Return the kinds of the entries of a commit's folder, as in RepositoryFile, by name.

        The root's path is "". There is nothing in what is no folder. Raises as `read_file`.
        """
        ...

    def inspect(self, app: AppRecord, ref: str, work: Callable[[str, CommitFiles], _T]) -> _T:
        """Return what `work` makes of the id and the files of a commit of any repository.

        `app` is what it could be registered as. Only this commit is fetched, without a credential,
        within a minute and a size, and is gone after it. `ref` is a branch, a tag or a whole commit
        id, "" for the default branch. Raises UnknownRef, RepositoryUnreachable.
        """
        ...

    def is_same(
        self,
        app: AppRecord,
        older: str,
        newer: str,
        watch: Sequence[str],
        *,
        reached: bool = False,
    ) -> bool:
        """Return whether two commits differ in nothing that `watch` matches (CommitSettings.watch).

        With `reached`, `newer` also has to reach `older`, so that `older` can still be fetched.
        False if that cannot be told soon. Fetches nothing; both were found before. Never raises.
        """
        ...

    def forget(self, app: str) -> None:
        """Remove the mirror of an app, if there is one."""
        ...
