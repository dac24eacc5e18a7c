"""The page of an app's variables, with forms to set and unset them. For admins."""

import contextlib

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from framework.access import Scope
from framework.apps.app_secrets import Variable
from framework.apps.variable_scopes import GivenFor
from framework.dashboard.pages.app_forms import Filled
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.session.page_access import Action, Form
from framework.dashboard.session.sessions import Viewer
from framework.errors import InvalidSettings
from framework.http_api.models.secret_models import show_environment

_NO_STORE = {"Cache-Control": "no-store"}
_SCOPE = ("branches", "tags", "given_for")


class EnvironmentPage:
    """The variables of an app. The form never shows a value."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        """Return the routes of the page."""
        access = self._context.access
        path = "/apps/{app}/environment"
        set_one = access.protected_action(Action("set variable", Scope.ADMIN), self._set)
        unset = access.protected_action(Action("unset variable", Scope.ADMIN), self._unset)
        return [
            Route(path, access.protected_page(self._show, Scope.ADMIN), methods=["GET"]),
            Route(path, set_one, methods=["POST"]),
            Route(f"{path}/{{name}}/unset", unset, methods=["POST"]),
        ]

    async def _show(self, request: Request, viewer: Viewer) -> Response:
        return self._page(request, viewer, Filled({}))

    async def _set(self, request: Request, viewer: Viewer, form: Form) -> Response:
        app, name = request.path_params["app"], form.get("name", "").strip()
        request.state.target = f"{app}/environment/{name}"
        # Browsers end lines with two characters, whatever was typed or pasted.
        value = form.get("value", "").replace("\r\n", "\n")
        variable = Variable(value, secret="plain" not in form)

        scope = _read_scope(form)
        try:
            await anyio.to_thread.run_sync(
                self._context.previews.command,
                lambda commands: commands.set_variable(app, name, variable, scope=scope),
            )
        except InvalidSettings as error:
            why = {problem.field: problem.message for problem in error.problems}
            kept = {"name": name, **{field: form.get(field, "") for field in _SCOPE}}
            return self._page(request, viewer, Filled(kept, why), 422)
        return RedirectResponse(f"/apps/{app}/environment?did=set-variable", 303, _NO_STORE)

    async def _unset(self, request: Request, _viewer: Viewer, _form: Form) -> Response:
        app, name = request.path_params["app"], request.path_params["name"]
        request.state.target = f"{app}/environment/{name}"
        await anyio.to_thread.run_sync(
            self._context.previews.command, lambda commands: commands.unset_variable(app, name)
        )
        return RedirectResponse(f"/apps/{app}/environment?did=unset-variable", 303, _NO_STORE)

    def _page(self, request: Request, viewer: Viewer, form: Filled, status: int = 200) -> Response:
        given = self._context.previews.snapshot.given(request.path_params["app"])
        return self._context.pages.show(
            request,
            viewer,
            "admin/environment",
            status=status,
            form=form,
            app=given.app,
            variables=show_environment(given).variables,
        )


def _read_scope(form: Form) -> dict[str, object]:
    """Return the fields of a scope that are filled in; empty ones keep their value."""
    found: dict[str, object] = {}
    for name in ("branches", "tags"):
        if patterns := form.get(name, "").replace(",", " ").split():
            found[name] = tuple(patterns)
    with contextlib.suppress(ValueError):
        found["given_for"] = GivenFor(form.get("given_for", ""))
    return found
