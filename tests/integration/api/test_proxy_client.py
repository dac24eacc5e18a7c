"""The client of the framework's API, against a real socket."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from framework.errors import Unavailable
from framework.ports.identity_errors import ProviderUnreachable
from prevs.access import Access, AccessRecord
from proxy.framework.api_client import FrameworkApi
from proxy.model.errors import ApiAway, ApiRefused
from proxy.model.preview import Member
from proxy.model.usage import Source
from tests.fakes.placements import OTHER_SHA, SHA
from tests.fakes.world import TOKEN, World
from tests.free_ports import free_port

pytestmark = pytest.mark.integration


def make_world() -> World:
    world = World()
    world.add("hello", "main", SHA)
    return world


world = pytest.fixture(make_world)
other = pytest.fixture(make_world)


@pytest.fixture
def base(world: World) -> Iterator[str]:
    with world.serving() as base:
        yield base


def call(base: str, act: Callable[[FrameworkApi], Awaitable[Any]], token: str = TOKEN) -> Any:
    async def whole() -> Any:
        api = FrameworkApi(base.split(","), token)
        try:
            return await act(api)
        finally:
            await api.close()

    return asyncio.run(whole())


def test_a_label_is_resolved_and_started(base: str, world: World) -> None:
    commit = call(base, lambda api: api.resolve("hello", "main"))
    assert (commit.sha, commit.subject) == (SHA, "Say hello")
    assert call(base, lambda api: api.find("hello", SHA)) is None
    assert call(base, lambda api: api.start("hello", "main")).state == "queued"
    assert call(base, lambda api: api.find("hello", SHA)).state == "queued"


def test_an_instance_of_a_variant_has_an_id_a_commit_and_the_members_around_it(
    base: str, world: World
) -> None:
    world.add("web", "main", SHA)
    world.add("web", "feature-x", OTHER_SHA)
    world.add("cart", "main", SHA)
    world.api.stacks.open_shop()
    commit = call(base, lambda api: api.resolve("web", "feature-x--shop"))
    assert (commit.commit, commit.sha != OTHER_SHA) == (OTHER_SHA, True)
    assert (commit.variant.stack, commit.variant.name, commit.variant.member) == (
        *("shop", "feature-x", "web"),
    )
    started = call(base, lambda api: api.start("web", "feature-x--shop"))
    assert (started.sha, started.commit, started.handle) == (
        *(commit.sha, OTHER_SHA, "feature-x--shop"),
    )
    assert call(base, lambda api: api.find("web", commit.sha)).variant.members == (
        Member("web", "web", "feature-x", True, "http://feature-x--shop.localhost/", "queued"),
        Member("cart", "cart", "main", False, "http://feature-x--cart-shop.localhost/", ""),
    )
    usual = call(base, lambda api: api.start("web", "main"))
    assert (usual.commit, usual.instance, usual.variant) == (SHA, "", None)


@pytest.mark.parametrize("hidden_by", ["", "room", "access"])
def test_an_unknown_variant_is_refused_with_the_open_ones_that_anybody_may_see(
    base: str, world: World, hidden_by: str
) -> None:
    for app in ("web", "cart"):
        world.add(app, "main", SHA)
    world.api.stacks.open_shop("secret-branch")
    if hidden_by == "room":
        world.known.change_app("cart", {"room": "status"})
    elif hidden_by:
        world.known.access["cart"] = AccessRecord("cart", Access.PASSWORD)
    with pytest.raises(ApiRefused) as refused:
        call(base, lambda api: api.resolve("shop", "nope"))
    problem = refused.value.problem
    assert (problem.slug, problem.status) == ("unknown-variant", 404)
    assert "prevs stack open shop BRANCH" in problem.detail
    assert (b"secret-branch" in problem.body()) is not bool(hidden_by)
    url = "http://secret-branch--shop.localhost/"
    known = [] if hidden_by else [{"label": "secret-branch", "url": url}]
    assert problem.fields["candidates"] == known


def test_a_refusal_keeps_the_frameworks_message(base: str) -> None:
    with pytest.raises(ApiRefused) as refused:
        call(base, lambda api: api.start("hello", "nothing"))
    assert refused.value.problem.slug == "unknown-label"
    assert refused.value.problem.fields == {
        "app": "hello",
        "label": "nothing",
        "candidates": [],
    }


def test_a_provider_that_is_away_is_no_framework_that_is_away(base: str, world: World) -> None:
    begun = call(base, lambda api: api.begin_sign_in("203.0.113.7"))
    world.api.provider.error = ProviderUnreachable("https://sso.example", "does not answer.")
    for act in (
        lambda api: api.begin_sign_in("203.0.113.7"),
        lambda api: api.finish_sign_in(begun.attempt, begun.state, "a-code", "203.0.113.7"),
    ):
        with pytest.raises(ApiRefused) as refused:
            call(base, act)
        problem = refused.value.problem
        assert (problem.slug, problem.status) == ("provider-unreachable", 503)


def test_a_failed_preview_is_retried_others_stay_as_they_are(base: str, world: World) -> None:
    world.start("hello", "main")
    world.fail("hello", SHA, cause="app-exited", message="It exited.", exit_code=1)
    assert call(base, lambda api: api.retry("hello", SHA)).state == "queued"
    world.move("hello", SHA, "building")
    assert call(base, lambda api: api.retry("hello", SHA)).state == "building"
    with pytest.raises(ApiRefused):
        call(base, lambda api: api.retry("hello", OTHER_SHA))


def test_the_next_framework_is_tried_where_one_cannot_be_reached(base: str) -> None:
    addresses = f"http://127.0.0.1:{free_port()},{base}"
    assert call(addresses, lambda api: api.start("hello", "main")).state == "queued"


def test_the_next_framework_is_tried_where_one_knows_no_leader(
    base: str, world: World, other: World
) -> None:
    world.standby = True
    with other.serving() as second:

        async def send(api: FrameworkApi) -> None:
            for _ in range(3):
                await api.start("hello", "main")

        call(f"{base},{second}", send)
    assert len(world.requests) == 1, "the one that answered was not remembered"
    assert other.count("POST /v1/previews") == 3


def test_the_next_framework_is_tried_where_one_ends_during_the_call(base: str) -> None:
    """Such a call may arrive twice, and starts one preview."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def take_and_end() -> None:
            client, _ = listener.accept()
            client.recv(1000)
            client.close()

        taken = threading.Thread(target=take_and_end)
        taken.start()
        addresses = f"http://127.0.0.1:{listener.getsockname()[1]},{base}"
        assert call(addresses, lambda api: api.start("hello", "main")).state == "queued"
        taken.join()


