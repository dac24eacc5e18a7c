"""/v1/apps/{app}/entries: proxies check the password that a visitor has entered."""

from collections.abc import Callable

import anyio
import anyio.to_thread
from fastapi import Request, Response

from framework.access import Scope
from framework.apps import password_digest
from framework.apps.access_errors import WrongPassword
from framework.apps.password_digest import NOBODYS, PasswordDigest
from framework.http_api.admission import limits
from framework.http_api.admission.clients import Client
from framework.http_api.admission.operations import Operation, OperationRouter
from framework.http_api.http.parameters import App
from framework.http_api.http.problems import document
from framework.http_api.models.access_models import EntryOrder
from framework.service.previews import Previews
from framework.state.secret_records import read
from prevs.access import Access
from program.http.client_address import SITE_BITS, name_client
from program.limits.token_buckets import Level, Policy, TokenBuckets

CLIENTS, APPS = Policy("client", 5, 60), Policy("app", 30, 60)
_AT_A_TIME = 2
"""Each check takes a third of a second of CPU time, and 16 MB."""


class EntryRoutes:
    """The call with a visitor's password. Belongs to the event loop; scrypt runs in threads.

    Only wrong passwords count for the limits. `clock` gives monotonic seconds.
    """

    def __init__(self, previews: Previews, clock: Callable[[], float]) -> None:
        self._previews = previews
        self._clients = TokenBuckets(CLIENTS, clock)
        self._apps = TokenBuckets(APPS, clock)
        self._limit = anyio.CapacityLimiter(_AT_A_TIME)

    def make_router(self) -> OperationRouter:
        """Return the route of this call."""
        router = OperationRouter("use", prefix="/v1/apps/{app}")
        router.add(
            "POST",
            "/entries",
            self.check_password,
            Operation(Scope.PROXY, action="enter", is_report=True),
            status_code=204,
            responses=document(400, 404, 409, 413),
        )
        return router

    async def check_password(self, app: App, order: EntryOrder, request: Request) -> Response:
        """Check the password that a visitor has entered.

        An app without a password, and one that does not exist, answer as to a wrong password.
        """
        # For the audit log: the visitor, not the proxy.
        proxy = request.state.client
        request.state.client = Client(order.client, proxy.address or "unknown")
        client = name_client(order.client, SITE_BITS)
        level = self._take(client, app)
        if not level.allowed:
            sentence = f"Too many wrong passwords were entered. Wait {level.retry} s."
            return limits.refuse(level.retry, sentence)
        known = self._find(app)
        is_right = await anyio.to_thread.run_sync(
            password_digest.is_right, order.password, known or NOBODYS, limiter=self._limit
        )
        if not is_right or known is None:
            raise WrongPassword
        self._clients.give_back(client)
        self._apps.give_back(app)
        return Response(status_code=204)

    def _take(self, client: str, app: str) -> Level:
        """Count a try, unless the client or the app has had too many."""
        level = self._clients.take(client)
        return self._apps.take(app) if level.allowed else level

    def _find(self, app: str) -> PasswordDigest | None:
        """Return an app's password, None without one. Raises SecretsUnreadable."""
        snapshot = self._previews.snapshot
        record = snapshot.access.get(app)
        if app not in snapshot.apps or record is None or record.access is not Access.PASSWORD:
            return None
        return read(snapshot.secrets, app).password
