"""Clients of ASGI applications in this process, and the framework's API over fakes."""

import asyncio
import functools
import itertools
import json
import secrets
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import httpx
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Message

from framework.access import Scope
from framework.apps.pass_texts import PassWriter
from framework.apps.receivers import Receiver
from framework.forges import registry
from framework.http_api import Admission, Audit, ClientSignature, Ports, Probes, make_app
from framework.people import seals
from framework.ports import EnteredHook, HookPorts, Polling, Repositories, Sandboxes
from framework.ports.forges import Finding, ForgePorts, Webhook
from framework.ports.notifications import CallbackTry, LastTry, NotificationPorts, Standing
from framework.visitors.sign_in import Terms, VisitorSignIn
from prevs import names
from prevs.names import Addresses
from prevs.records import AppRecord
from program.http.health import Check
from tests.fakes.agents import FakeAgents
from tests.fakes.clock import FakeClock
from tests.fakes.gates import FakeGates
from tests.fakes.identity_provider import FakeProvider
from tests.fakes.jobs import FakeJobs
from tests.fakes.previews import FakePreviews
from tests.fakes.refs import FakeRefs
from tests.fakes.sandboxes import FakeSandboxes
from tests.fakes.schedules import FakeSchedules
from tests.fakes.shared_routes import Serving, SharedRoutes
from tests.fakes.stacks import FakeStacks
from tests.fakes.tokens import FakeTokens

TOKEN = "a-token-for-tests"
OF_PROXIES = "a-token-for-proxies-of-tests"
PASS_KEY = "5c80e7d1" * 8
NOW = 1000.0
HOST = (b"host", b"prevs.example.org")


def fetch(
    app: ASGIApp, method: str, path: str, *, cookies: httpx.Cookies | None = None, **request: Any
) -> httpx.Response:
    """Return the answer of an application."""

    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://prevs.localhost", cookies=cookies
        ) as client:
            return await client.request(method, path, **request)

    return asyncio.run(run())


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and the type of an answer that is a problem."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    fields = answer.json()
    assert fields["status"] == answer.status_code
    return answer.status_code, fields["type"].removeprefix("urn:prevs:problem:")


def problems(answer: httpx.Response) -> dict[str, str]:
    """Return what is wrong with an order, by the places of it."""
    assert answer.status_code == 422, answer.text
    return {one["field"]: one["message"] for one in answer.json()["problems"]}


def _make_audit() -> Audit:
    """Return an audit log whose file is closed; its folder goes when it is collected."""
    folder = tempfile.mkdtemp()
    numbers = itertools.count()
    audit = Audit(Path(folder), lambda: NOW + next(numbers), lambda: f"{next(numbers):012}")
    audit.close()
    # A TemporaryDirectory that is collected warns, whatever test runs then.
    weakref.finalize(audit, shutil.rmtree, folder)
    return audit


