"""Setting up the way to an app's forge: its webhook, and the check. For the API and the dashboard.

Runs on the caller's thread. All but `webhook` block: on the service's thread, or on the forge.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from framework.apps import app_secrets
from framework.hooks import secret
from framework.ports.forges import Finding, ForgePorts, Webhook
from framework.ports.hooks import EnteredHook, HookPorts
from framework.pulls.errors import OtherRepository
from framework.service.service_client import ServiceClient


class SetUp(NamedTuple):
    """What became of a webhook, and the secret if it was made for it and the forge lacks it."""

    entered: EnteredHook
    secret: str = ""

    def __repr__(self) -> str:
        return f"SetUp({self.entered!r})"


class ForgeSetup:
    """The way to each app's forge. `hook_url` returns the address of an app's webhook."""

    def __init__(
        self,
        previews: ServiceClient,
        forge: ForgePorts,
        hooks: HookPorts,
        hook_url: Callable[[str], str],
    ) -> None:
        self._previews = previews
        self._forge = forge
        self._hooks = hooks
        self._hook_url = hook_url

    def webhook(self, app: str) -> Webhook:
        """Return an app's webhook. Raises UnknownApp, SecretsUnreadable."""
        given = self._previews.snapshot.given(app)
        hooked = self._hooks.polling(app).hooked
        return Webhook(self._hook_url(app), given.hook_secret, hooked)

    def check(self, app: str) -> Sequence[Finding]:
        """Return what works on the way to an app's forge. Raises as `webhook`."""
        webhook, snapshot = self.webhook(app), self._previews.snapshot
        token, known = snapshot.forge_token(app), snapshot.repositories.get(app)
        return self._forge.check(snapshot.app(app), token, webhook, known)

    def enter_hook(self, app: str) -> SetUp:
        """Give an app's forge the webhook, with the app's secret; make one if it has none.

        Raises as `webhook`, `change_hook_secret`; OtherRepository.
        """
        if why := self._previews.snapshot.find_other_repository(app):
            raise OtherRepository(app, why)
        webhook, made = self.webhook(app), ""
        record = self._previews.snapshot.app(app)
        if not webhook.secret and self._forge.takes_secret(record):
            made = self.change_hook_secret(app)
            webhook = webhook._replace(secret=made)
        token = self._previews.snapshot.forge_token(app)
        entered = self._forge.enter_hook(record, token, webhook)
        return SetUp(entered, "" if entered.is_there else made)

    def change_hook_secret(self, app: str, value: str | None = None) -> str:
        """Give an app a webhook secret, a new one for None, and return it.

        The former one stays valid until the next change. Raises as Commands.change_secrets.
        """
        chosen = secret.form(self._hooks.random(secret.BYTES)) if value is None else value
        self._previews.command(
            lambda commands: commands.change_secrets(
                app, lambda given: app_secrets.with_hook_secret(given, chosen)
            )
        )
        return chosen

    def remove_hook_secret(self, app: str, *, former_only: bool) -> None:
        """Remove an app's webhook secrets, or the former one. Raises as Commands.change_secrets."""
        self._previews.command(
            lambda commands: commands.change_secrets(
                app, lambda given: app_secrets.without_hook_secret(given, former_only=former_only)
            )
        )
