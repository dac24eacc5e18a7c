"""The client of the framework's API, against a real socket."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from proxy.errors import ApiAway, ApiRefused
from proxy.framework_api import FrameworkApi
from tests.fakes.framework_api import TOKEN, Previews, Refusal, serving
from tests.fakes.placements import SHA

pytestmark = pytest.mark.integration


@pytest.fixture
def world() -> Previews:
    world = Previews()
    world.add("hello", "main", SHA)
    return world


@pytest.fixture
def base(world: Previews) -> Iterator[str]:
    with serving(world) as base:
        yield base


def call(base: str, act: Callable[[FrameworkApi], Awaitable[Any]], token: str = TOKEN) -> Any:
    async def whole() -> Any:
        api = FrameworkApi(base, token)
        try:
            return await act(api)
        finally:
            await api.close()

    return asyncio.run(whole())


def test_a_label_is_resolved_and_started(base: str, world: Previews) -> None:
    commit = call(base, lambda api: api.resolve("hello", "main"))
    assert (commit.sha, commit.subject) == (SHA, "Say hello")
    assert call(base, lambda api: api.find("hello", SHA)) is None
    assert call(base, lambda api: api.start("hello", "main")).state == "queued"
    assert call(base, lambda api: api.find("hello", SHA)).state == "queued"


def test_a_refusal_keeps_what_the_framework_said(base: str) -> None:
    with pytest.raises(ApiRefused) as refused:
        call(base, lambda api: api.start("hello", "nothing"))
    assert refused.value.problem.slug == "unknown-label"
    assert refused.value.problem.fields == {"app": "hello", "label": "nothing"}


def test_a_failed_preview_is_retried_others_are_not(base: str, world: Previews) -> None:
    world.start("hello", "main")
    with pytest.raises(ApiRefused):
        call(base, lambda api: api.retry("hello", SHA))
    world.fail("hello", SHA, cause="app-exited", message="It exited.", exit_code=1)
    assert call(base, lambda api: api.retry("hello", SHA)).state == "queued"


def test_a_log_is_followed_to_its_end(base: str, world: Previews) -> None:
    world.start("hello", "main")
    world.log(SHA, "0123456789")
    world.move("hello", SHA, "stopped")

    async def follow(api: FrameworkApi) -> list[Any]:
        return [event async for event in api.follow("hello", SHA, "4")]

    events = call(base, follow)
    assert [event.name for event in events] == ["log", "state", "end"]
    assert (events[0].id, events[0].data) == ("10", '"456789"')


def test_the_wrong_token_is_told_without_the_token(base: str) -> None:
    with pytest.raises(ApiAway) as away:
        call(base, lambda api: api.start("hello", "main"), token="wrong-token")
    assert "token" in str(away.value)
    assert "wrong-token" not in str(away.value)


def test_a_framework_that_cannot_answer_now_is_away(base: str, world: Previews) -> None:
    world.refuse("hello", "main", Refusal("unavailable", 503, "ZooKeeper does not answer now."))
    with pytest.raises(ApiAway, match="ZooKeeper"):
        call(base, lambda api: api.start("hello", "main"))


def test_nobody_there_is_away() -> None:
    with pytest.raises(ApiAway):
        call("http://127.0.0.1:1", lambda api: api.start("hello", "main"))
