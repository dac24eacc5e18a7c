"""The page of the API's description: Swagger UI, with all its files from this host."""

import functools
from collections.abc import Callable
from typing import Any

from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from framework.dashboard.session.page_access import PageAccess
from framework.dashboard.session.sessions import Viewer
from framework.http_api import description
from framework.http_api.admission import calls


class DescriptionPage:
    """The page at /docs. `describe` returns the API's OpenAPI."""

    def __init__(self, access: PageAccess, describe: Callable[[], dict[str, Any]]) -> None:
        self._access = access
        self._describe = describe

    def routes(self) -> list[Route]:
        """Return the route of this page."""
        # The description is the same for a token for one app.
        show = self._access.protected_page(self._show, narrows=True)
        return [Route("/docs", show, methods=["GET"])]

    async def _show(self, _request: Request, _viewer: Viewer) -> Response:
        headers = {"Cache-Control": "no-store", "X-Frame-Options": "DENY"}
        return HTMLResponse(self._html, headers=headers)

    @functools.cached_property
    def _html(self) -> bytes:
        """The page, which takes 0.2 s to make: while the program runs, it stays the same."""
        page = get_swagger_ui_html(
            openapi_url=calls.DESCRIPTION,
            title="prevs: the API",
            swagger_js_url=f"{description.FILES}/swagger-ui-bundle.js",
            swagger_css_url=f"{description.FILES}/swagger-ui.css",
            swagger_favicon_url=f"{description.FILES}/favicon.png",
            # The browser sends no token, so the page itself has the description. Without a
            # validator, no other server gets it.
            swagger_ui_parameters={"spec": self._describe(), "validatorUrl": None},
        )
        return bytes(page.body)
