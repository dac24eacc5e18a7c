"""The pages of tokens and of the audit log, for admins."""

import anyio.to_thread
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from framework.access import Scope
from framework.dashboard.pages import app_forms, rows
from framework.dashboard.pages.app_forms import Filled
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.session.page_access import Action, Form
from framework.dashboard.session.sessions import Viewer
from framework.errors import TokenExists, UnknownApp
from framework.http_api.http.paging import PageRequest
from framework.http_api.models.token_models import TokenOrder


class TokenPages:
    """The pages of tokens and of the audit log."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        access = self._context.access
        add = access.protected_action(Action("add token", Scope.ADMIN), self._add)
        remove = access.protected_action(Action("remove token", Scope.ADMIN), self._remove)
        return [
            Route(
                "/tokens", access.protected_page(self._show_tokens, Scope.ADMIN), methods=["GET"]
            ),
            Route("/tokens", add, methods=["POST"]),
            Route("/tokens/{name}/remove", remove, methods=["POST"]),
            Route("/audit", access.protected_page(self._show_audit, Scope.ADMIN), methods=["GET"]),
        ]

    async def _show_tokens(self, request: Request, viewer: Viewer) -> Response:
        return self._show(request, viewer, Filled({}))

    async def _add(self, request: Request, viewer: Viewer, form: Form) -> Response:
        """Make a token, and show it in this one answer: nothing keeps it."""
        given = {name: form.get(name, "").strip() for name in ("name", "scope", "app")}
        request.state.target = given["name"]
        try:
            order = TokenOrder.model_validate({**given, "app": given["app"] or None})
            record, token = await anyio.to_thread.run_sync(
                self._context.tokens.add_token, order.name, Scope(order.scope), order.app or ""
            )
        except ValidationError as error:
            return self._show(request, viewer, Filled(given, app_forms.explain(error)), 422)
        except TokenExists:
            why = {"name": "is taken: remove that token first, or choose another name"}
            return self._show(request, viewer, Filled(given, why), 409)
        except UnknownApp:
            return self._show(request, viewer, Filled(given, {"app": "does not exist"}), 404)
        return self._context.pages.show(
            request, viewer, "admin/new_token", record=record, token=token
        )

    async def _remove(self, request: Request, _viewer: Viewer, _form: Form) -> Response:
        name = request.path_params["name"]
        await anyio.to_thread.run_sync(self._context.tokens.remove_token, name)
        return RedirectResponse("/tokens?did=remove-token", 303, {"Cache-Control": "no-store"})

    async def _show_audit(self, request: Request, viewer: Viewer) -> Response:
        after = request.query_params.get("after", "")
        page = PageRequest(rows.PAGE_SIZE, after).cut(
            self._context.audit.latest(), lambda entry: (-entry.at, entry.id)
        )
        return self._context.pages.show(
            request, viewer, "admin/audit", entries=page.entries, next=page.next, is_first=not after
        )

    def _show(self, request: Request, viewer: Viewer, form: Filled, status: int = 200) -> Response:
        return self._context.pages.show(
            request,
            viewer,
            "admin/tokens",
            status=status,
            form=form,
            tokens=self._context.tokens.tokens(),
        )
