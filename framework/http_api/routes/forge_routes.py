"""/v1/apps/{app}/forge-token, /forge-hook and /forge-check: the way to an app's forge."""

from framework.access import Scope
from framework.http_api.admission.operations import Routes, operation
from framework.http_api.http.parameters import App
from framework.http_api.models import forge_models as models
from framework.service.forge_setup import ForgeSetup
from framework.service.service_client import ServiceClient


class ForgeRoutes(Routes):
    """The calls about forges. All of them run in a thread, and may block."""

    tag = "forges"

    def __init__(self, previews: ServiceClient, setup: ForgeSetup) -> None:
        self._previews = previews
        self._setup = setup

    @operation("PUT", "/v1/apps/{app}/forge-token", Scope.ADMIN, refuses=(404, 409))
    def set_forge_token(self, app: App, order: models.ForgeTokenOrder) -> models.ShownForgeToken:
        """Set what the API of an app's forge is read with. It never leaves the framework."""
        given = self._previews.command(lambda commands: commands.set_forge_token(app, order.token))
        return models.ShownForgeToken(changed=given.forge_token_changed)

    @operation("DELETE", "/v1/apps/{app}/forge-token", Scope.ADMIN, refuses=(404, 409))
    def unset_forge_token(self, app: App) -> None:
        """Remove what the API of an app's forge is read with."""
        self._previews.command(lambda commands: commands.unset_forge_token(app))

    @operation("POST", "/v1/apps/{app}/forge-hook", Scope.ADMIN, refuses=(404, 409))
    def enter_hook(self, app: App) -> models.EnteredHook:
        """Give an app's forge the webhook, by its API, with the app's secret.

        A webhook with this address is corrected instead, also its secret. Without a secret, the app
        gets one. The forge is asked to deliver it once.
        """
        return models.show_entered(self._setup.enter_hook(app))

    @operation("POST", "/v1/apps/{app}/forge-check", Scope.ADMIN, refuses=(404, 409))
    def check_forge(self, app: App) -> models.ForgeCheck:
        """Check the way to an app's forge, by calls of its API and by git. Changes nothing."""
        findings = [models.Finding(**one._asdict()) for one in self._setup.check(app)]
        return models.ForgeCheck(app=app, findings=findings)
