"""The list of the stacks that somebody sees."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from framework.dashboard.pages import rows
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.session.sessions import Viewer
from framework.http_api.stacks import stack_rights


class StackListPages:
    """The list of stacks."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        """Return the route of this page."""
        page = self._context.access.protected_page(self._show, narrows=True)
        return [Route("/stacks", page, methods=["GET"])]

    async def _show(self, request: Request, viewer: Viewer) -> Response:
        snapshot, identity = self._context.stacks.snapshot, viewer.identity
        stacks = [one for one in snapshot.stacks.values() if stack_rights.sees(identity, one)]
        stacks.sort(key=lambda stack: stack.name)
        page, following = rows.cut(stacks, request.query_params)
        url = self._context.addresses.gate_url
        return self._context.pages.show(
            request,
            viewer,
            "stacks/all",
            stacks=[(one, url(one.name)) for one in page],
            apps=[one.name for one in snapshot.list_apps() if identity.sees(one.name)],
            next=following,
            is_first=not request.query_params.get("after"),
        )
