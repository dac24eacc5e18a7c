"""The lists of gates: all that somebody sees, and an app's own."""

from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from framework.dashboard.pages import rows
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.session.sessions import Viewer
from framework.state.snapshot import Behind
from prevs.gates import GateRecord


class Listed(NamedTuple):
    """A gate as lists show it; `behind` is None until the proxies were asked."""

    gate: GateRecord
    url: str
    behind: Behind | None


class GateListPages:
    """The lists of gates."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        page = self._context.access.protected_page
        return [
            Route("/gates", page(self._show_all, narrows=True), methods=["GET"]),
            Route("/apps/{app}/gates", page(self._show_app), methods=["GET"]),
        ]

    async def _show_all(self, request: Request, viewer: Viewer) -> Response:
        return self._show(request, viewer, "")

    async def _show_app(self, request: Request, viewer: Viewer) -> Response:
        app = self._context.gates.snapshot.app(request.path_params["app"])
        return self._show(request, viewer, app.name)

    def _show(self, request: Request, viewer: Viewer, app: str) -> Response:
        """Show the gates of an app, or with "" of all."""
        snapshot, sees = self._context.gates.snapshot, viewer.identity.sees
        gates = [one for one in snapshot.gates.values() if app in ("", one.app) and sees(one.app)]
        gates.sort(key=lambda gate: gate.name)
        page, following = rows.cut(gates, request.query_params)
        url = self._context.addresses.gate_url
        return self._context.pages.show(
            request,
            viewer,
            "gates/all",
            app=app,
            apps=[one.name for one in snapshot.list_apps() if sees(one.name)],
            gates=[Listed(one, url(one.name), snapshot.behind.get(one.name)) for one in page],
            next=following,
            is_first=not request.query_params.get("after"),
        )