class ApiInProcess:
    """The API over fakes; `call` sends the token unless other headers are given.

    `ask` is for callers with a scope. Its paths begin below `place`, and it names the token
    by `scheme`.
    """

    place: ClassVar[str] = ""
    scheme: ClassVar[str] = "Bearer"

    def __init__(
        self,
        port: int = 8080,
        sandboxes: Sandboxes | None = None,
        clock: FakeClock | None = None,
        token: str = TOKEN,
        previews: FakePreviews | None = None,
        refs: Repositories | None = None,
        *,
        ironworker: bool = False,
    ) -> None:
        self.previews = previews or FakePreviews()
        self.jobs = FakeJobs(self.previews)
        self.schedules = FakeSchedules(self.jobs)
        self.gates = FakeGates(self.jobs, self.previews)
        self.stacks = FakeStacks(self.jobs, self.previews)
        self.refs = FakeRefs()
        self.sandboxes = FakeSandboxes()
        self.agents = FakeAgents()
        self._token = token
        self.tokens = FakeTokens(token, OF_PROXIES)
        self.tokens.roles = lambda: self.previews.roles
        self.clock = clock or FakeClock()
        self.audit = _make_audit()
        self.registry = CollectorRegistry()
        self.trouble: str | None = None
        self.stuck = False
        self.kept_logs: set[str] = set()
        self.findings: Sequence[Finding] = ()
        self.entered = EnteredHook("made")
        self.webhooks: list[tuple[str, str, Webhook]] = []
        self.proxies: list[str] = []
        self.nudged: list[str] = []
        self.polling = Polling(10.0)
        self.notify_hosts = ["hooks.slack.com", "*.example.org"]
        self.standing: dict[str, Standing] = {}
        self.callback_tries: dict[tuple[str, str], CallbackTry] = {}
        self.tested: list[tuple[str, Receiver]] = []
        self.last_try = LastTry(NOW, 200, "")
        self.provider = FakeProvider()
        self.ports = self._make_ports(refs, sandboxes, names.addresses("localhost", port))
        self.admission = Admission(
            self.tokens, self.audit, ClientSignature(TOKEN, lambda: NOW), self.clock.read
        )
        self._made: dict[str, str] = {}
        self._port = port
        self._ironworker = ironworker

    def _make_ports(
        self, refs: Repositories | None, sandboxes: Sandboxes | None, addresses: Addresses
    ) -> Ports:
        return Ports(
            self.previews,
            self.jobs,
            self.schedules,
            self.gates,
            self.stacks,
            refs or self.refs,
            sandboxes or self.sandboxes,
            self.agents,
            ready=lambda: self.trouble,
            report=self.previews.report,
            is_log_kept=self.kept_logs.__contains__,
            hooks=HookPorts(self.nudged.append, lambda _: self.polling, secrets.token_bytes),
            passes=PassWriter(PASS_KEY, "localhost", addresses),
            visitors=self._make_visitors(addresses),
            forge=ForgePorts(lambda *_: self.findings, self._enter_hook, registry.takes_secret),
            notifications=NotificationPorts(
                self.notify_hosts,
                lambda app: self.standing if app == "hello" else {},
                self._test_receiver,
                lambda app, job_id: self.callback_tries.get((app, job_id)),
                secrets.token_bytes,
            ),
            note_proxy=self.proxies.append,
        )

    def _make_visitors(self, addresses: Addresses) -> VisitorSignIn:
        terms = Terms(
            seals.derive_key(self._token, "visitors"),
            addresses.signed_in_url(),
            trusts_proxy=False,
            now=self.clock.read,
            new_secret=lambda: secrets.token_urlsafe(32),
        )
        return VisitorSignIn(self.provider, terms)

    @functools.cached_property
    def app(self) -> FastAPI:
        """The application."""
        routes = SharedRoutes()
        app = make_app(
            self.ports,
            self.admission,
            addresses=names.addresses("localhost", self._port),
            registry=self.registry,
            checks=Probes(self._healthy, self._ready),
            ironworker=self._ironworker,
            make_routes=routes.make,
        )
        app.add_middleware(Serving, answers=routes.answers)
        return app

    def _enter_hook(self, app: AppRecord, token: str, webhook: Webhook) -> EnteredHook:
        self.webhooks.append((app.name, token, webhook))
        return self.entered

    def _test_receiver(self, app: str, receiver: Receiver) -> LastTry:
        self.tested.append((app, receiver))
        return self.last_try

    def _healthy(self) -> tuple[Check, ...]:
        return (Check("service", not self.stuck, "It last ran 1.0 s ago."),)

    def _ready(self) -> tuple[Check, ...]:
        return Check("zookeeper", not self.trouble, self.trouble or "It answers."), *self._healthy()

    def notes(self) -> list[tuple[str | None, str, str, int | str]]:
        """Return (who, action, target, outcome) of each entry in the audit log."""
        return [(one.who, one.action, one.target, one.outcome) for one in self.audit.latest()]

    def ask(
        self, method: str, path: str = "", scope: Scope = Scope.ADMIN, app: str = "", **request: Any
    ) -> httpx.Response:
        """Return the answer to a call by somebody with a scope, in one app or with "" in all."""
        headers = {**self.bearer(scope, app), **request.pop("headers", {})}
        return self.send(method, f"{self.place}{path}", headers=headers, **request)

    def bearer(self, scope: Scope, app: str = "") -> dict[str, str]:
        """Return the header with a token of a scope, which is made the first time.

        Its name is `a-use` for the scope `use` in all apps, and `a-use-of-shop` in one.
        """
        name = f"a-{scope.value}-of-{app}" if app else f"a-{scope.value}"
        if scope is Scope.PROXY:
            self._made[name] = OF_PROXIES
        if name not in self.tokens.known and scope is not Scope.PROXY:
            _, self._made[name] = self.tokens.add_token(name, scope, app)
        return {"Authorization": f"{self.scheme} {self._made[name]}"}

    def call(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Return the answer to a call."""
        headers = {"Authorization": f"Bearer {TOKEN}", **request.pop("headers", {})}
        return self.send(method, path, headers=headers, **request)

    def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Return the answer to a call without a token.

        The audit log's file is closed; the next entry opens it. A process has hundreds of these.
        """
        try:
            return fetch(self.app, method, path, **request)
        finally:
            self.audit.close()


class AsgiClient:
    """One HTTP client of an ASGI application; it stays until `leave`."""

    def __init__(self, *body: bytes) -> None:
        self.sent: list[Message] = []
        self._body = list(body) or [b""]
        self._left = asyncio.Event()
        self.got = asyncio.Event()

    def leave(self) -> None:
        self._left.set()

    async def send(
        self,
        app: ASGIApp,
        method: str = "GET",
        path: bytes = b"/v1/apps",
        query: bytes = b"",
        headers: Sequence[tuple[bytes, bytes]] = (HOST,),
        client: tuple[str, int] | None = None,
        **state: object,
    ) -> None:
        """Send a request, and wait for the whole answer; `state` is what middleware has set."""
        scope = {
            "type": "http",
            "asgi": {"spec_version": "2.4"},
            "client": client,
            "method": method,
            "path": path.decode("latin-1"),
            "raw_path": path,
            "query_string": query,
            "headers": list(headers),
            "state": state,
        }
        await app(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        if self._body:
            piece = self._body.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self._body)}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)
        if message.get("body"):
            self.got.set()

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers[b"content-type"] == b"application/problem+json"
        fields: dict[str, Any] = json.loads(self.body)
        return fields


def send_raw(app: ASGIApp, *body: bytes, **request: Any) -> AsgiClient:
    """Return a client that has sent a request to an application, and has the answer."""
    client = AsgiClient(*body)
    asyncio.run(client.send(app, **request))
    return client
