import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse

from framework.access import Identity, Scope
from framework.http_api.buckets import Buckets, Policy
from framework.http_api.clients import Client
from framework.http_api.limits import OPEN, STRANGERS, TOKENS, Strangers, TokenLimit
from tests.fakes.asgi import TOKEN, ApiInProcess
from tests.fakes.clock import FakeClock


@given(st.lists(st.floats(0, 50), max_size=80))
def test_nobody_gets_more_than_a_full_bucket_and_what_flows_in(pauses: list[float]) -> None:
    clock = FakeClock()
    buckets = Buckets(Policy("x", 5, 10), clock.read)
    took = 0
    for pause in pauses:
        clock.pass_seconds(pause)
        level = buckets.take("a")
        took += level.allowed
        assert 0 <= level.remaining < 5
        assert level.allowed == (level.retry == 0)
        assert took <= 5 + (clock.seconds - 1_000_000.0) / 2 + 1e-6


def test_who_waits_as_told_may_ask_again() -> None:
    clock = FakeClock()
    buckets = Buckets(Policy("x", 2, 10), clock.read)
    assert [buckets.take("a").allowed for _ in range(3)] == [True, True, False]
    assert buckets.take("b").allowed
    clock.pass_seconds(buckets.take("a").retry)
    level = buckets.take("a")
    assert (level.allowed, level.remaining) == (True, 0)
    clock.pass_seconds(level.reset)
    assert buckets.take("a").remaining == 1


def test_as_many_as_come_take_little_room() -> None:
    clock = FakeClock()
    buckets = Buckets(Policy("x", 1, 1_000_000), clock.read)
    assert buckets.take("worst").allowed
    for number in range(20_000):
        clock.pass_seconds(0.001)
        buckets.take(str(number))
    assert len(vars(buckets)["_levels"]) <= 10_000
    assert not buckets.take("19999").allowed


class Limited:
    """A TokenLimit over an application that answers at once."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self._app = TokenLimit(PlainTextResponse("done"), self.clock.read)

    def ask(self, name: str = "looks") -> httpx.Response:
        async def know(scope: Any, receive: Any, send: Any) -> None:
            scope["state"] = {"identity": Identity(name, Scope.READ)}
            await self._app(scope, receive, send)

        async def run() -> httpx.Response:
            transport = httpx.ASGITransport(know)
            async with httpx.AsyncClient(transport=transport, base_url="http://prevs") as client:
                return await client.get("/v1/apps")

        return asyncio.run(run())


def test_a_named_token_is_told_what_is_left_and_refused_when_nothing_is() -> None:
    limited = Limited()
    answers = [limited.ask() for _ in range(TOKENS.quota + 1)]
    assert answers[0].headers["RateLimit-Policy"] == '"token";q=600;w=60'
    assert [a.headers["RateLimit"] for a in answers[:11:5]] == [
        '"token";r=599;t=1',
        '"token";r=594;t=1',
        '"token";r=589;t=2',
    ]
    assert [a.status_code for a in answers] == [200] * TOKENS.quota + [429]
    last = answers[-1]
    assert last.json()["type"] == "urn:prevs:problem:too-many-requests"
    assert "'looks'" in last.json()["detail"]
    assert (last.headers["Retry-After"], last.headers["RateLimit"]) == ("1", '"token";r=0;t=60')
    assert limited.ask("other").is_success
    limited.clock.pass_seconds(1)
    assert limited.ask().is_success


class Stays:
    """Requests that are answered only when they are told to end, as streams are."""

    def __init__(self) -> None:
        self._end = asyncio.Event()
        self._limit = TokenLimit(self._answer, FakeClock().read)
        self._tasks: list[asyncio.Task[None]] = []

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        await self._end.wait()
        await PlainTextResponse("done")(scope, receive, send)

    async def ask(self, name: str) -> list[Any]:
        """Return what was said once nothing more is about to be."""
        said: list[Any] = []

        async def say(message: Any) -> None:
            said.append(message)

        async def hear() -> Any:
            await asyncio.Event().wait()

        scope = {"type": "http", "state": {"identity": Identity(name, Scope.READ)}}
        self._tasks.append(asyncio.create_task(self._limit(scope, hear, say)))
        await asyncio.sleep(0)
        return said

    async def end(self) -> None:
        self._end.set()
        await asyncio.gather(*self._tasks)


def test_a_named_token_has_only_so_many_requests_open_at_once() -> None:
    async def run() -> tuple[list[Any], list[Any], list[Any], list[Any]]:
        stays = Stays()
        for _ in range(OPEN):
            assert await stays.ask("looks") == await stays.ask("operator") == []
        refused, operator, other = [await stays.ask(name) for name in ("looks", "operator", "a")]
        assert operator == other == []
        await stays.end()
        return refused, operator, other, await stays.ask("looks")

    refused, *others = asyncio.run(run())
    assert refused[0]["status"] == 429
    assert (b"retry-after", b"10") in refused[0]["headers"]
    assert b"'looks' has 200 requests open" in refused[1]["body"]
    assert [said[0]["status"] for said in others] == [200, 200, 200]


def test_the_operators_token_has_no_limit() -> None:
    limited = Limited()
    answers = [limited.ask("operator") for _ in range(TOKENS.quota + 1)]
    assert {answer.status_code for answer in answers} == {200}
    assert "RateLimit" not in answers[0].headers


def test_what_is_refused_for_its_scope_counts_too() -> None:
    api = ApiInProcess()
    _, token = api.tokens.add_token("looks", Scope.READ)
    headers = {"Authorization": f"Bearer {token}"}
    answers = [api.send("POST", "/v1/apps", headers=headers) for _ in range(2)]
    assert [a.status_code for a in answers] == [403, 403]
    assert [a.headers["RateLimit"][:15] for a in answers] == ['"token";r=599;t', '"token";r=598;t']


def test_wrong_tokens_are_limited_and_hold_up_no_right_one() -> None:
    api = ApiInProcess()
    wrong = {"Authorization": f"Bearer {TOKEN}x"}
    answers = [api.send("DELETE", "/v1/apps/x", headers=wrong) for _ in range(STRANGERS.quota + 5)]
    assert [a.status_code for a in answers] == [401] * STRANGERS.quota + [429] * 5
    assert int(answers[-1].headers["Retry-After"]) == 3
    assert answers[-1].json()["type"] == "urn:prevs:problem:too-many-requests"
    assert len(api.audit.latest()) == STRANGERS.quota
    assert api.call("GET", "/v1/apps").is_success


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (Client("10.0.0.1"), Client("10.0.0.2"), False),
        (Client("10.0.0.1"), Client("10.0.0.1", "10.0.0.9"), True),
        (Client("2001:db8::1"), Client("2001:db8::ffff:1"), True),
        (Client("2001:db8::1"), Client("2001:db8:0:1::1"), False),
        (Client("fe80::1%eth0"), Client("fe80::2"), True),
        (Client(None, "10.0.0.9"), Client("10.0.0.9"), False),
        (Client("testclient"), Client("testclient"), True),
    ],
)
def test_strangers_are_told_apart_by_their_network(
    one: Client, other: Client, shared: bool
) -> None:
    strangers = Strangers(FakeClock().read)
    for _ in range(STRANGERS.quota):
        strangers.take(one)
    assert not strangers.take(one).allowed
    assert strangers.take(other).allowed is not shared
