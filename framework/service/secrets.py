"""The Secrets port over the service: reads from its snapshot, writes through its inbox."""

from collections.abc import Callable, Mapping
from typing import Any

from framework.apps import app_secrets
from framework.apps.app_secrets import AppSecrets, Variable
from framework.errors import UnknownApp
from framework.events import ask
from framework.service.service import Service
from framework.state import secret_records
from prevs.messages import Credential


class ServiceSecrets:
    """What others see of what apps are given. Thread safe; see framework.ports.Secrets.

    `service` is asked for at each call: what reads repositories is made before it. `now` gives
    seconds since the epoch.
    """

    def __init__(self, service: Callable[[], Service], now: Callable[[], float]) -> None:
        self._service = service
        self._now = now

    def credential(self, app: str) -> Credential | None:
        """Return the credential of an app's repository; None for an app that has none."""
        return secret_records.read(self._service().snapshot.secrets, app).credential

    def of(self, app: str) -> AppSecrets:
        """Return what an app is given."""
        snapshot = self._service().snapshot
        if app not in snapshot.apps:
            raise UnknownApp(app)
        return secret_records.read(snapshot.secrets, app)

    def set_variable(
        self,
        app: str,
        name: str,
        variable: Variable,
        *,
        scope: Mapping[str, Any] | None = None,
        only_if: AppSecrets | None = None,
    ) -> AppSecrets:
        """Set a variable of an app, now."""
        set_now = Variable(variable.value, variable.secret, self._now())
        return self._change(
            app, lambda given: app_secrets.with_variable(given, name, set_now, scope), only_if
        )

    def unset_variable(self, app: str, name: str, *, only_if: AppSecrets | None = None) -> None:
        """Remove a variable of an app."""
        self._change(app, lambda given: app_secrets.without_variable(given, name), only_if)

    def set_credential(
        self, app: str, credential: Credential, *, only_if: AppSecrets | None = None
    ) -> AppSecrets:
        """Set the credential of an app's repository."""
        now = self._now()
        return self._change(
            app, lambda given: app_secrets.with_credential(given, credential, now), only_if
        )

    def unset_credential(self, app: str, *, only_if: AppSecrets | None = None) -> None:
        """Remove the credential of an app's repository."""
        self._change(app, app_secrets.without_credential, only_if)

    def unset_all(self, app: str) -> None:
        """Remove every variable of an app; where they cannot be opened, the credential too."""
        service = self._service()
        ask(service.inbox.put, lambda: service.commands.clear_secrets(app))

    def _change(
        self,
        app: str,
        change: Callable[[AppSecrets], AppSecrets],
        only_if: AppSecrets | None,
    ) -> AppSecrets:
        service = self._service()
        return ask(service.inbox.put, lambda: service.commands.change_secrets(app, change, only_if))
