"""The overview, with the apps and the cluster; the queue; and the latest events."""

import functools
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from framework.dashboard.pages import app_forms, rows
from framework.dashboard.pages.cluster_page import read_cluster
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.session.sessions import Viewer
from framework.http_api.http.paging import PageRequest
from framework.preview.history import ActivityEvent
from prevs.records import PreviewRecord
from prevs.units import preview_unit

_SHOWN = 8
"""How many queued previews and how many events the overview shows."""


class Overview:
    """The pages about all apps."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        page = functools.partial(self._context.access.protected_page, narrows=True)
        return [
            Route("/", page(self._show), methods=["GET"]),
            Route("/queue", page(self._show_queue), methods=["GET"]),
            Route("/events", page(self._show_events), methods=["GET"]),
        ]

    async def _show(self, request: Request, viewer: Viewer) -> Response:
        sees = viewer.identity.sees
        cluster, cluster_problem = None, ""
        if viewer.sees_all:
            cluster, cluster_problem = await read_cluster(self._context)
        snapshot = self._context.previews.snapshot
        previews = [one for one in snapshot.list_previews() if sees(one.app)]
        by_app: dict[str, list[PreviewRecord]] = {}
        for preview in previews:
            by_app.setdefault(preview.app, []).append(preview)
        return self._context.pages.show(
            request,
            viewer,
            "overview",
            cluster=cluster,
            cluster_problem=cluster_problem,
            apps=[
                (app, rows.count(by_app.get(app.name, ())))
                for app in snapshot.list_apps()
                if sees(app.name)
            ],
            queue=self._context.presenter.show_queue(PageRequest(_SHOWN), sees).queue,
            waiting=sum(
                preview_unit(one.app, one.sha) in snapshot.queue_places for one in previews
            ),
            trouble=self._context.ready(),
            events=_find_seen(self._context.previews.history.events, viewer)[:_SHOWN],
            form=app_forms.empty(),
        )

    async def _show_queue(self, request: Request, viewer: Viewer) -> Response:
        after = request.query_params.get("after", "")
        shown = self._context.presenter.show_queue(
            PageRequest(rows.PAGE_SIZE, after), viewer.identity.sees
        )
        return self._context.pages.show(
            request,
            viewer,
            "queue",
            queue=shown.queue,
            next=shown.next,
            is_first=not after,
            trouble=self._context.ready(),
        )

    async def _show_events(self, request: Request, viewer: Viewer) -> Response:
        after = request.query_params.get("after", "")
        history = self._context.previews.history
        # A link from when another framework led shows the newest events.
        before = history.before(after) if after else None
        found = _find_seen(history.events if before is None else before, viewer)
        shown = found[: rows.PAGE_SIZE]
        return self._context.pages.show(
            request,
            viewer,
            "events",
            events=shown,
            next=shown[-1].id if len(found) > len(shown) else None,
            is_first=before is None,
        )


def _find_seen(happened: Sequence[ActivityEvent], viewer: Viewer) -> Sequence[ActivityEvent]:
    """Return the events that a viewer may see, the last first."""
    return [one for one in reversed(happened) if viewer.identity.sees(one.app)]
