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


def follow(
    framework: FakeFramework,
    table: Table,
    refused: str = "",
    *,
    shows_all: bool = True,
    lasts: bool = True,
) -> list[LogEvent]:
    async def whole() -> bytes:
        refusals = Refusals(table, framework, "the-proxy", connects=takes_none)
        page = events.Page(lambda now: "next", refused=refused, shows_all=shows_all, lasts=lasts)
        stream = events.follow(framework, refusals, HOST, preview=("hello", SHA), page=page)
        told = b"".join([piece async for piece in stream])
        refusals.close()
        return told

    told = [event for event in Parser().feed(asyncio.run(whole())) if event.name]
    assert told[0] == LogEvent("token", None, '"next"')
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
    state = json.dumps(source.show("hello", SHA))
    source.events = [LogEvent("state", None, state), LogEvent("log", "3", '"abc"')]
    told = follow(source, Table(), lasts=False)
    assert [event.name for event in told] == ["state", "later"]


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


def test_of_an_app_that_shows_its_status_no_log_and_no_detail_pass(source: FakeFramework) -> None:
    state = source.show("hello", SHA) | {"detail": "3/5 RUN make SECRET", "state": "failed"}
    failure = {"cause": "build-failed", "message": "RUN make SECRET", "exit_code": 2}
    source.events = [
        LogEvent("log", "3", '"abc"'),
        LogEvent("reset", None, "{}"),
        LogEvent("state", None, json.dumps(state | {"failure": failure})),
    ]
    told = follow(source, Table(), shows_all=False)
    assert [event.name for event in told] == ["state"]
    assert "SECRET" not in told[0].data
    assert json.loads(told[0].data)["failure"]["facts"] == "build failed · exit code 2"


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
