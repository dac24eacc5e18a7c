"""/v1/apps/{app}/hooks and /hook-secret: the webhooks of an app's forge.

A webhook is a nudge: the repository is looked at now. What it says is never read, so a lost, a
doubled, a late and a forged one change nothing.
"""

import functools
from collections.abc import Callable
from typing import Annotated

from fastapi import Query, Request, Response

from framework.access import Scope
from framework.errors import SecretsUnreadable
from framework.forges import registry
from framework.hooks import secret, signatures
from framework.hooks.deliveries import Deliveries
from framework.hooks.errors import HookRefused, TooManyHooks
from framework.hooks.signatures import Delivery
from framework.http_api.admission.operations import Reach, Routes, operation
from framework.http_api.http.parameters import App
from framework.http_api.models import hook_models as models
from framework.metrics import HookMetrics
from framework.ports import HookPorts
from framework.service.forge_setup import ForgeSetup
from framework.service.service_client import ServiceClient
from prevs import hooks
from prevs.names import Addresses
from program.limits.token_buckets import Policy, TokenBuckets

RATE = 10
"""How many authentic deliveries an app may get in a second, over some seconds."""
_POLICY = Policy("hook", 5 * RATE, 5)

Former = Annotated[bool, Query(description="Remove only the former secret.")]


class HookRoutes(Routes):
    """The calls about webhooks. Methods that are no coroutines run in a thread, and may block.

    `now` gives seconds since the epoch, `clock` monotonic ones.
    """

    tag = "webhooks"

    def __init__(
        self,
        previews: ServiceClient,
        ports: HookPorts,
        setup: ForgeSetup,
        metrics: HookMetrics,
        *,
        addresses: Addresses,
        now: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self._previews = previews
        self._ports = ports
        self._setup = setup
        self._metrics = metrics
        self._addresses = addresses
        self._now = now
        self._deliveries = Deliveries()
        self._buckets = TokenBuckets(_POLICY, clock)

    @functools.cached_property
    def _decoys(self) -> list[str]:
        """Secrets that nobody knows."""
        return [secret.form(self._ports.random(secret.BYTES)) for _ in range(2)]

    @operation("GET", "/v1/apps/{app}/hooks", Scope.READ, Reach.ITS_PATH, refuses=(404, 409))
    async def show_hooks(self, app: App) -> models.Hooks:
        """Show where an app's forge sends webhooks, and how its repository is read."""
        snapshot, polling = self._previews.snapshot, self._ports.polling(app)
        given, url = snapshot.given(app), self._addresses.hook_url(app)
        return models.show_hooks(snapshot.app(app), given, polling, url=url, now=self._now())

    @operation(
        "POST",
        "/v1/apps/{app}/hooks",
        Scope.PROXY,
        action="pass on a hook",
        is_report=True,
        is_of_strangers=True,
        body_limit=hooks.LONGEST,
        refuses=(413,),
        status_code=202,
        response_class=Response,
    )
    async def take_hook(self, app: App, request: Request) -> Response:
        """Take a forge's webhook: its body as it came, and those of its headers that prove it.

        A forge's own `Authorization` is in `Prevs-Hook-Authorization`. Whatever it is about, an
        authentic one is answered with 202 at once, and the repository is read soon.
        """
        delivery = Delivery(request.headers, await request.body())
        known = self._find_secrets(app)
        verdict = signatures.judge(
            delivery, registry.SCHEMES, secrets=known, decoys=self._decoys, now=self._now()
        )
        if not verdict.is_authentic:
            self._metrics.count("refused", verdict.forge)
            raise HookRefused
        if not self._buckets.take(app).allowed:
            self._metrics.count("limited", verdict.forge)
            raise TooManyHooks(app, RATE)
        repeated = self._deliveries.is_repeated(app, verdict.id)
        self._metrics.count("repeated" if repeated else "accepted", verdict.forge)
        self._ports.nudge(app)
        return Response(status_code=202)

    @operation(
        "POST",
        "/v1/apps/{app}/hook-secret",
        Scope.ADMIN,
        action="set hook secret",
        refuses=(404, 409),
        status_code=201,
    )
    def set_secret(self, app: App, order: models.Order = None) -> models.NewHookSecret:
        """Give an app a new webhook secret. The former one stays valid until the next change."""
        value = self._setup.change_hook_secret(app, order.value if order else None)
        return models.NewHookSecret(url=self._addresses.hook_url(app), secret=value)

    @operation(
        "DELETE",
        "/v1/apps/{app}/hook-secret",
        Scope.ADMIN,
        action="unset hook secret",
        refuses=(404, 409),
    )
    def unset_secret(self, app: App, former: Former = False) -> None:
        """Remove an app's webhook secrets: none of its webhooks is accepted any more."""
        self._setup.remove_hook_secret(app, former_only=former)

    def _find_secrets(self, app: str) -> tuple[str, ...]:
        """Return the webhook secrets of an app; none for an unknown app."""
        snapshot = self._previews.snapshot
        if app not in snapshot.apps:
            return ()
        try:
            return snapshot.given(app).hook_secrets
        except SecretsUnreadable:
            return ()
