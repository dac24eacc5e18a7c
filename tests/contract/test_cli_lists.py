"""What the command line lists beside apps and previews: on its stand-in and on the real API."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from cli.answers import AgentPreview, Commit, Deed, Event, MesosAgent, Ref, Token
from cli.api import Api
from cli.credentials import Credentials
from cli.errors import ApiRefused
from cli.following import follow_events
from framework.mesos_agents import Amount
from framework.mesos_agents import MesosAgent as KnownAgent
from prevs.records import AppRecord
from prevs.states import State
from tests.contract.test_cli_api import served
from tests.fakes import api as stand_in
from tests.fakes import api_server, asgi

pytestmark = pytest.mark.contract

SHA = stand_in.SHA


class Stage(Protocol):
    """A framework with an app `hello`, whose branch main leads to SHA, and an agent that has it."""

    address: str
    token: str
    before: str
    """The id of what happened last before that."""

    def happen(self) -> None:
        """Have the preview of SHA run, if it does not."""
        ...


class StandIn:
    token = stand_in.TOKEN
    before = "e-0"

    def __init__(self, world: stand_in.World, address: str) -> None:
        self.address = address
        self._world = world
        world.apps["hello"] = stand_in.app("hello")
        world.refs = [stand_in.ref("main")]
        world.commits = [stand_in.commit()]
        world.audit = [stand_in.deed(1, action="add token", target="ci", outcome=201)]
        room = {"cpus": 0.1, "mem": 128}
        has = {"app": "hello", "sha": SHA, "label": "main", "state": "running", **room}
        world.agents = [stand_in.agent("10.0.0.1", previews=[has])]

    def happen(self) -> None:
        self._world.events = [stand_in.event_of(1)]
        self._world.streams = [[stand_in.event("preview", stand_in.event_of(1))]]


class Real:
    token = asgi.TOKEN

    def __init__(self, api: asgi.ApiInProcess, address: str) -> None:
        self.address = address
        self._api = api
        api.previews.add_app(AppRecord("hello", "/srv/hello"))
        api.refs.put("hello", "main", SHA)
        room = (Amount(4.0, 4096.0), Amount(0.11, 160.0))
        api.agents.known = [KnownAgent("S0", "10.0.0.1", True, False, None, {}, *room)]
        self.before = api.previews.history().last

    def happen(self) -> None:
        more: dict[str, Any] = {"labels": ("main",), "agent_id": "S0", "agent_host": "10.0.0.1"}
        self._api.previews.put("hello", SHA, State.RUNNING, **more)


@pytest.fixture(params=["stand-in", "framework"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    if request.param == "framework":
        api = asgi.ApiInProcess()
        with served(api.app) as address:
            yield Real(api, address)
        return
    world = stand_in.World()
    with api_server.serving(world) as address:
        yield StandIn(world, address)


@pytest.fixture
def api(stage: Stage) -> Iterator[Api]:
    made = Api(Credentials((stage.address,), stage.token))
    yield made
    made.close()


def test_branches_are_listed_and_searched(api: Api) -> None:
    listed = api.refs("hello")
    [main] = listed.found
    assert set(Ref.__annotations__) <= set(main)
    assert (main["name"], main["kind"], main["sha"]) == ("main", "branch", SHA)
    assert main["url"] == "http://main.hello.localhost:8080/"
    assert (listed.told["problem"], isinstance(listed.told["as_of"], float)) == ("", True)
    assert api.refs("hello", kind="tag").found == []
    assert api.refs("hello", kind="branch", search="ma").found == [main]
    assert [one["name"] for one in api.repository("hello")["refs"]] == ["main"]


@pytest.mark.parametrize("ref", ["main", None])
def test_commits_are_listed_up_to_a_limit(api: Api, ref: str | None) -> None:
    listed = api.commits("hello", ref, 5)
    [commit] = listed.found
    assert set(Commit.__annotations__) <= set(commit)
    assert commit["sha"] == SHA
    assert not listed.more


def test_agents_are_listed_with_their_previews(api: Api, stage: Stage) -> None:
    stage.happen()
    [agent] = api.agents()
    assert set(MesosAgent.__annotations__) <= set(agent)
    [preview] = agent["previews"]
    assert set(AgentPreview.__annotations__) <= set(preview)
    assert (agent["host"], preview["label"], preview["mem"]) == ("10.0.0.1", "main", 128)


def test_what_happens_is_listed_and_followed(api: Api, stage: Stage) -> None:
    stage.happen()
    listed = api.events("hello", 1)
    [latest] = listed.found
    assert set(Event.__annotations__) <= set(latest)
    assert (latest["app"], latest["sha"], latest["state"]) == ("hello", SHA, "running")
    following = follow_events(api, "hello", stage.before, pause=time.sleep, told=print)
    with contextlib.closing(following):
        told = next(following)
    assert told is not None
    assert told["sentence"] == latest["sentence"]


def test_a_token_is_made_shown_once_and_removed(api: Api) -> None:
    made = api.add_token("ci", "read")
    assert set(Token.__annotations__) == set(made)
    [listed] = api.tokens()
    assert (listed["name"], listed["scope"], "token" in listed) == ("ci", "read", False)
    api.remove_token("ci")
    assert api.tokens() == []
    with pytest.raises(ApiRefused) as refused:
        api.remove_token("ci")
    assert refused.value.problem.slug == "unknown-token"


def test_what_was_done_is_listed(api: Api) -> None:
    api.add_token("ci", "read")
    listed = api.audit(10)
    latest = listed.found[0]
    assert set(Deed.__annotations__) <= set(latest)
    assert (latest["action"], latest["target"], latest["outcome"]) == ("add token", "ci", 201)
