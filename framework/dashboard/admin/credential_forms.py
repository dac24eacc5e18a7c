"""The forms about the credential of an app's repository, on the page of its forge. For admins."""

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from framework.access import Scope
from framework.dashboard.admin.forge_view import ForgeView
from framework.dashboard.pages import app_forms
from framework.dashboard.pages.app_forms import Filled
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.session.page_access import Action, Form
from framework.dashboard.session.sessions import Viewer
from framework.errors import InvalidSettings
from framework.http_api.models import secret_models
from prevs.messages import Credential

_PATH = "/apps/{app}/credential"
_NO_STORE = {"Cache-Control": "no-store"}
_KEPT = ("username", "known_hosts")
"""The fields that a refused form still has: they are no secrets."""


class CredentialForms:
    """A password, a token or an SSH key for the app's repository. None is ever shown."""

    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._view = ForgeView(context)

    def routes(self) -> list[Route]:
        """Return the routes of the forms."""
        access = self._context.access
        set_one = access.protected_action(Action("set credential", Scope.ADMIN), self._set)
        unset = access.protected_action(Action("unset credential", Scope.ADMIN), self._unset)
        show = access.protected_page(self._view.show, Scope.ADMIN)
        return [
            Route(_PATH, show, methods=["GET"]),
            Route(_PATH, set_one, methods=["POST"]),
            Route(f"{_PATH}/remove", unset, methods=["POST"]),
        ]

    async def _set(self, request: Request, viewer: Viewer, form: Form) -> Response:
        app, is_key = request.path_params["app"], "private_key" in form
        try:
            await anyio.to_thread.run_sync(
                self._context.previews.command,
                lambda commands: commands.set_credential(app, _read(form)),
            )
        except InvalidSettings as error:
            kept = {name: form[name] for name in _KEPT if name in form}
            refused = Filled(kept, app_forms.by_field(error))
            part = "key" if is_key else "password"
            return await self._view.show(request, viewer, refused={part: refused})
        return RedirectResponse(f"/apps/{app}/forge?did=set-credential", 303, _NO_STORE)

    async def _unset(self, request: Request, _viewer: Viewer, _form: Form) -> Response:
        app = request.path_params["app"]
        await anyio.to_thread.run_sync(
            self._context.previews.command, lambda commands: commands.unset_credential(app)
        )
        return RedirectResponse(f"/apps/{app}/forge?did=unset-credential", 303, _NO_STORE)


def _read(form: Form) -> Credential:
    """Return the credential of a form. Browsers end the lines of a field with two characters."""
    if "private_key" in form:
        hosts = form.get("known_hosts", "").replace("\r\n", "\n")
        return secret_models.read_key(form["private_key"], hosts)
    username, password = form.get("username", "").strip(), form.get("password", "").strip()
    return Credential(username, password)
