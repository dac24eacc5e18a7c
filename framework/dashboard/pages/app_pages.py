"""An app: its branches, tags, commits, previews and pull requests."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from framework.access import Scope
from framework.dashboard.pages import rows
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.pages.rows import Known, Row
from framework.dashboard.pages.timeouts import within
from framework.dashboard.session.page_access import Action, Form, send_back
from framework.dashboard.session.sessions import Viewer
from framework.errors import FrameworkError
from framework.git.resolution import find_main
from framework.http_api.models import pull_models
from framework.http_api.stacks import stack_rights
from framework.ports import Listing
from prevs.records import AppRecord

SHOWS = ("branches", "tags", "commits", "previews")
_KINDS = {"branches": "branch", "tags": "tag"}


class Table(NamedTuple):
    """One page of a list: some lines, and where the next page begins.

    `problem` is why there are none.
    """

    rows: Sequence[Row] = ()
    next: str = ""
    problem: str = ""


class AppPages:
    """The page of an app, and the action that starts a preview there."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        access = self._context.access
        start = access.protected_action(Action("start preview", Scope.USE), self._start)
        approve = access.protected_action(Action("approve commit", Scope.ADMIN), self._approve)
        pulls = access.protected_page(self._show_pulls)
        return [
            Route("/apps/{app}", access.protected_page(self._show), methods=["GET"]),
            Route("/apps/{app}/start", start, methods=["POST"]),
            Route("/apps/{app}/pulls", pulls, methods=["GET"]),
            Route("/apps/{app}/pulls/{number:int}/approve", approve, methods=["POST"]),
        ]

    async def _show(self, request: Request, viewer: Viewer) -> Response:
        app = self._context.previews.snapshot.app(request.path_params["app"])
        query = request.query_params
        shown = query.get("show", "")
        shown = shown if shown in SHOWS else SHOWS[0]
        listing, problem = await self._list(app)
        known = self._know(app)
        main = find_main(listing.refs) if listing else None
        ref = query.get("ref") or (main.name if main else "")
        if shown == "previews":
            table = _list_previews(query, known)
        elif shown == "commits":
            table = await self._list_commits(app, ref, query.get("after", ""), known)
        else:
            table = _list_refs(listing, shown, query, known)
        return self._context.pages.show(
            request,
            viewer,
            "app",
            app=app,
            access=self._context.previews.snapshot.access_of(app.name),
            counts=rows.count(known.previews.values()),
            shown=shown,
            table=table,
            problem=problem or table.problem,
            age=listing.age if listing else None,
            totals=_count(listing, len(known.previews)),
            branches=[one.name for one in listing.refs if one.kind == "branch"] if listing else [],
            ref=ref,
            search=query.get("search", ""),
            is_first=not query.get("after"),
            pulls=self._count_pulls(app.name),
            stacks=[
                one.name
                for one in self._context.previews.snapshot.stacks.values()
                if app.name in one.apps and stack_rights.sees(viewer.identity, one)
            ],
        )

    def _count_pulls(self, app: str) -> int | None:
        """Return how many pull requests are open, None if the app follows none."""
        snapshot = self._context.previews.snapshot
        is_off = snapshot.rules(app).pulls == "off"
        return None if is_off else len(snapshot.list_pulls(app))

    async def _show_pulls(self, request: Request, viewer: Viewer) -> Response:
        snapshot, app = self._context.previews.snapshot, request.path_params["app"]
        page, following = rows.cut(snapshot.list_pulls(app), request.query_params)
        return self._context.pages.show(
            request,
            viewer,
            "pulls",
            app=app,
            pulls=[pull_models.show(one, snapshot, self._context.addresses) for one in page],
            next=following,
            look=snapshot.find_look(app),
        )

    async def _approve(self, request: Request, viewer: Viewer, form: Form) -> Response:
        app, number = request.path_params["app"], request.path_params["number"]
        commit, by = form.get("commit", ""), viewer.identity.name
        await anyio.to_thread.run_sync(
            self._context.previews.command,
            lambda commands: commands.approve(app, number, commit, by=by),
        )
        return send_back(form, "approve", f"/apps/{app}/pulls")

    async def _start(self, request: Request, _: Viewer, form: Form) -> Response:
        name = request.path_params["app"]
        label = form.get("label", "")
        app = self._context.previews.snapshot.app(name)
        resolving = self._context.resolver.resolve(name, label, to_start=True)
        resolved, label = await within(resolving, _repository(app))
        request.state.target = f"{name}/{resolved.id}"
        await anyio.to_thread.run_sync(self._context.previews.start_resolved, name, label, resolved)
        did = "start-known" if resolved.problem else "start"
        return send_back(form, did, f"/apps/{name}/previews/{resolved.id}")

    async def _list(self, app: AppRecord) -> tuple[Listing | None, str]:
        """Return the branches and tags, and why they are not the app's, old or missing, else ""."""
        other = self._context.previews.snapshot.find_other_repository(app.name)
        try:
            listing = await within(self._context.resolver.listing(app.name), _repository(app))
        except FrameworkError as error:
            return None, other or str(error)
        return listing, other or listing.problem

    async def _list_commits(self, app: AppRecord, ref: str, after: str, known: Known) -> Table:
        if not ref:
            return Table()
        commits = self._context.resolver.commits(app.name, ref, limit=rows.PAGE_SIZE, after=after)
        try:
            page = await within(commits, _repository(app))
        except FrameworkError as error:
            return Table(problem=str(error))
        return Table(rows.of_commits(page.commits, known), next=page.next or "")

    def _know(self, app: AppRecord) -> Known:
        previews = self._context.previews.snapshot.list_previews()
        of_app = {one.sha: one for one in previews if one.app == app.name}
        addresses = self._context.addresses
        return Known(
            of_app,
            self._context.presenter.show,
            lambda label: addresses.url(label, app.name),
            {sha: one for one in of_app.values() for sha in one.same},
        )


def _list_refs(
    listing: Listing | None, shown: str, query: Mapping[str, str], known: Known
) -> Table:
    """Return a page of the branches or tags that match the search."""
    if listing is None:
        return Table()
    found = rows.search(listing.refs, _KINDS[shown], query.get("search", ""))
    page, following = rows.cut(found, query)
    return Table(rows.of_refs(page, known), following)


def _list_previews(query: Mapping[str, str], known: Known) -> Table:
    """Return a page of the previews, the last changed first."""
    newest = sorted(known.previews.values(), key=lambda one: one.changed, reverse=True)
    page, following = rows.cut(newest, query)
    return Table(rows.of_previews(page, known), following)


def _count(listing: Listing | None, previews: int) -> dict[str, int]:
    """Return how many branches, tags and previews there are, as far as that is known."""
    counts = Counter(ref.kind for ref in listing.refs) if listing else {}
    return {**{shown: counts.get(kind, 0) for shown, kind in _KINDS.items()}, "previews": previews}


def _repository(app: AppRecord) -> str:
    return f"The repository of {app.name!r}"
