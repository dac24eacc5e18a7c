"""framework.ports.Repositories from a table."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from framework.apps.commit_files import CommitFiles
from framework.errors import UnknownLabel, UnknownPlace, UnknownRef
from framework.ports import Commit, CommitPage, Heads, Listing, Ref, RepositoryFile, Resolved
from framework.ports.repositories import NotAnAncestor
from prevs import names
from prevs.records import AppRecord
from tests.fakes.trees import Tree

T = TypeVar("T")

_INSPECTED = "5c80e7d2f1a64b0c9d3e8f7a6b5c4d3e2f1a0b9c"


class FakeRefs:
    """Resolves labels by the table `leads`, which may have errors to raise."""

    def __init__(self) -> None:
        self.leads: dict[tuple[str, str], Resolved | Exception] = {}
        self.listings: dict[str, Listing | Exception] = {}
        self.logs: dict[tuple[str, str], Sequence[Commit]] = {}
        self.common: dict[str, str] = {}
        self.forgotten: list[str] = []
        self.files: dict[tuple[str, str, str], RepositoryFile | Exception] = {}
        self.with_dockerfile = True
        self.repositories: dict[tuple[str, str], Mapping[str, str | None] | Exception] = {}
        self.same: set[tuple[str, str]] = set()
        self.reached: set[tuple[str, str]] = set()
        self.compared: list[tuple[str, str]] = []

    def put(self, app: str, label: str, sha: str, kind: str = "branch") -> None:
        """Make a label lead to a commit."""
        ref = None if kind == "commit" else label
        folders = {"branch": ("heads/" + label,), "tag": ("tags/" + label,)}
        refs = folders.get(kind, ())
        self.leads[app, label] = Resolved(sha, kind, ref, "Ada", "Say hello", 1000.0, refs=refs)

    def put_away(self, app: str, label: str, age: float | None) -> None:
        """Make the repository of a known label unreachable, for `age` seconds."""
        lead = self.leads[app, label]
        assert isinstance(lead, Resolved)
        self.leads[app, label] = lead._replace(age=age, problem="It cannot be read: it is away")

    def resolve(self, app: AppRecord, label: str, *, fresh: bool = False) -> Resolved:
        lead = self.leads.get((app.name, label))
        if lead is None:
            raise UnknownLabel(app.name, label, "there is no branch or tag of that name.")
        if isinstance(lead, Exception):
            raise lead
        return lead

    def heads(self, app: AppRecord) -> Heads:
        commits: dict[str, str | None] = {}
        refs: dict[str, tuple[str, ...]] = {}
        for (name, label), lead in list(self.leads.items()):
            if name == app.name and isinstance(lead, Resolved):
                refs[lead.sha] = (*refs.get(lead.sha, ()), *lead.refs)
                if lead.kind != "commit":
                    commits[label] = lead.sha
        return Heads(commits, refs)

    def listing(self, app: AppRecord) -> Listing:
        """Return the listing in `listings`, else the branches and tags in `leads`."""
        listing = self.listings.get(app.name)
        if isinstance(listing, Exception):
            raise listing
        leads = {
            label: lead
            for (name, label), lead in list(self.leads.items())
            if name == app.name and isinstance(lead, Resolved) and lead.ref
        }
        refs = [
            Ref(
                lead.ref or label,
                lead.kind,
                names.slug(label),
                lead.sha,
                lead.author,
                lead.subject,
                lead.committed,
            )
            for label, lead in leads.items()
        ]
        return listing or Listing(sorted(refs, key=lambda ref: (-ref.committed, ref.name)), 1.0)

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
        """Return commits of `logs`, else the one that the ref leads to; `next` is a number.

        They end before the one that `base` leads to; `common` has what to say if it is not there.
        """
        lead = self.resolve(app, ref or "main")
        own = Commit(lead.sha, lead.author, lead.subject, lead.committed)
        commits = self.logs.get((app.name, ref), [own])
        if base:
            older = self.resolve(app, base).sha
            shas = [commit.sha for commit in commits]
            if older not in shas:
                raise NotAnAncestor(
                    app.name, base, ref, self.common.get(ref), next_step="Begin elsewhere."
                )
            commits = commits[: shas.index(older)]
        if not (after or "0").isdecimal() or len(after) > 9:
            raise UnknownPlace
        begin = int(after or 0)
        end = begin + limit
        return CommitPage(commits[begin:end], str(end) if commits[end:] else None)

    def read_file(self, app: AppRecord, sha: str, path: str, *, most: int) -> RepositoryFile | None:
        """Return the file in `files`, which may be an error to raise."""
        found = self.files.get((app.name, sha, path))
        if isinstance(found, Exception):
            raise found
        return found

    def list_folder(self, app: AppRecord, sha: str, path: str) -> Mapping[str, str]:
        """Return what of `files` is in a folder, and the folders that these need.

        Each folder has a Dockerfile, unless `with_dockerfile` is turned off.
        """
        inside = f"{path}/" if path else ""
        found = {"Dockerfile": "file"} if self.with_dockerfile else {}
        for (name, commit, place), file in list(self.files.items()):
            if (name, commit) == (app.name, sha) and place.startswith(inside):
                if isinstance(file, Exception):
                    raise file
                own, _, below = place.removeprefix(inside).partition("/")
                found[own] = "folder" if below else file.kind
        return found

    def inspect(self, app: AppRecord, ref: str, work: Callable[[str, CommitFiles], T]) -> T:
        """Return what `work` makes of a tree of `repositories`, by address and ref."""
        found = self.repositories.get((app.repository, ref))
        if found is None:
            raise UnknownRef(ref, "there is no branch or tag of that name.")
        if isinstance(found, Exception):
            raise found
        return work(_INSPECTED, Tree(found, app.folder))

    def is_same(
        self,
        app: AppRecord,
        older: str,
        newer: str,
        watch: Sequence[str],
        *,
        reached: bool = False,
    ) -> bool:
        """Return what `same` has; each question is in `compared`."""
        self.compared.append((older, newer))
        return (older, newer) in (self.same if not reached else self.same & self.reached)

    def forget(self, app: str) -> None:
        self.forgotten.append(app)
