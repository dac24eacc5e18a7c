"""The first page: the apps, and how the cluster, the queue and everything else are."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from framework.dashboard import app_forms, rows
from framework.dashboard.parts import Parts
from framework.dashboard.sessions import Viewer
from prevs.records import PreviewRecord
from prevs.states import State

_SHOWN = 8
"""How much of the queue and of what happened the first page shows."""


class Overview:
    """The page at /, and the queue's."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        page = self._parts.doors.page
        return [
            Route("/", page(self._show), methods=["GET"]),
            Route("/queue", page(self._show_queue), methods=["GET"]),
        ]

    async def _show(self, request: Request, viewer: Viewer) -> Response:
        previews = self._parts.previews.previews()
        by_app: dict[str, list[PreviewRecord]] = {}
        for preview in previews:
            by_app.setdefault(preview.app, []).append(preview)
        return self._parts.pages.show(
            request,
            viewer,
            "overview",
            apps=[
                (app, rows.count(by_app.get(app.name, ()))) for app in self._parts.previews.apps()
            ],
            queue=self._parts.presenter.show_queue(limit=_SHOWN, after="").queue,
            waiting=sum(one.state is State.QUEUED for one in previews),
            trouble=self._parts.ready(),
            form=app_forms.empty(),
        )

    async def _show_queue(self, request: Request, viewer: Viewer) -> Response:
        after = request.query_params.get("after", "")
        shown = self._parts.presenter.show_queue(limit=rows.PAGE_SIZE, after=after)
        return self._parts.pages.show(
            request,
            viewer,
            "queue",
            queue=shown.queue,
            next=shown.next,
            is_first=not after,
            trouble=self._parts.ready(),
        )
