import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from framework.access import Identity, Scope
from framework.http_api.idempotency import KEPT_S, MOST, Idempotency
from prevs.records import AppRecord
from tests.fakes.asgi import ApiInProcess
from tests.fakes.clock import FakeClock

KEY = {"Idempotency-Key": '"5c80e7d2 ok"'}
SHOP = {"name": "shop", "repository": "/srv/shop"}


@pytest.fixture
def api() -> ApiInProcess:
    api = ApiInProcess()
    api.previews.add_app(AppRecord("hello", "/srv/git/hello"))
    api.refs.put("hello", "main", "a" * 40)
    return api


def order(api: ApiInProcess, body: Any = SHOP, key: Any = KEY) -> httpx.Response:
    return api.call("POST", "/v1/apps", json=body, headers=key)


def test_the_same_order_is_done_once_and_answered_alike(api: ApiInProcess) -> None:
    first = order(api)
    api.previews.remove_app("shop")
    again = order(api)
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.json(), again.headers["Location"]) == (first.json(), "/v1/apps/shop")
    assert [app.name for app in api.previews.apps()] == ["hello"]


def test_a_key_without_quotes_is_the_same_key(api: ApiInProcess) -> None:
    assert order(api, key={"Idempotency-Key": "abc-1"}).status_code == 201
    assert order(api, key={"Idempotency-Key": '"abc-1"'}).status_code == 201


def test_another_order_with_that_key_is_refused_but_not_one_of_another_kind(
    api: ApiInProcess,
) -> None:
    order(api)
    answer = order(api, {**SHOP, "mem": 256})
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:prevs:problem:idempotency-key-reused"
    start = {"app": "hello", "label": "main"}
    assert api.call("POST", "/v1/previews", json=start, headers=KEY).status_code == 202


def test_each_token_has_keys_of_its_own(api: ApiInProcess) -> None:
    order(api)
    api.previews.remove_app("shop")
    _, token = api.tokens.add_token("another", Scope.ADMIN)
    headers = {"Authorization": f"Bearer {token}", **KEY}
    assert api.send("POST", "/v1/apps", json={**SHOP, "mem": 256}, headers=headers).is_success


def test_a_token_that_is_made_again_under_a_name_has_keys_of_its_own(api: ApiInProcess) -> None:
    found = []
    for _ in range(2):
        _, token = api.tokens.add_token("deploys", Scope.ADMIN)
        headers = {"Authorization": f"Bearer {token}", **KEY}
        found.append(api.send("POST", "/v1/apps", json=SHOP, headers=headers).status_code)
        api.tokens.remove_token("deploys")
    assert found == [201, 200]  # the second was not told what the first one was


def test_a_no_is_not_kept(api: ApiInProcess) -> None:
    start = {"app": "hello", "label": "new"}
    answer = api.call("POST", "/v1/previews", json=start, headers=KEY)
    assert answer.status_code == 404
    api.refs.put("hello", "new", "b" * 40)
    assert api.call("POST", "/v1/previews", json=start, headers=KEY).status_code == 202


def test_a_key_is_forgotten_after_an_hour(api: ApiInProcess) -> None:
    order(api)
    api.clock.pass_seconds(KEPT_S)
    assert order(api, {**SHOP, "mem": 256}).json()["type"] == "urn:prevs:problem:app-exists"


def test_a_token_is_not_answered_twice(api: ApiInProcess) -> None:
    body = {"name": "deploys", "scope": "use"}
    first = api.call("POST", "/v1/tokens", json=body, headers=KEY)
    again = api.call("POST", "/v1/tokens", json=body, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 409)
    assert first.json()["token"] not in again.text


@pytest.mark.parametrize(
    "key", [b"", b'""', b'"a', b'a"b', b"\xe9", b"a b", b'"' + b"x" * 256 + b'"', b"\x7f"]
)
def test_what_is_no_key_is_refused(api: ApiInProcess, key: bytes) -> None:
    answer = order(api, key={"Idempotency-Key": key})
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:prevs:problem:invalid-request"
    assert [app.name for app in api.previews.apps()] == ["hello"]


def test_a_body_that_is_too_large_is_refused_with_a_key_too(api: ApiInProcess) -> None:
    async def pieces() -> Any:
        for _ in range(70):
            yield b"x" * 1000

    answer = api.call("POST", "/v1/apps", content=pieces(), headers=KEY)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:prevs:problem:body-too-large")


class Slow:
    """An application that answers when it may, and counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.may = asyncio.Event()

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        self.asked += 1
        await self.may.wait()
        await PlainTextResponse("done")(scope, receive, send)


async def ask(app: Idempotency, key: str) -> int:
    """Return the status of an answer; 0 where the client left before it."""
    status = [0]

    async def hear() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def say(message: Any) -> None:
        status.append(message.get("status", status[-1]))

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/apps",
        "query_string": b"",
        "headers": [(b"idempotency-key", key.encode())],
        "state": {"identity": Identity("ada", Scope.ADMIN), "digest": "ada's"},
    }
    await app(scope, hear, say)
    return status[-1]


def test_who_asks_while_it_is_done_waits_and_its_end_lets_go() -> None:
    async def run() -> tuple[list[int], int]:
        slow = Slow()
        app = Idempotency(slow, FakeClock().read)
        first = asyncio.create_task(ask(app, "one"))
        while not slow.asked:
            await asyncio.sleep(0)
        second = await ask(app, "one")
        first.cancel()  # the connection is gone
        await asyncio.wait([first])
        slow.may.set()
        return [second, await ask(app, "one"), await ask(app, "one")], slow.asked

    assert asyncio.run(run()) == ([409, 200, 200], 2)


def test_only_so_many_answers_are_kept() -> None:
    async def run() -> tuple[Sequence[int], int]:
        slow = Slow()
        slow.may.set()
        app = Idempotency(slow, FakeClock().read)
        statuses = [await ask(app, str(number)) for number in range(MOST + 50)]
        assert len(vars(app)["_known"]) <= MOST + 1
        return statuses, slow.asked

    statuses, asked = asyncio.run(run())
    assert set(statuses) == {200}
    assert asked == MOST + 50
