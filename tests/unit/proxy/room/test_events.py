import asyncio
import contextlib
import json

import pytest

from program.http.server_events import Parser, ServerEvent
from proxy.framework.preview_streams import PreviewStreams
from proxy.held.refused_tasks import RefusedTasks
from proxy.model.routes import Route
from proxy.room import events
from proxy.routing.routing_table import RoutingTable
from tests.fakes.placements import SHA
from tests.fakes.rooms import takes_none
from tests.fakes.world import FakeFramework

HOST = "main.hello.localhost"


def follow(
    framework: FakeFramework, table: RoutingTable, refused: str = "", *, shows_all: bool = True
) -> list[ServerEvent]:
    """Return a page's events until the stream ends, or the framework is away."""

    async def whole() -> bytes:
        refused_tasks = RefusedTasks(table, framework, "the-proxy", probe=takes_none)
        preview_streams = PreviewStreams(framework, pause=lambda _: asyncio.sleep(0))
        page = events.Page(lambda now: "next", refused=refused, shows_all=shows_all)
        stream = events.follow(
            preview_streams, refused_tasks, HOST, preview=("hello", SHA), page=page
        )
        sent = b""
        async with contextlib.aclosing(stream):
            async for piece in stream:
                sent += piece
                if b"event: away" in piece:
                    break
        refused_tasks.close()
        preview_streams.close()
        return sent

    return read(asyncio.run(whole()))


def show_once(
    framework: FakeFramework, table: RoutingTable, refused: str = "", *, accepts: bool = False
) -> list[ServerEvent]:
    """Return the events of a page that cannot follow."""

    async def accepts_it(_: Route) -> bool:
        return accepts

    async def whole() -> bytes:
        refused_tasks = RefusedTasks(table, framework, "the-proxy", probe=accepts_it)
        page = events.Page(lambda now: "next", refused=refused)
        stream = events.show_once(
            lambda: framework.find("hello", SHA), refused_tasks, HOST, page=page
        )
        sent = b"".join([piece async for piece in stream])
        refused_tasks.close()
        return sent

    return read(asyncio.run(whole()))


def read(raw: bytes) -> list[ServerEvent]:
    """Return the events after the token."""
    sent = [event for event in Parser().feed(raw) if event.name]
    assert sent[0] == ServerEvent("token", '"next"')
    return sent[1:]


@pytest.fixture
def source() -> FakeFramework:
    made = FakeFramework()
    made.world.add("hello", "main", SHA)
    made.world.start("hello", "main")
    return made


def test_a_page_over_the_limit_gets_the_state_and_a_time_to_come_back(
    source: FakeFramework,
) -> None:
    sent = show_once(source, RoutingTable())
    assert [event.name for event in sent] == ["state", "later"]
    assert json.loads(sent[0].data)["sentence"] == "Waiting for a place to run."
    assert source.world.requests == ["find"]


@pytest.mark.parametrize(
    ("refused", "accepts", "sent"),
    [
        ("", False, ["ready"]),
        ("t", False, ["state", "later"]),
        ("t", True, ["ready"]),
    ],
    ids=["routed", "its task still refuses", "its task takes connections again"],
)
def test_a_page_that_polls_gets_ready_too(
    source: FakeFramework, refused: str, *, accepts: bool, sent: list[str]
) -> None:
    table = RoutingTable()
    table.replace({HOST: Route("10.0.0.1", 1, "t")})
    found = show_once(source, table, refused, accepts=accepts)
    assert [event.name for event in found] == sent


def test_a_page_that_polls_gets_the_problem(source: FakeFramework) -> None:
    source.away = True
    assert [event.name for event in show_once(source, RoutingTable())] == ["away"]
    source.away = False
    source.world.previews.clear()
    [problem] = show_once(source, RoutingTable())
    assert problem.name == "problem"
    assert "Load the page again" in json.loads(problem.data)["detail"]


def test_the_log_is_passed_on_and_states_lose_their_private_fields(source: FakeFramework) -> None:
    state = json.dumps(source.show("hello", SHA))
    source.events = [
        ServerEvent("state", state),
        ServerEvent("log", '"abc"', "3"),
        ServerEvent("secret", "x"),
        ServerEvent("end", state),
    ]
    sent = follow(source, RoutingTable())
    assert [event.name for event in sent] == ["state", "log", "end"]
    assert sent[1] == ServerEvent("log", '"abc"', "3")
    assert json.loads(sent[0].data)["sentence"] == "Waiting for a place to run."
    assert not [event for event in sent if "the-agent" in event.data or "31000" in event.data]


def test_an_app_that_shows_its_status_only_passes_no_log_and_no_detail(
    source: FakeFramework,
) -> None:
    state = source.show("hello", SHA) | {"detail": "3/5 RUN make SECRET", "state": "failed"}
    failure = {"cause": "build-failed", "message": "RUN make SECRET", "exit_code": 2}
    source.events = [
        ServerEvent("log", '"abc"', "3"),
        ServerEvent("reset", "{}"),
        ServerEvent("end", json.dumps(state | {"failure": failure})),
    ]
    sent = follow(source, RoutingTable(), shows_all=False)
    assert [event.name for event in sent] == ["end"]
    assert "SECRET" not in sent[0].data
    assert json.loads(sent[0].data)["failure"]["facts"] == "build failed · exit code 2"


@pytest.mark.parametrize(
    ("refused", "sent"),
    [("", ["ready"]), ("s", ["ready"]), ("t", ["log", "end"])],
    ids=["a visitor", "refused by another task", "refused by this one"],
)
def test_a_routed_host_is_ready_and_the_stream_ends_unless_its_task_refused(
    source: FakeFramework, refused: str, sent: list[str]
) -> None:
    table = RoutingTable()
    table.replace({HOST: Route("10.0.0.1", 1, "t")})
    end = json.dumps(source.show("hello", SHA))
    source.events = [ServerEvent("log", '"abc"', "3"), ServerEvent("end", end)]
    assert [event.name for event in follow(source, table, refused)] == sent


def test_a_refusal_of_the_framework_is_sent_as_a_problem() -> None:
    source = FakeFramework()
    source.world.add("hello", "main", SHA)
    [problem] = follow(source, RoutingTable())
    assert problem.name == "problem"
    assert "no preview" in json.loads(problem.data)["detail"]


def test_a_page_gets_away_if_the_framework_is_away(source: FakeFramework) -> None:
    source.away = True
    assert [event.name for event in follow(source, RoutingTable())] == ["away"]
