"""/v1/apps/{app}/refs and …/commits: branches, tags and commits, each with its address."""

import time
from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import Query

from framework.access import Scope
from framework.http_api.admission.operations import Reach, Routes, operation
from framework.http_api.http.paging import Paged
from framework.http_api.http.parameters import App
from framework.http_api.models import ref_models as models
from framework.http_api.streams.label_resolver import LabelResolver
from framework.ports import Commit, Ref
from prevs.names import Addresses

Search = Annotated[
    str,
    Query(
        max_length=200,
        description="A part of a name, a label, an author or a subject, in any case; or the "
        "beginning of a commit's id.",
    ),
]
RefName = Annotated[
    str,
    Query(
        max_length=1000,
        description="A branch's or tag's name, a label, or a commit's id. Without it, the main "
        "branch: main, master, trunk, or else the one with the newest commit.",
    ),
]
Base = Annotated[
    str,
    Query(
        alias="from",
        max_length=1000,
        description="An ancestor of `ref`, named as that: the list has only the commits after it.",
    ),
]
FirstParent = Annotated[
    bool,
    Query(description="Only one commit of each merge into the branch: the merge itself."),
]


class RefRoutes(Routes):
    """The calls about repositories; each waits for git beside the event loop."""

    tag = "repositories"

    def __init__(
        self, resolver: LabelResolver, addresses: Addresses, now: Callable[[], float] = time.time
    ) -> None:
        self._resolver = resolver
        self._addresses = addresses
        self._now = now

    @operation("GET", "/v1/apps/{app}/refs", Scope.READ, Reach.ITS_PATH, refuses=(404, 502))
    async def list_refs(
        self,
        app: App,
        *,
        kind: Annotated[
            Literal["", "branch", "tag"], Query(description="Only branches, or only tags.")
        ] = "",
        search: Search = "",
        paged: Paged,
    ) -> models.Refs:
        """List an app's branches and tags, the newest commit first.

        If the repository cannot be fetched within seconds, the answer is the last known list.
        """
        listing = await self._resolver.listing(app)
        found = (
            ref
            for ref in listing.refs
            if kind in ("", ref.kind) and matches(ref, search.casefold())
        )
        page = paged.cut(found, lambda ref: (-ref.committed, ref.kind, ref.name, ref.label))
        return models.Refs(
            refs=[self._show_ref(app, ref) for ref in page.entries],
            next=page.next,
            as_of=None if listing.age is None else self._now() - listing.age,
            problem=listing.problem,
        )

    @operation("GET", "/v1/apps/{app}/commits", Scope.READ, Reach.ITS_PATH, refuses=(404, 409, 502))
    async def list_commits(
        self,
        app: App,
        *,
        ref: RefName = "",
        base: Base = "",
        first_parent: FirstParent = False,
        paged: Paged,
    ) -> models.Commits:
        """List the commits that a branch or tag reaches, the newest first.

        Later pages belong to the commits that the first one did, wherever the branch is by then.
        """
        page = await self._resolver.commits(
            app, ref, limit=paged.limit, after=paged.after, base=base, first_parent=first_parent
        )
        return models.Commits(
            commits=[self._show_commit(app, commit) for commit in page.commits], next=page.next
        )

    def _show_ref(self, app: str, ref: Ref) -> models.Ref:
        url = None if ref.ambiguous else self._addresses.url(ref.label, app)
        return models.Ref.model_validate({**ref._asdict(), "url": url})

    def _show_commit(self, app: str, commit: Commit) -> models.Commit:
        url = self._addresses.url(commit.sha, app)
        return models.Commit.model_validate({**commit._asdict(), "url": url})


def matches(ref: Ref, search: str) -> bool:
    """Return whether a casefolded search finds a branch or tag."""
    texts = (ref.name, ref.label, ref.author, ref.subject)
    return ref.sha.startswith(search) or any(search in text.casefold() for text in texts)
