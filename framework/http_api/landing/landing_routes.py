"""/v1/apps/{app}/landing: what an app's landing page may show to its visitors."""

import time
from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import Query

from framework.access import Scope
from framework.apps import room_detail
from framework.errors import BeingFetched, RepositoryUnreachable
from framework.http_api.admission.operations import Routes, operation
from framework.http_api.http.paging import Paged
from framework.http_api.http.parameters import App
from framework.http_api.landing import landing_lists as lists
from framework.http_api.landing.landing_lists import Wanted
from framework.http_api.landing.landing_models import Kind, Landing, Trouble
from framework.http_api.routes.ref_routes import Search
from framework.http_api.streams.label_resolver import LabelResolver
from framework.ports import Listing
from framework.service.service_client import ServiceClient
from framework.state.snapshot import Snapshot
from prevs import names
from prevs.names import Addresses

OfKind = Annotated[
    Literal[""] | Kind,
    Query(description="Only these; `after` continues this list."),
]
_NOTHING = Listing((), None)


class LandingRoutes(Routes):
    """The call of proxies for landing pages. `now` is in seconds since the epoch."""

    tag = "use"

    def __init__(
        self,
        previews: ServiceClient,
        resolver: LabelResolver,
        addresses: Addresses,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._previews = previews
        self._resolver = resolver
        self._addresses = addresses
        self._now = now

    @operation("GET", "/v1/apps/{app}/landing", Scope.PROXY, refuses=(404,))
    async def show_landing(
        self,
        app: App,
        *,
        search: Search = "",
        kind: OfKind = "",
        paged: Paged,
    ) -> Landing:
        """Show what an app has and what runs of it, as far as its `room` shows that to visitors.

        Without `kind`, each list has its first entries, and the default branch is apart from the
        others.
        """
        snapshot = self._previews.snapshot
        commit_url = self._addresses.url("COMMIT", app)
        has_credential = snapshot.may_have_credential(app)
        if room_detail.find_shown(snapshot.app(app), has_credential=has_credential) == "status":
            return Landing(shows="status", commit_url=commit_url)
        listing, trouble = await self._list(app, snapshot)
        pulls = () if trouble == "other-repository" else snapshot.list_pulls(app)
        text = search.strip().casefold()
        found = lists.list_all(
            listing.refs,
            pulls,
            snapshot.rules(app),
            lists.know(app, snapshot, self._addresses),
            wanted=Wanted(text, kind, paged if kind else paged._replace(after="")),
        )
        is_commit = names.is_commit_prefix(text)
        return Landing(
            shows="full",
            commit_url=commit_url,
            found_url=self._addresses.url(text, app) if is_commit else None,
            as_of=None if listing.age is None else self._now() - listing.age,
            trouble=trouble,
            **found._asdict(),
        )

    async def _list(self, app: str, snapshot: Snapshot) -> tuple[Listing, Trouble]:
        """Return the branches and tags, and why they are old or missing."""
        if snapshot.find_other_repository(app):
            return _NOTHING, "other-repository"
        try:
            listing = await self._resolver.listing(app)
        except RepositoryUnreachable:
            return _NOTHING, "unreadable"
        except BeingFetched:
            return _NOTHING, "being-fetched"
        return listing, "old" if listing.problem else ""
