"""/v1/apps/{app}/access and /passes: who may look at an app's previews."""

import time
from collections.abc import Callable
from typing import Annotated

from fastapi import Path, Response

from framework.access import Identity, Scope
from framework.apps.access_errors import UnknownPass
from framework.apps.pass_texts import PassWriter
from framework.apps.password_digest import SALT_BYTES, digest_password
from framework.apps.visitor_access import SHARE
from framework.errors import InvalidSettings, Problem
from framework.http_api.admission import guards
from framework.http_api.admission.operations import Reach, Routes, operation
from framework.http_api.http.parameters import App, Caller
from framework.http_api.models import access_models as models
from framework.service.service_client import ServiceClient
from prevs.access import AccessRecord

PassId = Annotated[str, Path(description="A pass's id.", examples=["5c80e7d2f1a64b0c"])]

_ID_BYTES = 8


class AccessRoutes(Routes):
    """The calls about access. Methods that are no coroutines run in a thread, and may block.

    `new_hex` returns as many random bytes as hex digits.
    """

    tag = "access"

    def __init__(
        self, previews: ServiceClient, passes: PassWriter, new_hex: Callable[[int], str]
    ) -> None:
        self._previews = previews
        self._passes = passes
        self._new_hex = new_hex

    @operation("GET", "/v1/apps/{app}/access", Scope.READ, Reach.ITS_PATH, refuses=(404,))
    async def show_access(self, app: App) -> models.ShownAccess:
        """Show who may look at an app's previews, and its passes without their texts."""
        return self._show(self._previews.snapshot.access_of(app))

    @operation("PUT", "/v1/apps/{app}/access", Scope.ADMIN, refuses=(404, 409))
    def change_access(self, app: App, order: models.AccessChange) -> models.ShownAccess:
        """Change who may look. Another mode or password puts everybody out: passes end, too."""
        _check(order)
        if order.access == "public":
            return self._show(self._previews.command(lambda commands: commands.open_to_all(app)))
        if order.access == "team":
            return self._show(self._previews.limit_to_team(app, preflight=order.preflight))
        digest = None
        if order.password is not None:
            digest = digest_password(order.password, self._new_hex(SALT_BYTES))
        changed = self._previews.command(
            lambda commands: commands.require_password(app, digest, preflight=order.preflight)
        )
        return self._show(changed)

    @operation("POST", "/v1/apps/{app}/access/end", Scope.ADMIN, refuses=(404, 409))
    def end_access(self, app: App) -> models.ShownAccess:
        """Put all visitors out. Each has to enter again; every issued pass ends."""
        return self._show(self._previews.command(lambda commands: commands.end_access(app)))

    # The function sees to it that passes of machines need more scope. It takes no
    # Idempotency-Key: that would keep the answer, which has the pass.
    @operation(
        "POST",
        "/v1/apps/{app}/passes",
        Scope.USE,
        Reach.ITS_PATH,
        refuses=(404, 409),
        status_code=201,
        response_model=models.NewPass,
    )
    def issue_pass(
        self, app: App, order: models.NewPassOrder, caller: Caller, response: Response
    ) -> models.NewPass | Response:
        """Issue a pass. Only this answer has its text; it cannot be shown again."""
        if not _may_handle(caller, order.kind):
            return guards.forbid(caller, Scope.ADMIN)
        new_id, wanted = self._new_hex(_ID_BYTES), models.read_order(order)
        record = self._previews.command(
            lambda commands: commands.issue_pass(app, wanted, new_id, by=caller.name)
        )
        issued, text = record.passes[new_id], self._passes.write(record, new_id)
        response.headers["Location"] = f"/v1/apps/{app}/passes/{new_id}"
        response.headers["Cache-Control"] = "no-store"
        return models.NewPass(
            **models.show_pass(new_id, issued).model_dump(),
            text=text,
            link=self._passes.link(app, issued, text) if issued.kind == SHARE else None,
        )

    @operation(
        "DELETE",
        "/v1/apps/{app}/passes/{id}",
        Scope.USE,
        Reach.ITS_PATH,
        refuses=(404, 409),
        status_code=204,
    )
    def revoke_pass(self, app: App, id: PassId, caller: Caller) -> Response:
        """Revoke a pass. Proxies refuse it within a second."""
        known = self._previews.snapshot.access_of(app).passes.get(id)
        if known is None:
            raise UnknownPass(app, id)
        if not _may_handle(caller, known.kind):
            return guards.forbid(caller, Scope.ADMIN)
        self._previews.command(lambda commands: commands.revoke_pass(app, id))
        return Response(status_code=204)

    def _show(self, record: AccessRecord) -> models.ShownAccess:
        return models.show_access(record, time.time(), https=self._passes.is_safe)


def _check(order: models.AccessChange) -> None:
    """Raise InvalidSettings for what does not go with the mode."""
    problems = []
    if order.access != "password" and order.password is not None:
        problems.append(Problem("password", "can only go with access: password"))
    if order.access == "public" and order.preflight is not None:
        problems.append(Problem("preflight", "can only go with access: password, or team"))
    if problems:
        raise InvalidSettings(problems)


def _may_handle(caller: Identity, kind: str) -> bool:
    """Return whether somebody may issue and revoke passes of a kind."""
    return kind == SHARE or caller.may(Scope.ADMIN)
