"""/v1/apps/{app}/forge-token and /forge-check: the way to an app's forge."""

from collections.abc import Callable, Sequence

from framework.access import Scope
from framework.http_api.admission.operations import Operation, OperationRouter
from framework.http_api.http.parameters import App
from framework.http_api.http.problems import document
from framework.http_api.models import forge_models as models
from framework.ports.forges import Finding
from framework.service.previews import Previews
from prevs.records import AppRecord


class ForgeRoutes:
    """The calls about forges. All of them run in a thread, and may block."""

    def __init__(
        self, previews: Previews, check: Callable[[AppRecord, str], Sequence[Finding]]
    ) -> None:
        """`check` checks the forge of an app with its token; it may block for a minute."""
        self._previews = previews
        self._check = check

    def make_router(self) -> OperationRouter:
        """Return the routes of these calls."""
        router = OperationRouter("forges", prefix="/v1/apps/{app}")
        router.add(
            "PUT",
            "/forge-token",
            self.set_forge_token,
            Operation(Scope.ADMIN, action="set forge token"),
            responses=document(400, 404, 409, 413),
        )
        router.add(
            "DELETE",
            "/forge-token",
            self.unset_forge_token,
            Operation(Scope.ADMIN, action="unset forge token"),
            status_code=204,
            responses=document(404, 409),
        )
        router.add(
            "POST",
            "/forge-check",
            self.check_forge,
            Operation(Scope.ADMIN, action="check forge"),
            responses=document(404, 409),
        )
        return router

    def set_forge_token(self, app: App, order: models.ForgeTokenOrder) -> models.ShownForgeToken:
        """Set what the API of an app's forge is read with. It never leaves the framework."""
        given = self._previews.command(lambda commands: commands.set_forge_token(app, order.token))
        return models.ShownForgeToken(changed=given.forge_token_changed)

    def unset_forge_token(self, app: App) -> None:
        """Remove what the API of an app's forge is read with."""
        self._previews.command(lambda commands: commands.unset_forge_token(app))

    def check_forge(self, app: App) -> models.ForgeCheck:
        """Check the way to an app's forge, by a few calls of its API. Changes nothing."""
        snapshot = self._previews.snapshot
        found = self._check(snapshot.app(app), snapshot.forge_token(app))
        findings = [models.Finding(**one._asdict()) for one in found]
        return models.ForgeCheck(app=app, findings=findings)
