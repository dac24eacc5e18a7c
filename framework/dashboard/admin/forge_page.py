"""The page that sets up an app's forge, with its forms. For admins.

It also has the credential of the repository, whose forms are in credential_forms.
"""

from collections.abc import Callable

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from framework.access import Scope
from framework.dashboard.admin.forge_view import ForgeView
from framework.dashboard.pages import app_forms
from framework.dashboard.pages.app_forms import Filled
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.session.page_access import Act, Action, Form
from framework.dashboard.session.sessions import Viewer
from framework.errors import InvalidSettings
from framework.hooks import secret
from framework.service.commands import Commands

PATH = "/apps/{app}/forge"
_NO_STORE = {"Cache-Control": "no-store"}


class ForgePage:
    """The way to an app's forge: its kind, token, webhook, and the check of all of it."""

    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._view = ForgeView(context)

    def routes(self) -> list[Route]:
        """Return the routes of the page. An answer to a form may be a page, which a GET shows."""
        actions: dict[str, tuple[str, Act]] = {
            "settings": ("change app", self._change),
            "token": ("set forge token", self._set_token),
            "token/remove": ("unset forge token", self._remove_token),
            "check": ("check forge", self._check),
            "hook": ("enter hook", self._enter_hook),
            "hook-secret": ("set hook secret", self._change_secret),
            "hook-secret/remove": ("unset hook secret", self._remove_secret),
        }
        access = self._context.access
        show = access.protected_page(self._view.show, Scope.ADMIN)
        posts = {
            path: access.protected_action(Action(name, Scope.ADMIN), act)
            for path, (name, act) in actions.items()
        }
        return [
            Route(PATH, show, methods=["GET"]),
            *(Route(f"{PATH}/{path}", show, methods=["GET"]) for path in posts),
            *(Route(f"{PATH}/{path}", post, methods=["POST"]) for path, post in posts.items()),
        ]

    async def _change(self, request: Request, viewer: Viewer, form: Form) -> Response:
        app = request.path_params["app"]
        read = app_forms.read_changes(form)
        if isinstance(read, Filled):
            known = app_forms.filled(self._context.previews.snapshot.app(app))
            typed = Filled({**known.values, **read.values}, read.problems)
            return await self._view.show(request, viewer, refused={"settings": typed})
        if read:
            await anyio.to_thread.run_sync(self._context.previews.change_app, app, read)
        return _redirect(app, "change")

    async def _set_token(self, request: Request, viewer: Viewer, form: Form) -> Response:
        app, token = request.path_params["app"], form.get("token", "").strip()
        try:
            await self._command(lambda commands: commands.set_forge_token(app, token))
        except InvalidSettings as error:
            refused = Filled({}, app_forms.by_field(error))
            return await self._view.show(request, viewer, refused={"token": refused})
        return _redirect(app, "set-forge-token")

    async def _remove_token(self, request: Request, _viewer: Viewer, _form: Form) -> Response:
        app = request.path_params["app"]
        await self._command(lambda commands: commands.unset_forge_token(app))
        return _redirect(app, "unset-forge-token")

    async def _check(self, request: Request, viewer: Viewer, _form: Form) -> Response:
        app = request.path_params["app"]
        findings = await anyio.to_thread.run_sync(self._context.forge_setup.check, app)
        return await self._view.show(request, viewer, findings=findings)

    async def _enter_hook(self, request: Request, viewer: Viewer, _form: Form) -> Response:
        """Give the forge the webhook; if that fails, show the new secret."""
        app = request.path_params["app"]
        done = await anyio.to_thread.run_sync(self._context.forge_setup.enter_hook, app)
        if done.entered.is_there:
            return _redirect(app, "enter-hook")
        return await self._view.show(request, viewer, entered=done)

    async def _change_secret(self, request: Request, viewer: Viewer, form: Form) -> Response:
        """Take the form's secret. Without one make one; show it if the forge does not take it."""
        app, given = request.path_params["app"], form.get("value", "").strip()
        if given and (problem := secret.find_problem(given)):
            refused = Filled({}, {"value": problem})
            return await self._view.show(request, viewer, refused={"hook": refused})
        setup = self._context.forge_setup
        if given:
            await anyio.to_thread.run_sync(setup.change_hook_secret, app, given)
            return _redirect(app, "set-hook-secret")
        made = await anyio.to_thread.run_sync(setup.change_hook_secret, app)
        done = await anyio.to_thread.run_sync(setup.enter_hook, app)
        if done.entered.is_there:
            return _redirect(app, "enter-hook")
        return await self._view.show(request, viewer, entered=done._replace(secret=made))

    async def _remove_secret(self, request: Request, _viewer: Viewer, form: Form) -> Response:
        app, former_only = request.path_params["app"], "former" in form
        await anyio.to_thread.run_sync(
            lambda: self._context.forge_setup.remove_hook_secret(app, former_only=former_only)
        )
        return _redirect(app, "unset-former-secret" if former_only else "unset-hook-secret")

    async def _command(self, command: Callable[[Commands], object]) -> None:
        await anyio.to_thread.run_sync(self._context.previews.command, command)


def _redirect(app: str, did: str) -> Response:
    return RedirectResponse(f"/apps/{app}/forge?did={did}", 303, _NO_STORE)