def test_a_framework_that_hangs_is_left_for_the_one_that_accepted_the_last_report(
    base: str, world: World
) -> None:
    """A stopped process accepts connections and answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as hung:

        async def send(api: FrameworkApi) -> None:
            await api.report_usage("the-proxy", [], Source())
            await api.start("hello", "main")

        call(f"http://127.0.0.1:{hung.getsockname()[1]},{base}", send)
        hung.setblocking(False)
        hung.accept()[0].close()
        with pytest.raises(BlockingIOError):  # it got one request
            hung.accept()
    assert len(world.uses) == 1
    assert world.requests == ["POST /v1/previews"]


def test_a_refusal_is_the_answer_and_no_other_framework_is_tried(base: str, other: World) -> None:
    with other.serving() as second, pytest.raises(ApiRefused):
        call(f"{base},{second}", lambda api: api.start("hello", "nothing"))
    assert other.requests == []


def test_a_log_is_followed_to_its_end_at_the_next_framework_where_one_cannot_be_reached(
    base: str, world: World
) -> None:
    world.start("hello", "main")
    world.log(SHA, "0123456789")
    world.move("hello", SHA, "stopped", task_id="the-task")

    async def follow(api: FrameworkApi) -> list[Any]:
        return [event async for event in api.follow("hello", SHA, "4")]

    events = call(f"http://127.0.0.1:{free_port()},{base}", follow)
    assert [event.name for event in events] == ["state", "log", "end"]
    assert (events[1].id, events[1].data) == ("10", '"456789"')


def test_a_stream_that_breaks_goes_on_at_the_next_framework(base: str, world: World) -> None:
    world.start("hello", "main")
    world.log(SHA, "0123456789")
    world.move("hello", SHA, "stopped", task_id="the-task")
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    event = 'event: log\nid: 4\ndata: "0123"\n\n'
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def begin_and_break() -> None:
            client, _ = listener.accept()
            client.recv(1000)
            client.sendall(f"{head}{len(event):x}\r\n{event}\r\n".encode())
            client.close()

        broken = threading.Thread(target=begin_and_break)
        broken.start()

        async def follow(api: FrameworkApi) -> list[Any]:
            events = []
            with contextlib.suppress(ApiAway):
                async for event in api.follow("hello", SHA, None):
                    events.append(event)
            assert events[-1].id == "4"
            return events + [event async for event in api.follow("hello", SHA, "4")]

        events = call(f"http://127.0.0.1:{listener.getsockname()[1]},{base}", follow)
        broken.join()
    assert [event.data for event in events if event.name == "log"] == ['"0123"', '"456789"']


def test_if_no_framework_answers_the_error_names_them_all(base: str, world: World) -> None:
    world.standby = True
    nobody = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ApiAway) as away:
        call(f"{nobody},{base}", lambda api: api.start("hello", "main"))
    assert nobody in str(away.value)
    assert f"{base}: No framework leads now." in str(away.value)


def test_a_wrong_token_is_reported_without_the_token(base: str) -> None:
    with pytest.raises(ApiAway) as away:
        call(base, lambda api: api.start("hello", "main"), token="wrong-token")
    assert "token" in str(away.value)
    assert "wrong-token" not in str(away.value)


def test_a_framework_that_cannot_answer_now_counts_as_away(base: str, world: World) -> None:
    world.refuse("hello", "main", Unavailable("ZooKeeper"))
    with pytest.raises(ApiAway, match="ZooKeeper"):
        call(base, lambda api: api.start("hello", "main"))


def test_a_log_is_read_piece_by_piece_and_from_its_end(base: str, world: World) -> None:
    world.start("hello", "main")
    world.move("hello", SHA, "building")
    size = 16 * 65_536  # the limit of one answer, in whole reads
    world.log(SHA, "x\n" * (size // 2) + "the end")

    async def read(api: FrameworkApi) -> list[Any]:
        first = await api.read_log("hello", SHA, 0)
        return [first, await api.read_log("hello", SHA, first[1])]

    assert call(base, read) == [("x\n" * (size // 2), size), ("the end", size + 7)]
    assert call(base, lambda api: api.read_log_end("hello", SHA)) == "x\n" * 2044 + "the end"
