import asyncio
import contextlib
import json

import pytest

from program.server_events import Parser, ServerEvent
from proxy.framework.sources import Sources
from proxy.held.refused_tasks import Refusals
from proxy.model.routes import Route
from proxy.room import events
from proxy.routing.routing_table import RoutingTable
from tests.fakes.placements import SHA
from tests.fakes.world import FakeFramework

HOST = "main.hello.localhost"


async def takes_none(_: Route) -> bool:
    return False


def follow(
    framework: FakeFramework,
    table: RoutingTable,
    refused: str = "",
    *,
    shows_all: bool = True,
) -> list[ServerEvent]:
    """Return what a page is told until the stream ends, or up to the framework's being away."""

    async def whole() -> bytes:
        refusals = Refusals(table, framework, "the-proxy", connects=takes_none)
        sources = Sources(framework, pause=lambda _: asyncio.sleep(0))
        page = events.Page(lambda now: "next", refused=refused, shows_all=shows_all)
        stream = events.follow(sources, refusals, HOST, preview=("hello", SHA), page=page)
        told = b""
        async with contextlib.aclosing(stream):
            async for piece in stream:
                told += piece
                if b"event: away" in piece:
                    break
        refusals.close()
        sources.close()
        return told

    return read(asyncio.run(whole()))


def glance(
    framework: FakeFramework, table: RoutingTable, refused: str = "", *, connects: bool = False
) -> list[ServerEvent]:
    """Return what a page is told that cannot follow."""

    async def takes(_: Route) -> bool:
        return connects

    async def whole() -> bytes:
        refusals = Refusals(table, framework, "the-proxy", connects=takes)
        page = events.Page(lambda now: "next", refused=refused)
        stream = events.glance(lambda: framework.find("hello", SHA), refusals, HOST, page=page)
        told = b"".join([piece async for piece in stream])
        refusals.close()
        return told

    return read(asyncio.run(whole()))


def read(raw: bytes) -> list[ServerEvent]:
    """Return the events after the token."""
    told = [event for event in Parser().feed(raw) if event.name]
    assert told[0] == ServerEvent("token", '"next"')
    return told[1:]


@pytest.fixture
def source() -> FakeFramework:
    made = FakeFramework()
    made.world.add("hello", "main", SHA)
    made.world.start("hello", "main")
    return made


def test_a_page_for_which_there_is_no_place_hears_the_state_and_to_come_later(
    source: FakeFramework,
) -> None:
    told = glance(source, RoutingTable())
    assert [event.name for event in told] == ["state", "later"]
    assert json.loads(told[0].data)["sentence"] == "Waiting for a place to run."
    assert source.world.asked == ["find"]


@pytest.mark.parametrize(
    ("refused", "connects", "told"),
    [
        ("", False, ["ready"]),
        ("t", False, ["state", "later"]),
        ("t", True, ["ready"]),
    ],
    ids=["routed", "its task still refuses", "its task takes connections again"],
)
def test_a_page_that_only_looks_is_let_in_as_well(
    source: FakeFramework, refused: str, *, connects: bool, told: list[str]
) -> None:
    table = RoutingTable()
    table.replace({HOST: Route("10.0.0.1", 1, "t")})
    found = glance(source, table, refused, connects=connects)
    assert [event.name for event in found] == told


def test_a_page_that_only_looks_is_told_why_there_is_nothing(source: FakeFramework) -> None:
    source.away = True
    assert [event.name for event in glance(source, RoutingTable())] == ["away"]
    source.away = False
    source.world.previews.clear()
    [problem] = glance(source, RoutingTable())
    assert problem.name == "problem"
    assert "Load the page again" in json.loads(problem.data)["detail"]


def test_the_log_passes_and_states_lose_what_is_no_visitor_s_business(
    source: FakeFramework,
) -> None:
    state = json.dumps(source.show("hello", SHA))
    source.events = [
        ServerEvent("state", state),
        ServerEvent("log", '"abc"', "3"),
        ServerEvent("secret", "x"),
        ServerEvent("end", state),
    ]
    told = follow(source, RoutingTable())
    assert [event.name for event in told] == ["state", "log", "end"]
    assert told[1] == ServerEvent("log", '"abc"', "3")
    assert json.loads(told[0].data)["sentence"] == "Waiting for a place to run."
    assert not [event for event in told if "the-agent" in event.data or "31000" in event.data]


def test_of_an_app_that_shows_its_status_no_log_and_no_detail_pass(source: FakeFramework) -> None:
    state = source.show("hello", SHA) | {"detail": "3/5 RUN make SECRET", "state": "failed"}
    failure = {"cause": "build-failed", "message": "RUN make SECRET", "exit_code": 2}
    source.events = [
        ServerEvent("log", '"abc"', "3"),
        ServerEvent("reset", "{}"),
        ServerEvent("end", json.dumps(state | {"failure": failure})),
    ]
    told = follow(source, RoutingTable(), shows_all=False)
    assert [event.name for event in told] == ["end"]
    assert "SECRET" not in told[0].data
    assert json.loads(told[0].data)["failure"]["facts"] == "build failed · exit code 2"


@pytest.mark.parametrize(
    ("refused", "told"),
    [("", ["ready"]), ("s", ["ready"]), ("t", ["log", "end"])],
    ids=["a visitor", "refused by another task", "refused by this one"],
)
def test_a_routed_host_is_ready_and_nothing_follows_unless_its_task_has_refused(
    source: FakeFramework, refused: str, told: list[str]
) -> None:
    table = RoutingTable()
    table.replace({HOST: Route("10.0.0.1", 1, "t")})
    end = json.dumps(source.show("hello", SHA))
    source.events = [ServerEvent("log", '"abc"', "3"), ServerEvent("end", end)]
    assert [event.name for event in follow(source, table, refused)] == told


def test_what_the_framework_refuses_is_told_as_a_problem() -> None:
    source = FakeFramework()
    source.world.add("hello", "main", SHA)
    [problem] = follow(source, RoutingTable())
    assert problem.name == "problem"
    assert "no preview" in json.loads(problem.data)["detail"]


def test_a_framework_that_is_away_is_told(
    source: FakeFramework,
) -> None:
    source.away = True
    assert [event.name for event in follow(source, RoutingTable())] == ["away"]
