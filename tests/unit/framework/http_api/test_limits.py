import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse

from framework.access import Identity, Scope
from framework.http_api.admission.clients import Client
from framework.http_api.admission.limits import (
    FAILED_AUTH,
    OPEN,
    TOKENS,
    FailedAuthLimit,
    TokenLimit,
)
from program.limits.token_buckets import Policy, TokenBuckets
from tests.fakes.asgi import TOKEN, ApiInProcess, AsgiClient, refusal, send_raw
from tests.fakes.clock import FakeClock


@given(st.lists(st.floats(0, 50), max_size=80))
def test_nobody_gets_more_than_a_full_bucket_and_its_refill(pauses: list[float]) -> None:
    clock = FakeClock()
    buckets = TokenBuckets(Policy("x", 5, 10), clock.read)
    took = 0
    for pause in pauses:
        clock.pass_seconds(pause)
        level = buckets.take("a")
        took += level.allowed
        assert 0 <= level.remaining < 5
        assert level.allowed == (level.retry == 0)
        assert took <= 5 + (clock.seconds - 1_000_000.0) / 2 + 1e-6


def test_a_request_after_the_retry_time_is_allowed() -> None:
    clock = FakeClock()
    buckets = TokenBuckets(Policy("x", 2, 10), clock.read)
    assert [buckets.take("a").allowed for _ in range(3)] == [True, True, False]
    assert buckets.take("b").allowed
    clock.pass_seconds(buckets.take("a").retry)
    level = buckets.take("a")
    assert (level.allowed, level.remaining) == (True, 0)
    clock.pass_seconds(level.reset)
    assert buckets.take("a").remaining == 1


def test_any_number_of_clients_takes_little_memory() -> None:
    clock = FakeClock()
    buckets = TokenBuckets(Policy("x", 1, 1_000_000), clock.read)
    assert buckets.take("worst").allowed
    for number in range(20_000):
        clock.pass_seconds(0.001)
        buckets.take(str(number))
    assert len(vars(buckets)["_kept"]) <= 10_000
    assert not buckets.take("19999").allowed


def send_as(name: str, app: TokenLimit) -> AsgiClient:
    return send_raw(app, identity=Identity(name, Scope.READ))


def test_a_named_token_gets_its_rate_limit_and_is_refused_above_it() -> None:
    clock = FakeClock()
    limit = TokenLimit(PlainTextResponse("done"), clock.read)
    answers = [send_as("looks", limit) for _ in range(TOKENS.quota + 1)]
    assert answers[0].headers[b"ratelimit-policy"] == b'"token";q=600;w=60'
    assert [a.headers[b"ratelimit"] for a in answers[:11:5]] == [
        b'"token";r=599;t=1',
        b'"token";r=594;t=1',
        b'"token";r=589;t=2',
    ]
    assert [a.status for a in answers] == [200] * TOKENS.quota + [429]
    last = answers[-1]
    assert last.problem["type"] == "urn:prevs:problem:too-many-requests"
    assert "'looks'" in last.problem["detail"]
    assert (last.headers[b"retry-after"], last.headers[b"ratelimit"]) == (b"1", b'"token";r=0;t=60')
    assert send_as("other", limit).status == 200
    clock.pass_seconds(1)
    assert send_as("looks", limit).status == 200


def test_the_operators_token_has_no_limit() -> None:
    limit = TokenLimit(PlainTextResponse("done"), FakeClock().read)
    answers = [send_as("operator", limit) for _ in range(TOKENS.quota + 1)]
    assert {answer.status for answer in answers} == {200}
    assert b"ratelimit" not in answers[0].headers


def test_a_named_token_has_a_limit_of_open_requests() -> None:
    async def run() -> AsgiClient:
        end = asyncio.Event()
        tasks: list[asyncio.Task[None]] = []

        async def stay(scope: Any, receive: Any, send: Any) -> None:
            await end.wait()
            await PlainTextResponse("done")(scope, receive, send)

        limit = TokenLimit(stay, FakeClock().read)

        async def begin(name: str) -> AsgiClient:
            client = AsgiClient()
            call = client.send(limit, identity=Identity(name, Scope.READ))
            tasks.append(asyncio.create_task(call))
            await asyncio.sleep(0)
            return client

        staying = [await begin(name) for name in ("looks", "operator") * OPEN]
        refused, *more = [await begin(name) for name in ("looks", "operator", "a")]
        staying += more
        assert [client.sent for client in staying] == [[]] * len(staying)
        end.set()
        await asyncio.gather(*tasks)
        again = await begin("looks")
        assert {client.status for client in (*staying, again)} == {200}
        return refused

    refused = asyncio.run(run())
    assert (refused.status, refused.headers[b"retry-after"]) == (429, b"10")
    assert "'looks' has 200 open requests" in refused.problem["detail"]


def test_requests_that_are_refused_for_their_scope_count_too(api: ApiInProcess) -> None:
    answers = [api.ask("POST", "/v1/apps", Scope.READ) for _ in range(2)]
    assert [a.status_code for a in answers] == [403, 403]
    assert [a.headers["RateLimit"][:15] for a in answers] == ['"token";r=599;t', '"token";r=598;t']


def test_wrong_tokens_are_limited_and_block_no_valid_one(api: ApiInProcess) -> None:
    wrong = {"Authorization": f"Bearer {TOKEN}x"}
    answers = [
        api.send("DELETE", "/v1/apps/x", headers=wrong) for _ in range(FAILED_AUTH.quota + 5)
    ]
    assert [a.status_code for a in answers] == [401] * FAILED_AUTH.quota + [429] * 5
    assert int(answers[-1].headers["Retry-After"]) == 3
    assert refusal(answers[-1]) == (429, "too-many-requests")
    assert len(api.audit.latest()) == FAILED_AUTH.quota
    assert api.call("GET", "/v1/apps").is_success


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (Client("10.0.0.1"), Client("10.0.0.2"), False),
        (Client("10.0.0.1"), Client("10.0.0.1", "10.0.0.9"), True),
        (Client("2001:db8::1"), Client("2001:db8::ffff:1"), True),
        (Client("2001:db8::1"), Client("2001:db8:0:1::1"), False),
        (Client("fe80::1%eth0"), Client("fe80::2"), True),
        (Client("::ffff:10.0.0.1"), Client("::ffff:10.0.0.2"), False),
        (Client(None, "10.0.0.9"), Client("10.0.0.9"), False),
        (Client("testclient"), Client("testclient"), True),
    ],
)
def test_invalid_tokens_are_counted_by_network(one: Client, other: Client, shared: bool) -> None:
    limit = FailedAuthLimit(FakeClock().read)
    for _ in range(FAILED_AUTH.quota):
        limit.take(one)
    assert not limit.take(one).allowed
    assert limit.take(other).allowed is not shared
