import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from framework.access import Scope
from framework.http_api.admission.calls import Call
from framework.http_api.admission.idempotency import KEPT_S, MOST, Idempotency
from framework.http_api.admission.operations import Operation
from tests.fakes.asgi import ApiInProcess, AsgiClient, refusal
from tests.fakes.clock import FakeClock

KEY = {"Idempotency-Key": '"5c80e7d2 ok"'}
SHOP = {"name": "shop", "repository": "/srv/shop"}
CALL = Call(
    Operation("POST", "/v1/apps", Scope.ADMIN, takes_key=True), "", "add app", "", is_write=True
)


def order(api: ApiInProcess, body: Any = SHOP, key: Any = KEY) -> httpx.Response:
    return api.call("POST", "/v1/apps", json=body, headers=key)


def test_a_repeated_order_is_done_once_and_gets_the_same_answer(api: ApiInProcess) -> None:
    first = order(api)
    api.previews.remove_app("shop")
    again = order(api)
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.json(), again.headers["Location"]) == (first.json(), "/v1/apps/shop")
    assert [app.name for app in api.previews.snapshot.list_apps()] == ["hello"]


def test_a_key_without_quotes_is_the_same_key(api: ApiInProcess) -> None:
    assert order(api, key={"Idempotency-Key": "abc-1"}).status_code == 201
    assert order(api, key={"Idempotency-Key": '"abc-1"'}).status_code == 201


def test_another_order_of_the_same_kind_with_that_key_is_refused(api: ApiInProcess) -> None:
    order(api)
    assert refusal(order(api, {**SHOP, "mem": 256})) == (422, "idempotency-key-reused")
    start = {"app": "hello", "label": "main"}
    assert api.call("POST", "/v1/previews", json=start, headers=KEY).status_code == 202


def test_each_token_has_keys_of_its_own_also_where_another_gets_its_name(api: ApiInProcess) -> None:
    found = []
    for _ in range(2):
        _, token = api.tokens.add_token("deploys", Scope.ADMIN)
        headers = {"Authorization": f"Bearer {token}", **KEY}
        found.append(api.send("POST", "/v1/apps", json=SHOP, headers=headers).status_code)
        api.tokens.remove_token("deploys")
    found.append(order(api).status_code)
    assert found == [201, 200, 200]  # none got the answer to the first one


def test_a_refusal_is_not_stored(api: ApiInProcess) -> None:
    start = {"app": "hello", "label": "new"}
    answer = api.call("POST", "/v1/previews", json=start, headers=KEY)
    assert answer.status_code == 404
    api.refs.put("hello", "new", "b" * 40)
    assert api.call("POST", "/v1/previews", json=start, headers=KEY).status_code == 202


def test_a_key_is_forgotten_after_an_hour(api: ApiInProcess) -> None:
    order(api)
    api.clock.pass_seconds(KEPT_S)
    assert refusal(order(api, {**SHOP, "mem": 256})) == (409, "app-exists")


def test_a_new_token_is_not_repeated(api: ApiInProcess) -> None:
    body = {"name": "deploys", "scope": "use"}
    first = api.call("POST", "/v1/tokens", json=body, headers=KEY)
    again = api.call("POST", "/v1/tokens", json=body, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 409)
    assert first.json()["token"] not in again.text


@pytest.mark.parametrize(
    "key", [b"", b'""', b'"a', b'a"b', b"\xe9", b"a b", b'"' + b"x" * 256 + b'"', b"\x7f"]
)
def test_an_invalid_key_is_refused(api: ApiInProcess, key: bytes) -> None:
    assert refusal(order(api, key={"Idempotency-Key": key})) == (400, "invalid-request")
    assert [app.name for app in api.previews.snapshot.list_apps()] == ["hello"]


def test_a_body_that_is_too_large_is_refused_with_a_key_too(api: ApiInProcess) -> None:
    async def pieces() -> Any:
        for _ in range(70):
            yield b"x" * 1000

    answer = api.call("POST", "/v1/apps", content=pieces(), headers=KEY)
    assert refusal(answer) == (413, "body-too-large")


class Slow:
    """An application that waits until it may answer, and counts its requests."""

    def __init__(self) -> None:
        self.calls = 0
        self.may = asyncio.Event()

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        self.calls += 1
        await self.may.wait()
        await PlainTextResponse("done")(scope, receive, send)


async def send(app: Idempotency, key: str) -> int:
    client = AsgiClient()
    headers = [(b"idempotency-key", key.encode())]
    await client.send(app, "POST", headers=headers, call=CALL, digest="ada's")
    return client.status


def test_a_key_in_use_is_refused_until_its_order_ends() -> None:
    async def run() -> tuple[list[int], int]:
        slow = Slow()
        app = Idempotency(slow, FakeClock().read)
        first = asyncio.create_task(send(app, "one"))
        while not slow.calls:
            await asyncio.sleep(0)
        second = await send(app, "one")
        first.cancel()  # the connection is gone
        await asyncio.wait([first])
        slow.may.set()
        return [second, await send(app, "one"), await send(app, "one")], slow.calls

    assert asyncio.run(run()) == ([409, 200, 200], 2)


def test_the_number_of_stored_answers_is_limited() -> None:
    async def run() -> tuple[Sequence[int], int]:
        slow = Slow()
        slow.may.set()
        app = Idempotency(slow, FakeClock().read)
        statuses = [await send(app, str(number)) for number in range(MOST + 50)]
        assert len(vars(app)["_known"]) <= MOST + 1
        return statuses, slow.calls

    statuses, calls = asyncio.run(run())
    assert set(statuses) == {200}
    assert calls == MOST + 50
