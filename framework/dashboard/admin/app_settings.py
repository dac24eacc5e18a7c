"""The forms to add an app, to change its settings and who may look, and to remove it."""

from collections.abc import Callable

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from framework.access import Scope
from framework.apps.access_errors import NoPassword
from framework.apps.password_digest import digest_password
from framework.dashboard.pages import app_forms
from framework.dashboard.pages.app_forms import Filled
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.pages.timeouts import within
from framework.dashboard.session.page_access import Action, Form
from framework.dashboard.session.sessions import Viewer
from framework.errors import (
    AppExists,
    FrameworkError,
    InvalidSettings,
    RepositoryUnreachable,
    UnknownRef,
)
from framework.http_api.checks.check_models import Check
from framework.service.belongings import find_belongings
from prevs.access import Access
from prevs.records import AppRecord

_LOGIN = "A repository that needs a login is an app first, and then gets a credential."
_NO_STORE = {"Cache-Control": "no-store"}


class AppSettingsPages:
    """The forms about apps, for admins."""

    def __init__(self, context: PageContext, new_salt: Callable[[], str]) -> None:
        """`new_salt` returns a new salt for a password (digest_password)."""
        self._context = context
        self._new_salt = new_salt

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        access = self._context.access
        add = access.protected_action(Action("add app", Scope.ADMIN), self._add)
        check = access.protected_action(Action("check repository", Scope.ADMIN), self._check)
        change = access.protected_action(Action("change app", Scope.ADMIN), self._change)
        remove = access.protected_action(Action("remove app", Scope.ADMIN), self._remove)
        change_access = Action("change access", Scope.ADMIN)
        end_access = Action("end access", Scope.ADMIN)
        settings = "/apps/{app}/settings"
        return [
            Route(
                "/add-app", access.protected_page(self._show_empty, Scope.ADMIN), methods=["GET"]
            ),
            Route("/add-app", add, methods=["POST"]),
            Route("/add-app/check", check, methods=["POST"]),
            Route(settings, access.protected_page(self._show, Scope.ADMIN), methods=["GET"]),
            Route(settings, change, methods=["POST"]),
            Route("/apps/{app}/remove", remove, methods=["POST"]),
            Route(
                "/apps/{app}/access",
                access.protected_action(change_access, self._change_access),
                methods=["POST"],
            ),
            Route(
                "/apps/{app}/access/end",
                access.protected_action(end_access, self._end_access),
                methods=["POST"],
            ),
        ]

    async def _show_empty(self, request: Request, viewer: Viewer) -> Response:
        return self._show_new(request, viewer, app_forms.empty())

    async def _add(self, request: Request, viewer: Viewer, form: Form) -> Response:
        request.state.target = form.get("name", "").strip()
        read = app_forms.read_new(form)
        if isinstance(read, Filled):
            return self._show_new(request, viewer, read, 422)
        try:
            app = await anyio.to_thread.run_sync(self._context.previews.add_app, read)
        except AppExists:
            why = {"name": "is the name of another app; choose another name"}
            return self._show_new(request, viewer, Filled(form, why), 409)
        except InvalidSettings as error:
            return self._show_new(request, viewer, Filled(form, app_forms.by_field(error)), 422)
        did = await self._check_repository(app)
        return RedirectResponse(f"/apps/{app.name}?did={did}", 303, _NO_STORE)

    async def _check(self, request: Request, viewer: Viewer, form: Form) -> Response:
        read, shown = app_forms.read_unnamed(form), app_forms.fill(form)
        if isinstance(read, Filled):
            return self._show_new(request, viewer, read, 422, checks=True)
        try:
            found = await anyio.to_thread.run_sync(self._context.check, read)
        except (RepositoryUnreachable, UnknownRef) as error:
            why = {"repository": f"cannot be checked. {error} {_LOGIN}"}
            return self._show_new(request, viewer, shown._replace(problems=why), 422, checks=True)
        return self._show_new(request, viewer, shown, checks=True, check=found)

    async def _check_repository(self, app: AppRecord) -> str:
        """Return the notice for a new app: it depends on whether its repository can be read."""
        try:
            listing = await within(self._context.resolver.listing(app.name), "Its repository")
        except RepositoryUnreachable:
            return "add-unread"
        except FrameworkError:  # the first fetch still runs, so nothing is known
            return "add"
        if listing.problem:
            return "add-unread"
        return "add" if any(ref.kind == "branch" for ref in listing.refs) else "add-empty"

    async def _show(self, request: Request, viewer: Viewer) -> Response:
        app = self._context.previews.snapshot.app(request.path_params["app"])
        return self._show_settings(request, viewer, app)

    async def _change(self, request: Request, viewer: Viewer, form: Form) -> Response:
        app = self._context.previews.snapshot.app(request.path_params["app"])
        read = app_forms.read_changes(form)
        if isinstance(read, Filled):
            return self._show_settings(request, viewer, app, read)
        try:
            if read:
                await anyio.to_thread.run_sync(self._context.previews.change_app, app.name, read)
        except InvalidSettings as error:
            refused = Filled(form, app_forms.by_field(error))
            return self._show_settings(request, viewer, app, refused)
        return RedirectResponse(f"/apps/{app.name}/settings?did=change", 303, _NO_STORE)

    async def _remove(self, request: Request, viewer: Viewer, form: Form) -> Response:
        app = self._context.previews.snapshot.app(request.path_params["app"])
        if form.get("confirmed", "").strip() != app.name:
            why = {"confirmed": f"is not {app.name}; nothing was removed"}
            filled = app_forms.filled(app)._replace(problems=why)
            return self._show_settings(request, viewer, app, filled)
        await anyio.to_thread.run_sync(
            self._context.previews.command, lambda commands: commands.remove_app(app.name)
        )
        return RedirectResponse("/?did=remove", 303, _NO_STORE)

    async def _change_access(self, request: Request, viewer: Viewer, form: Form) -> Response:
        app = self._context.previews.snapshot.app(request.path_params["app"])
        try:
            await anyio.to_thread.run_sync(self._set_access, app.name, form)
        except InvalidSettings as error:
            refused = Filled({}, app_forms.by_field(error))
            return self._show_settings(request, viewer, app, refused=refused)
        except NoPassword:
            refused = Filled({}, {"password": "is missing: the app has none yet"})
            return self._show_settings(request, viewer, app, refused=refused)
        return RedirectResponse(f"/apps/{app.name}/settings?did=change-access", 303, _NO_STORE)

    def _set_access(self, app: str, form: Form) -> None:
        """Change who may look. Blocks. Raises as Commands.require_password; NoSignIn."""
        if form.get("access") == Access.PUBLIC.value:
            self._context.previews.command(lambda commands: commands.open_to_all(app))
            return
        if form.get("access") == Access.TEAM.value:
            self._context.previews.limit_to_team(app)
            return
        password = form.get("password", "")
        digest = digest_password(password, self._new_salt()) if password else None
        self._context.previews.command(lambda commands: commands.require_password(app, digest))

    async def _end_access(self, request: Request, _viewer: Viewer, _form: Form) -> Response:
        app = request.path_params["app"]
        await anyio.to_thread.run_sync(
            self._context.previews.command, lambda commands: commands.end_access(app)
        )
        return RedirectResponse(f"/apps/{app}/settings?did=end-access", 303, _NO_STORE)

    def _show_new(
        self,
        request: Request,
        viewer: Viewer,
        form: Filled,
        status: int = 200,
        *,
        checks: bool = False,
        check: Check | None = None,
    ) -> Response:
        """Return the form of a new app. If it was sent for a check (`checks`): what it found."""
        return self._context.pages.show(
            request, viewer, "admin/add_app", status=status, form=form, checks=checks, check=check
        )

    def _show_settings(
        self,
        request: Request,
        viewer: Viewer,
        app: AppRecord,
        form: Filled | None = None,
        *,
        refused: Filled | None = None,
    ) -> Response:
        """Return the page with the current settings, or with a form that was refused.

        `form` is that of the settings, `refused` that of who may look.
        """
        shown = app_forms.filled(app)
        snapshot = self._context.previews.snapshot
        return self._context.pages.show(
            request,
            viewer,
            "admin/settings",
            status=422 if form or refused else 200,
            app=app,
            access=snapshot.access_of(app.name),
            belongings=find_belongings(snapshot, app.name, self._context.now()),
            has_sign_in=self._context.previews.has_sign_in,
            form=form or shown,
            shown=shown,
            refused=refused or Filled({}),
        )
