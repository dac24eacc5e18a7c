"""The calls and reports of a proxy, with its token, at the framework's own application."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from framework.http_api.admission import limits
from prevs.states import State
from proxy.framework.api_client import FrameworkApi
from proxy.model.errors import ApiRefused
from proxy.model.landing import LandingQuery
from proxy.model.usage import Source, TaskUsage
from tests.fakes.answers import SHA
from tests.fakes.api import Api
from tests.fakes.asgi import OF_PROXIES

pytestmark = pytest.mark.integration


@pytest.fixture
def api() -> Api:
    api = Api()
    api.add("hello", "main")
    return api


@pytest.fixture
def address(api: Api) -> Iterator[str]:
    with api.serving() as address:
        yield address


def run(address: str, act: Callable[[FrameworkApi], Awaitable[Any]], token: str) -> Any:
    async def whole() -> Any:
        client = FrameworkApi([address], token)
        try:
            return await act(client)
        finally:
            await client.close()

    return asyncio.run(whole())


async def do_all(client: FrameworkApi) -> None:
    """Make every call that a proxy makes."""
    assert (await client.resolve("hello", "main")).sha == SHA
    await client.start("hello", "main")
    assert await client.find("hello", SHA)
    landing = await client.read_landing("hello", LandingQuery())
    assert (landing.default and landing.default.sha) == SHA
    await client.retry("hello", SHA)
    await client.read_log("hello", SHA, 0)
    await client.read_log_end("hello", SHA)
    async for event in client.follow("hello", SHA, None):
        assert event.name == "state"
        break
    await client.report_usage("a", [TaskUsage("hello.x.a1", 2, 3)], Source(("10.0.0.7",), 998))
    await client.report_refused_tasks("a", ["hello.x.a1"])
    with pytest.raises(ApiRefused) as refused:  # the call is allowed, this webhook is forged
        await client.pass_on_hook("hello", {"x-gitlab-token": "\xe6"}, b"{}")
    assert refused.value.problem.slug == "hook-refused"


def test_a_proxys_token_is_good_for_all_calls_of_a_proxy(api: Api, address: str) -> None:
    run(address, do_all, OF_PROXIES)
    ((proxy, uses),) = api.previews.uses
    assert (proxy, [tuple(usage) for usage in uses]) == ("a", [("hello.x.a1", 2, 3)])
    assert api.previews.refusals == [("a", ("hello.x.a1",))]
    # Reports that are taken are not noted.
    assert {(who, action) for who, action, _, _ in api.notes()} == {
        ("proxy", "start preview"),
        ("proxy", "retry preview"),
    }


def test_a_proxy_has_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TOKENS", limits.TOKENS._replace(quota=20))
    api = Api()
    api.add("hello", "main")
    token = api.call("POST", "/v1/tokens", json={"name": "looks", "scope": "read"}).json()["token"]

    async def call_often(client: FrameworkApi) -> list[object]:
        return [await client.find("hello", SHA) for _ in range(21)]

    with api.serving() as address:
        assert run(address, call_often, OF_PROXIES) == [None] * 21
        with pytest.raises(ApiRefused, match="more than 20 requests"):
            run(address, call_often, token)


def test_a_token_that_somebody_made_cannot_report_as_a_proxy(api: Api, address: str) -> None:
    api.put(State.RUNNING)
    for scope in ("use", "admin"):
        order = {"name": scope, "scope": scope}
        token = api.call("POST", "/v1/tokens", json=order).json()["token"]
        for act in (
            lambda client: client.report_usage("a", [], Source()),
            lambda client: client.report_refused_tasks("a", ["t"]),
        ):
            with pytest.raises(ApiRefused) as refused:
                run(address, act, token)
            assert refused.value.problem.slug == "forbidden"
            assert "PREVS_PROXY_TOKEN_FILE" in refused.value.problem.detail
    assert (api.previews.uses, api.previews.refusals) == ([], [])
