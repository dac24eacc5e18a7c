"""The page of an app's variables, with forms to set and unset them. For admins."""

import contextlib
import operator

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
from framework.errors import InvalidSettings, NotRestartable, UnknownPreview
from framework.http_api.models.preview_models import Preview
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
        restart = access.protected_action(Action("restart previews", Scope.ADMIN), self._restart)
        return [
            Route(path, access.protected_page(self._show, Scope.ADMIN), methods=["GET"]),
            Route(path, set_one, methods=["POST"]),
            Route(f"{path}/{{name}}/unset", unset, methods=["POST"]),
            Route(f"{path}/restart", restart, methods=["POST"]),
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
                self._context.previews.change_variables,
                lambda commands: commands.set(app, name, variable, scope=scope),
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
            self._context.previews.change_variables, lambda commands: commands.unset(app, name)
        )
        return RedirectResponse(f"/apps/{app}/environment?did=unset-variable", 303, _NO_STORE)

    async def _restart(self, request: Request, _viewer: Viewer, _form: Form) -> Response:
        app = request.path_params["app"]
        request.state.target = f"{app}/environment"
        await anyio.to_thread.run_sync(self._restart_older, app)
        return RedirectResponse(f"/apps/{app}/environment?did=restart-older", 303, _NO_STORE)

    def _restart_older(self, app: str) -> None:
        """Restart the previews with older variables, those that have not ended meanwhile."""
        for preview in self._list_older(app):
            restart = operator.methodcaller("restart", app, preview.sha)
            with contextlib.suppress(NotRestartable, UnknownPreview):
                self._context.previews.command(restart)

    def _list_older(self, app: str) -> list[Preview]:
        shown = [
            self._context.presenter.show(one)
            for one in self._context.previews.snapshot.list_previews()
            if one.app == app
        ]
        return [one for one in shown if one.older_variables]

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
            older=self._list_older(given.app),
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
