"""/v1/apps/{app}/notifications: where the events of an app are sent."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Path, Response

from framework.access import Scope
from framework.apps import app_secrets, receiver_address
from framework.apps.receivers import HostNotAllowed, Receiver, UnknownReceiver
from framework.hooks import secret
from framework.http_api.admission.operations import Routes, operation
from framework.http_api.http.parameters import App
from framework.http_api.models import event_models as models
from framework.ports.notifications import NotificationPorts, Standing
from framework.service.service_client import ServiceClient

Name = Annotated[str, Path(description="A receiver's name.", examples=["hooks.slack.com"])]


class NotificationRoutes(Routes):
    """The calls about notifications. Methods that are no coroutines run in a thread, and may block.

    `now` gives seconds since the epoch.
    """

    tag = "notifications"

    def __init__(
        self, previews: ServiceClient, ports: NotificationPorts, now: Callable[[], float]
    ) -> None:
        self._previews = previews
        self._ports = ports
        self._now = now

    @operation("GET", "/v1/apps/{app}/notifications", Scope.ADMIN, refuses=(404, 409))
    async def list_receivers(self, app: App) -> models.Receivers:
        """List where the events of an app are sent, with the last answer of each receiver."""
        given, standing = self._previews.snapshot.given(app), self._ports.standing(app)
        shown = [
            models.show_receiver(one, standing.get(one.name, Standing())) for one in given.receivers
        ]
        return models.Receivers(receivers=shown)

    # It takes no Idempotency-Key: that would keep the answer, which has the secret.
    @operation(
        "POST", "/v1/apps/{app}/notifications", Scope.ADMIN, refuses=(404, 409), status_code=201
    )
    def add_receiver(
        self, app: App, order: models.ReceiverOrder, response: Response
    ) -> models.NewReceiver:
        """Send the events of an app to an address. Only this answer has the secret."""
        host = receiver_address.find_host(order.url)
        if not receiver_address.is_allowed(host, self._ports.hosts):
            raise HostNotAllowed(host, self._ports.hosts)
        receiver = Receiver(
            order.name or host,
            order.url,
            secret.form(self._ports.random(secret.BYTES)),
            tuple(dict.fromkeys(order.events or ())),
            order.format,
            self._now(),
        )
        self._previews.command(
            lambda commands: commands.change_secrets(
                app, lambda given: app_secrets.with_receiver(given, receiver)
            )
        )
        response.headers["Cache-Control"] = "no-store"
        shown = models.show_receiver(receiver, Standing())
        return models.NewReceiver(**shown.model_dump(), secret=receiver.secret)

    @operation("DELETE", "/v1/apps/{app}/notifications/{name}", Scope.ADMIN, refuses=(404, 409))
    def remove_receiver(self, app: App, name: Name) -> None:
        """Send nothing more to a receiver, also nothing that waits for it."""
        self._previews.command(
            lambda commands: commands.change_secrets(
                app, lambda given: app_secrets.without_receiver(given, name)
            )
        )

    @operation("POST", "/v1/apps/{app}/notifications/{name}/test", Scope.ADMIN, refuses=(404, 409))
    def test_receiver(self, app: App, name: Name) -> models.ShownTry:
        """Send a test to a receiver, and show its answer. It takes some seconds at most."""
        given = self._previews.snapshot.given(app)
        found = next((one for one in given.receivers if one.name == name), None)
        if found is None:
            raise UnknownReceiver(app, name)
        return models.show_try(self._ports.test(app, found))
