"""How many webhooks a proxy reads at a time, and what it passes on."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prevs.hooks import AUTHORIZATION, PATH
from proxy.room.hooks import AT_A_TIME, EACH, OF_STRANGERS, Hooks
from tests.fakes.rooms import make_room
from tests.fakes.world import FakeFramework
from tests.loops import in_a_loop

URL = f"{PATH}hello"


class Forges:
    """Clients of a room over a framework in memory. Their bodies end once `open` is set.

    `full` is set once as many bodies as may come at a time have begun.
    """

    def __init__(self) -> None:
        self.framework = FakeFramework()
        context = make_room(self.framework, domain="prevs.example")
        hooks = Hooks(context, elsewhere=self.answer_elsewhere, clock=lambda: 0.0)
        app = Starlette(routes=[Route(f"{PATH}{{app}}", hooks.take, methods=["POST"])])
        self.open, self.full = asyncio.Event(), asyncio.Event()
        self.begun = 0
        transport = httpx.ASGITransport(app)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://prevs.example")

    async def answer_elsewhere(self, _: Request) -> Response:
        raise AssertionError("no host of a preview is named here")

    async def deliver(self, client: str) -> int:
        """Send a webhook that takes its time; return the status."""

        async def body() -> AsyncIterator[bytes]:
            self.begun += 1
            if self.begun == AT_A_TIME:
                self.full.set()
            yield b"one"
            await self.open.wait()

        answer = await self.http.post(URL, content=body(), headers={"X-Forwarded-For": client})
        return answer.status_code


@in_a_loop
async def test_a_client_and_all_together_have_a_limit_of_webhooks_at_a_time() -> None:
    forges = Forges()
    waiting = [
        asyncio.create_task(forges.deliver(f"10.0.0.{number // EACH}"))
        for number in range(AT_A_TIME)
    ]
    await forges.full.wait()
    assert await forges.deliver("10.0.0.0") == 429
    assert await forges.deliver("10.0.9.9") == 429
    forges.open.set()
    assert set(await asyncio.gather(*waiting)) == {202}
    assert await forges.deliver("10.0.9.9") == 202
    assert {body for _, _, body in forges.framework.hooks} == {b"one"}


@in_a_loop
async def test_forged_ones_of_many_clients_keep_out_strangers_and_nobody_else() -> None:
    forges = Forges()
    forges.open.set()
    assert await forges.deliver("10.0.9.9") == 202
    forges.framework.forged = True
    clients = [f"10.0.0.{number}" for number in range(OF_STRANGERS.quota // 60 + 1)]
    answers = [await forges.deliver(client) for client in clients for _ in range(60)]
    assert answers.count(401) == OF_STRANGERS.quota
    forges.framework.forged = False
    assert await forges.deliver("10.0.1.1") == 429
    assert await forges.deliver("10.0.9.9") == 202


@in_a_loop
async def test_the_forges_own_authorization_has_another_name() -> None:
    forges = Forges()
    sent = {"Authorization": "Bearer x", "X-Gitlab-Token": "y", "Cookie": "z"}
    assert (await forges.http.post(URL, content=b"{}", headers=sent)).status_code == 202
    expected = {"x-gitlab-token": "y", AUTHORIZATION: "Bearer x"}
    assert forges.framework.hooks == [("hello", expected, b"{}")]


@in_a_loop
@pytest.mark.parametrize("forged", [True, False])
async def test_the_answer_is_the_frameworks(*, forged: bool) -> None:
    forges = Forges()
    forges.framework.forged, forges.framework.away = forged, not forged
    answer = await forges.http.post(URL, content=b"{}")
    assert answer.status_code == (401 if forged else 503)
    assert answer.headers["Content-Type"] == "application/problem+json"
