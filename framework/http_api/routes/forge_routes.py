"""/v1/apps/{app}/forge-token, /forge-hook and /forge-check: the way to an app's forge."""

from framework.access import Scope
from framework.http_api.admission.operations import Operation, OperationRouter
from framework.http_api.http.parameters import App
from framework.http_api.http.problems import document
from framework.http_api.models import forge_models as models
from framework.service.forge_setup import ForgeSetup
from framework.service.previews import Previews


class ForgeRoutes:
    """The calls about forges. All of them run in a thread, and may block."""

    def __init__(self, previews: Previews, setup: ForgeSetup) -> None:
        self._previews = previews
        self._setup = setup

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
            "/forge-hook",
            self.enter_hook,
            Operation(Scope.ADMIN, action="enter hook"),
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

    def enter_hook(self, app: App) -> models.EnteredHook:
        """Give an app's forge the webhook, by its API, with the app's secret.

        A webhook with this address is corrected instead, also its secret. Without a secret, the app
        gets one. The forge is asked to deliver it once.
        """
        return models.show_entered(self._setup.enter_hook(app))

    def check_forge(self, app: App) -> models.ForgeCheck:
        """Check the way to an app's forge, by calls of its API and by git. Changes nothing."""
        findings = [models.Finding(**one._asdict()) for one in self._setup.check(app)]
        return models.ForgeCheck(app=app, findings=findings)
