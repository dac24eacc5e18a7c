"""The framework's API in this process: no socket, fakes behind it."""

import asyncio
import functools
import itertools
import tempfile
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from framework.http_api import Admission, Audit, Ports, Probes, Vouching, make_app
from framework.ports import Sandboxes
from prevs import names
from program.health import Check
from tests.fakes.agents import FakeAgents
from tests.fakes.clock import FakeClock
from tests.fakes.previews import FakePreviews
from tests.fakes.refs import FakeRefs
from tests.fakes.sandboxes import FakeSandboxes
from tests.fakes.secrets import FakeSecrets
from tests.fakes.tokens import FakeTokens

TOKEN = "a-token-for-tests"
NOW = 1000.0


class ApiInProcess:
    """The API over fakes; `call` brings the token unless other headers are given."""

    def __init__(
        self,
        port: int = 8080,
        sandboxes: Sandboxes | None = None,
        clock: FakeClock | None = None,
        token: str = TOKEN,
        previews: FakePreviews | None = None,
    ) -> None:
        self.previews = previews or FakePreviews()
        self.refs = FakeRefs()
        self.sandboxes = FakeSandboxes()
        self.agents = FakeAgents()
        self.secrets = FakeSecrets(lambda name: name in self.previews.known_apps)
        self.tokens = FakeTokens(token)
        self.clock = clock or FakeClock()
        self._folder = tempfile.TemporaryDirectory()
        numbers = itertools.count()
        self.audit = Audit(
            Path(self._folder.name), lambda: NOW + next(numbers), lambda: f"{next(numbers):012}"
        )
        self.registry = CollectorRegistry()
        self.trouble: str | None = None
        self.stuck = False
        self.proxies: list[str] = []
        self.ports = Ports(
            self.previews,
            self.refs,
            sandboxes or self.sandboxes,
            self.agents,
            self.secrets,
            ready=lambda: self.trouble,
            note_proxy=self.proxies.append,
        )
        self.admission = Admission(
            self.tokens, self.audit, Vouching(TOKEN, lambda: NOW), self.clock.read
        )
        self._port = port

    @functools.cached_property
    def app(self) -> FastAPI:
        """The application. It takes a while to make."""
        return make_app(
            self.ports,
            self.admission,
            addresses=names.addresses("localhost", self._port),
            registry=self.registry,
            checks=Probes(self._healthy, self._ready),
        )

    def _healthy(self) -> tuple[Check, ...]:
        return (Check("service", not self.stuck, "It last went round 1.0 s ago."),)

    def _ready(self) -> tuple[Check, ...]:
        return Check("zookeeper", not self.trouble, self.trouble or "It answers."), *self._healthy()

    def call(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Return the answer to a call."""
        headers = {"Authorization": f"Bearer {TOKEN}", **request.pop("headers", {})}
        return self.send(method, path, headers=headers, **request)

    def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Return the answer to a call as it is given, without a token."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://prevs") as client:
                return await client.request(method, path, **request)

        return asyncio.run(ask())
