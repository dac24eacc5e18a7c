"""How visitors enter, for proxies: /v1/sign-ins, and /v1/apps/{app}/entries.

A visitor of an app for its team signs in at the identity provider; then a session names the person.
"""

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread
import structlog
from fastapi import Request, Response

from framework.access import Scope
from framework.apps import password_digest
from framework.apps.access_errors import WrongPassword
from framework.apps.password_digest import NOBODYS, PasswordDigest
from framework.http_api.admission import limits
from framework.http_api.admission.clients import Client
from framework.http_api.admission.operations import Routes, operation
from framework.http_api.admission.password_checks import PasswordChecks
from framework.http_api.http.parameters import App
from framework.http_api.models import access_models as models
from framework.people.roles import find_scope
from framework.ports.identity import Person
from framework.service.service_client import ServiceClient
from framework.state.secret_records import read
from framework.visitors.errors import NotInTeam
from framework.visitors.sign_in import VisitorSignIn
from prevs.access import Access
from program.http.client_address import SITE_BITS, name_client, name_customer
from program.limits.token_buckets import Level, Policy, TokenBuckets

CLIENTS, APPS = Policy("client", 5, 60), Policy("app", 30, 60)
SIGN_INS, PEOPLE = Policy("client", 60, 60), Policy("client", 30, 60)
"""Beginnings and ends of sign-ins, and refusals of people, which the audit log notes."""
_RETRY_S = 5
"""When there was no time to check a password."""
_AT_PROVIDER = 8
"""Each call may wait for the provider."""
_T = TypeVar("_T")

log = structlog.get_logger(__name__)


class EntryRoutes(Routes):
    """The calls of proxies for their visitors. Belongs to the event loop.

    Threads check passwords, and ask the provider. Of passwords, only wrong ones count for the
    limits. `clock` gives monotonic seconds.
    """

    tag = "use"

    def __init__(
        self, previews: ServiceClient, visitors: VisitorSignIn, clock: Callable[[], float]
    ) -> None:
        self._previews = previews
        self._visitors = visitors
        self._clients = TokenBuckets(CLIENTS, clock)
        self._apps = TokenBuckets(APPS, clock)
        self._people = TokenBuckets(PEOPLE, clock)
        self._sign_ins = TokenBuckets(SIGN_INS, clock)
        self._checks = PasswordChecks(clock)
        self._provider_limit = anyio.CapacityLimiter(_AT_PROVIDER)

    @operation(
        "POST",
        "/v1/apps/{app}/entries",
        Scope.PROXY,
        action="enter",
        is_report=True,
        refuses=(404, 409),
        status_code=204,
    )
    async def enter_app(self, app: App, order: models.EntryOrder, request: Request) -> Response:
        """Check the password that a visitor has entered, or whether somebody is in the team.

        An app without a password or a team, and one that does not exist, answer as to a wrong
        password, or to somebody of another team.
        """
        _name_visitor(request, order.client)
        if order.password is None:
            return self._check_person(app, order, name_client(order.client, SITE_BITS))
        return await self._check_password(app, order.password, order.client)

    @operation(
        "POST",
        "/v1/sign-ins",
        Scope.PROXY,
        action="begin sign-in",
        is_report=True,
        refuses=(409,),
        response_model=models.BegunSignIn,
    )
    async def begin_sign_in(
        self, order: models.SignInOrder, request: Request
    ) -> models.BegunSignIn | Response:
        """Begin a visitor's sign-in at the identity provider."""
        if refusal := self._count_sign_in(order.client, request):
            return refusal
        begun = await self._ask_provider(self._visitors.begin)
        return models.BegunSignIn(**begun._asdict())

    @operation(
        "POST",
        "/v1/sign-ins/finish",
        Scope.PROXY,
        action="sign in",
        is_report=True,
        refuses=(409,),
        response_model=models.VisitorSession,
    )
    async def finish_sign_in(
        self, order: models.SignInResult, request: Request
    ) -> models.VisitorSession | Response:
        """Finish a visitor's sign-in with what the provider has sent back."""
        if refusal := self._count_sign_in(order.client, request):
            return refusal
        person = await self._ask_provider(
            lambda: self._visitors.finish(order.attempt, order.state, order.code)
        )
        log.info("a visitor has signed in", person=person.login, client=order.client)
        roles = self._previews.snapshot.roles.values()
        session = self._visitors.write_session(person, roles)
        return models.VisitorSession(session=session, login=person.login)

    async def _check_password(self, app: str, password: str, address: str) -> Response:
        client = name_client(address, SITE_BITS)
        level = self._take(client, app)
        if not level.allowed:
            sentence = f"Too many wrong passwords were entered. Wait {level.retry} s."
            return limits.refuse(level.retry, sentence)
        known = self._find(app)
        is_right = await self._checks.check(
            name_customer(address),
            lambda: password_digest.is_right(password, known or NOBODYS) and known is not None,
        )
        if is_right is False:
            raise WrongPassword
        self._clients.give_back(client)
        self._apps.give_back(app)
        return Response(status_code=204) if is_right else _refuse_waiting()

    def _take(self, client: str, app: str) -> Level:
        """Count a try, unless the client or the app has had too many."""
        level = self._clients.take(client)
        return self._apps.take(app) if level.allowed else level

    def _find(self, app: str) -> PasswordDigest | None:
        """Return an app's password, None without one. Raises SecretsUnreadable."""
        if not self._is_closed_by(app, Access.PASSWORD):
            return None
        return read(self._previews.snapshot.secrets, app).password

    def _check_person(self, app: str, order: models.EntryOrder, client: str) -> Response:
        """Ask anew each time: whoever has lost a role is out at the next entry."""
        told = Person(order.user, order.user, frozenset(order.groups))
        person = self._visitors.identify(order.session, told)
        scope = find_scope(self._previews.snapshot.roles.values(), person, app)
        if scope is not None and self._is_closed_by(app, Access.TEAM):
            log.info("somebody of the team enters", app=app, person=person.login)
            return Response(status_code=204)
        level = self._people.take(client)
        if not level.allowed:
            return limits.refuse(level.retry, f"Wait {level.retry} s, and try again.")
        raise NotInTeam(person.login)

    def _is_closed_by(self, app: str, access: Access) -> bool:
        """Return whether there is such an app, and it is closed in this way."""
        snapshot = self._previews.snapshot
        record = snapshot.access.get(app)
        return app in snapshot.apps and record is not None and record.access is access

    def _count_sign_in(self, client: str, request: Request) -> Response | None:
        """Return why a visitor may not sign in now."""
        _name_visitor(request, client)
        level = self._sign_ins.take(name_client(client, SITE_BITS))
        if level.allowed:
            return None
        sentence = f"There were too many sign-ins from your address. Wait {level.retry} s."
        return limits.refuse(level.retry, sentence)

    async def _ask_provider(self, call: Callable[[], _T]) -> _T:
        return await anyio.to_thread.run_sync(call, limiter=self._provider_limit)


def _refuse_waiting() -> Response:
    sentence = (
        f"Many passwords wait to be checked, and yours was not. Wait {_RETRY_S} s, and try again."
    )
    return limits.refuse(_RETRY_S, sentence)


def _name_visitor(request: Request, client: str) -> None:
    """Let the audit log name the visitor, and not the proxy."""
    proxy = request.state.client
    request.state.client = Client(client, proxy.address or "unknown")
