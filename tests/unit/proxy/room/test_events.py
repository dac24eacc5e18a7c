import asyncio
import json

import pytest

from proxy.preview import LogEvent
from proxy.refusals import Refusals
from proxy.room import events
from proxy.routes import Route
from proxy.server_events import Parser
from proxy.table import Table
from tests.fakes.placements import SHA
from tests.fakes.world import FakeFramework

HOST = "main.hello.localhost"


async def takes_none(_: Route) -> bool:
    return False


def follow(framework: FakeFramework, table: Table, refused: str = "") -> list[LogEvent]:
    async def whole() -> bytes:
        refusals = Refusals(table, framework, "the-proxy", connects=takes_none)
        stream = events.follow(
            framework, refusals, HOST, preview=("hello", SHA), after=None, refused=refused
        )
        told = b"".join([piece async for piece in stream])
        refusals.close()
        return told

    return [event for event in Parser().feed(asyncio.run(whole())) if event.name]


@pytest.fixture
def source() -> FakeFramework:
    made = FakeFramework()
    made.world.add("hello", "main", SHA)
    made.world.start("hello", "main")
    return made


def test_the_log_passes_and_states_lose_what_is_no_visitor_s_business(
    source: FakeFramework,
) -> None:
    state = json.dumps(source.show("hello", SHA))
    source.events = [
        LogEvent("log", "3", '"abc"'),
        LogEvent("reset", None, "{}"),
        LogEvent("state", None, state),
        LogEvent("secret", None, "x"),
        LogEvent("end", None, state),
    ]
    told = follow(source, Table())
    assert [event.name for event in told] == ["log", "reset", "state", "end"]
    assert told[0] == LogEvent("log", "3", '"abc"')
    assert json.loads(told[2].data)["sentence"] == "Waiting for a place to run."
    assert not [event for event in told if "the-agent" in event.data or "31000" in event.data]


@pytest.mark.parametrize(
    ("refused", "told"),
    [("", ["ready"]), ("s", ["ready"]), ("t", ["log"])],
    ids=["a visitor", "refused by another task", "refused by this one"],
)
def test_a_routed_host_is_ready_and_nothing_follows_unless_its_task_has_refused(
    source: FakeFramework, refused: str, told: list[str]
) -> None:
    table = Table()
    table.replace({HOST: Route("10.0.0.1", 1, "t")})
    source.events = [LogEvent("log", "3", '"abc"')]
    assert [event.name for event in follow(source, table, refused)] == told


def test_what_the_framework_refuses_is_told_as_a_problem() -> None:
    source = FakeFramework()
    source.world.add("hello", "main", SHA)
    [problem] = follow(source, Table())
    assert problem.name == "problem"
    assert "no preview" in json.loads(problem.data)["detail"]


def test_a_framework_that_is_away_is_told_and_the_browser_comes_again(
    source: FakeFramework,
) -> None:
    source.away = True
    assert [event.name for event in follow(source, Table())] == ["away"]
