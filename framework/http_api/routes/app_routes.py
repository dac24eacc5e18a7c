"""/v1/apps: settings, and what labels lead to."""

import time
from collections.abc import Mapping
from typing import Annotated, cast

from fastapi import Body, Path, Response

from framework.access import Scope
from framework.apps.manifest import declared
from framework.errors import AppChanged, SecretsUnreadable
from framework.http_api.admission.operations import Reach, Routes, operation
from framework.http_api.http import conditional
from framework.http_api.http.conditional import IfMatch, IfNoneMatch
from framework.http_api.http.paging import Paged
from framework.http_api.http.parameters import App, Caller
from framework.http_api.models import app_models as models
from framework.http_api.models import presenter
from framework.http_api.models.variant_models import Places, hide_others
from framework.http_api.streams.address_resolver import AddressResolver
from framework.service.belongings import find_belongings
from framework.service.service_client import ServiceClient
from prevs.names import Addresses
from prevs.records import AppRecord
from prevs.service_names import service_url

Label = Annotated[
    str,
    Path(
        description="A branch's or tag's name or slug, 7 to 40 digits of a commit's id, or the "
        "label of a service, as in an address: result--main.",
        examples=["main"],
    ),
]


class AppRoutes(Routes):
    """The calls about apps. Methods that are no coroutines run in a thread, and may block."""

    tag = "apps"

    def __init__(
        self, previews: ServiceClient, resolver: AddressResolver, addresses: Addresses
    ) -> None:
        self._previews = previews
        self._resolver = resolver
        self._addresses = addresses
        self._places = Places(addresses)

    @operation("GET", "/v1/apps", Scope.READ, Reach.ITS_SHARE, refuses=(404,))
    async def list_apps(self, paged: Paged, caller: Caller) -> models.Apps:
        """List the apps, by name."""
        apps = (app for app in self._previews.snapshot.list_apps() if caller.sees(app.name))
        page = paged.cut(apps, lambda app: (app.name,))
        return models.Apps(apps=[self._show(app) for app in page.entries], next=page.next)

    @operation(
        "POST",
        "/v1/apps",
        Scope.ADMIN,
        takes_key=True,
        status_code=201,
        answers={200: {"model": models.App, "description": "It already existed"}},
    )
    def add_app(self, settings: models.AppSettings, response: Response) -> models.App:
        """Register an app. The same settings again answer 200 and change nothing."""
        is_new = settings.name not in self._previews.snapshot.apps
        given = declared.read(AppRecord, settings.model_dump())
        app = self._previews.add_app(AppRecord(settings.name, **given))
        response.status_code = 201 if is_new else 200
        response.headers["Location"] = f"/v1/apps/{app.name}"
        return self._show(app)

    @operation(
        "GET",
        "/v1/apps/{app}",
        Scope.READ,
        Reach.ITS_PATH,
        for_proxies=True,
        refuses=(404,),
        with_etag=models.App,
    )
    async def show_app(self, app: App, if_none_match: IfNoneMatch = None) -> Response:
        """Show an app."""
        return conditional.answer(self._show(self._previews.snapshot.app(app)), if_none_match)

    @operation("PATCH", "/v1/apps/{app}", Scope.ADMIN, refuses=(404, 412))
    def change_app(
        self,
        app: App,
        changes: Annotated[models.AppChanges, Body()],
        response: Response,
        if_match: IfMatch = None,
    ) -> models.App:
        """Change settings of an app. They apply to attempts that begin later."""
        given = declared.read(AppRecord, cast(Mapping[str, object], changes))
        known = self._find_matching(app, if_match)
        shown = self._show(self._previews.change_app(app, given, only_if=known))
        response.headers["ETag"] = conditional.tag(shown)
        return shown

    @operation("DELETE", "/v1/apps/{app}", Scope.ADMIN, refuses=(404, 409, 412))
    def remove_app(self, app: App, if_match: IfMatch = None) -> None:
        """Stop an app's previews, and remove them and the app."""
        known = self._find_matching(app, if_match)
        self._previews.command(lambda commands: commands.remove_app(app, only_if=known))

    @operation("GET", "/v1/apps/{app}/belongings", Scope.ADMIN, refuses=(404,))
    async def show_belongings(self, app: App) -> models.Belongings:
        """Show what goes with an app when it is removed. Removes nothing."""
        found = find_belongings(self._previews.snapshot, app, time.time())
        return models.Belongings(sentence=found.sentence, stacks=list(found.stacks))

    # A branch's name may have slashes. The problem for such a name has its slug.
    @operation(
        "GET",
        "/v1/apps/{app}/labels/{label:path}",
        Scope.READ,
        Reach.ITS_PATH,
        for_proxies=True,
        refuses=(404, 409, 502),
    )
    async def show_label(self, app: App, label: Label, caller: Caller) -> models.Lead:
        """Show which commit a label leads to. Starts nothing."""
        resolved, whole, service = await self._resolver.resolve(app, label)
        found = self._places.find(resolved.instance, self._previews.snapshot)
        place = hide_others(found, caller.sees)
        lead = presenter.show_lead(
            app, whole, resolved, self._addresses, place=place, now=time.time()
        )
        if not service:
            return lead
        return lead.model_copy(update={"url": service_url(self._addresses, service, whole, app)})

    def _find_matching(self, name: str, if_match: str | None) -> AppRecord | None:
        """Return the app that If-Match names, None without one. Raises UnknownApp, AppChanged."""
        return conditional.find_matching(
            if_match,
            lambda: self._previews.snapshot.app(name),
            lambda app: conditional.tag(self._show(app)),
            AppChanged(name),
        )

    def _show(self, app: AppRecord) -> models.App:
        snapshot = self._previews.snapshot
        has_credential = snapshot.may_have_credential(app.name)
        try:
            token_set = snapshot.forge_token_set(app.name)
        except SecretsUnreadable:
            token_set = None
        return presenter.show_app(app, has_credential=has_credential, forge_token_set=token_set)
