"""What the command line makes of the framework's HTTP API, call by call, over a socket."""

import contextlib
import functools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.answers import (
    AgentPreview,
    App,
    Commit,
    Deed,
    Event,
    Label,
    MesosAgent,
    Preview,
    Queued,
    Ref,
    Token,
)
from cli.api import Api as Client
from cli.credentials import Credentials
from cli.errors import ApiRefused
from cli.following import Changed, Ended, LogPiece, follow, follow_events
from framework.http_api.limits import STRANGERS
from prevs.states import State
from tests.fakes.answers import SHA, known_agent
from tests.fakes.api import TOKEN, Api

pytestmark = pytest.mark.contract

LOG = "Größe\n" * 3


@pytest.fixture
def stage() -> Api:
    """A framework with an app `hello`, whose branch main leads to SHA, and an agent."""
    stage = Api()
    stage.add("hello", "main")
    stage.agents.known = [known_agent("10.0.0.1")]
    return stage


@pytest.fixture
def address(stage: Api) -> Iterator[str]:
    with stage.serving() as address:
        yield address


@pytest.fixture
def api(address: str) -> Iterator[Client]:
    made = Client(Credentials((address,), TOKEN))
    yield made
    made.close()


def refusal(call: Callable[..., object], *args: object) -> str:
    with pytest.raises(ApiRefused) as raised:
        call(*args)
    return raised.value.problem.slug


def test_a_list_of_several_pages_comes_whole(api: Client, stage: Api) -> None:
    names = [f"more{number:03}" for number in range(500)]
    for name in names:
        stage.add(name)
    assert [app["name"] for app in api.apps()] == ["hello", *names]


def test_an_app_is_added_once_and_the_same_again_is_no_error(api: Client) -> None:
    settings = {"name": "shop", "repository": "/srv/shop", "mem": 64}
    added = api.add_app(settings)
    assert set(App.__annotations__) <= set(added)
    assert (added["port"], added["mem"]) == (8080, 64)
    assert api.add_app(settings)["name"] == "shop"
    assert refusal(api.add_app, settings | {"mem": 65}) == "app-exists"
    assert [app["name"] for app in api.apps()] == ["hello", "shop"]


def test_an_app_is_changed_and_removed(api: Client) -> None:
    assert api.change_app("hello", {"mem": 256})["mem"] == 256
    assert api.app("hello")["mem"] == 256
    api.remove_app("hello")
    assert refusal(api.app, "hello") == "unknown-app"


def test_an_app_that_has_changed_since_it_was_seen_is_not_removed(api: Client) -> None:
    _, tag = api.seen_app("hello")
    api.change_app("hello", {"mem": 256})
    assert refusal(api.remove_app, "hello", tag) == "app-changed"
    shown, tag = api.seen_app("hello")
    assert shown["mem"] == 256
    api.remove_app("hello", tag)
    assert api.apps() == []


def test_a_label_leads_to_a_commit_or_nowhere(api: Client, stage: Api) -> None:
    found = api.resolve("hello", "main")
    assert set(Label.__annotations__) <= set(found)
    assert (found["sha"], found["kind"]) == (SHA, "branch")
    assert found["url"] == "http://main.hello.localhost:8080/"
    assert refusal(api.resolve, "hello", "nothing") == "unknown-label"
    assert refusal(api.resolve, "nobody", "main") == "unknown-app"


def test_a_preview_is_started_shown_and_listed(api: Client, stage: Api) -> None:
    started = api.start("hello", "main")
    assert set(Preview.__annotations__) - {"log_tail"} <= set(started)
    assert (started["state"], started["labels"]) == ("queued", ["main"])
    assert started["url"] == "http://main.hello.localhost:8080/"
    assert api.preview("hello", SHA)["sha"] == SHA
    assert [one["sha"] for one in api.previews(app="hello", state="queued")] == [SHA]
    assert api.previews(state="running") == []
    assert refusal(api.start, "hello", "nothing") == "unknown-label"
    assert refusal(api.start, "nobody", "main") == "unknown-app"


def test_what_was_never_started_is_unknown(api: Client) -> None:
    for call in (api.preview, api.stop, api.retry, functools.partial(api.pin, pinned=True)):
        assert refusal(call, "hello", SHA) == "unknown-preview"


def test_a_failed_preview_has_its_reason_and_the_end_of_its_log(api: Client, stage: Api) -> None:
    stage.fail(log=LOG)
    found = api.preview("hello", SHA)
    failure = {"cause": "app-exited", "message": "The app exited.", "exit_code": 3}
    assert found["failure"] == {**failure, "mistakes": []}
    assert found["log_tail"] == LOG
    assert api.retry("hello", SHA)["state"] == "queued"
    assert refusal(api.retry, "hello", SHA) == "not-retryable"


def test_a_stopped_preview_does_not_run(api: Client, stage: Api) -> None:
    stage.put(State.RUNNING, log=LOG)
    assert api.stop("hello", SHA)["state"] in {"draining", "stopped"}


def test_a_preview_is_pinned_as_often_as_one_likes(api: Client, stage: Api) -> None:
    stage.put(State.RUNNING, log=LOG)
    for pinned in (True, True, False, False):
        assert api.pin("hello", SHA, pinned=pinned)["pinned"] is pinned
        assert api.preview("hello", SHA)["pinned"] is pinned


def test_what_waits_is_listed_with_its_place(api: Client, stage: Api) -> None:
    stage.put(State.QUEUED)
    assert api.queue() == []
    stage.previews.queue_places["hello", SHA] = 1
    [queued] = api.queue()
    assert set(Queued.__annotations__) == set(queued)
    assert (queued["place"], queued["sha"], queued["label"]) == (1, SHA, "main")
    assert api.preview("hello", SHA)["queue_place"] == 1


def test_a_log_is_read_from_any_byte(api: Client, stage: Api) -> None:
    stage.put(State.RUNNING, log=LOG)
    size = len(LOG.encode())
    assert api.log("hello", SHA, 0) == (LOG.encode(), size)
    assert api.log("hello", SHA, size) == (b"", size)


def test_the_end_of_a_log_is_read(api: Client, stage: Api) -> None:
    stage.put(State.RUNNING, log=LOG)
    assert api.log_tail("hello", SHA) == LOG


def test_a_log_is_followed_to_its_end(api: Client, stage: Api) -> None:
    stage.put(State.STOPPED, log=LOG)
    steps = list(follow(api, "hello", SHA, pause=time.sleep, told=print))
    assert isinstance(steps[0], Changed)
    assert "".join(step.text for step in steps if isinstance(step, LogPiece)) == LOG
    assert isinstance(steps[-1], Ended)
    assert steps[-1].preview["state"] == "stopped"


def test_a_wrong_token_is_refused(address: str) -> None:
    api = Client(Credentials((address,), "wrong"))
    assert refusal(api.apps) == "unauthorized"
    api.close()


def test_too_many_calls_are_held_back_as_the_framework_says_and_not_for_ever(address: str) -> None:
    holds: list[float] = []
    api = Client(Credentials((address,), "wrong"), hold=holds.append)
    # Nobody waits in this test, so that it goes on being too much.
    for _ in range(10 * STRANGERS.quota):
        holds.clear()
        if refusal(api.apps) == "too-many-requests":
            break
    api.close()
    assert holds
    assert all(seconds >= 1 for seconds in holds)
    assert sum(holds) <= 60


def test_start_wait_sees_every_state_as_it_comes(stage: Api, address: str) -> None:
    environ = {**os.environ, "PREVS_API": address, "PREVS_TOKEN": TOKEN}
    next_states = iter((State.BUILDING, State.STARTING, State.RUNNING))
    said = []
    with subprocess.Popen(
        [sys.executable, "-m", "cli", "start", "hello", "main", "--wait"],
        cwd=Path(__file__).parents[2],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line.strip().partition(") ")[2])
            if state := next(next_states, None):
                stage.previews.change("hello", SHA, state=state)
        shown = process.stdout.read()
    assert (process.returncode, shown) == (0, "http://main.hello.localhost:8080/\n")
    assert said == ["waits for an agent", "builds", "starts", f"runs at {shown.strip()}"]


def test_branches_are_listed_and_searched(api: Client) -> None:
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
def test_commits_are_listed_up_to_a_limit(api: Client, ref: str | None) -> None:
    listed = api.commits("hello", ref, 5)
    [commit] = listed.found
    assert set(Commit.__annotations__) <= set(commit)
    assert commit["sha"] == SHA
    assert not listed.more


def test_agents_are_listed_with_their_previews(api: Client, stage: Api) -> None:
    stage.put(State.RUNNING, agent_id="10.0.0.1-S0")
    [agent] = api.agents()
    assert set(MesosAgent.__annotations__) <= set(agent)
    [preview] = agent["previews"]
    assert set(AgentPreview.__annotations__) <= set(preview)
    assert (agent["host"], preview["label"], preview["mem"]) == ("10.0.0.1", "main", 128)


def test_what_happens_is_listed_and_followed(api: Client, stage: Api) -> None:
    before = stage.previews.history().last
    stage.put(State.RUNNING)
    listed = api.events("hello", 1)
    [latest] = listed.found
    assert set(Event.__annotations__) <= set(latest)
    assert (latest["app"], latest["sha"], latest["state"]) == ("hello", SHA, "running")
    following = follow_events(api, "hello", before, pause=time.sleep, told=print)
    with contextlib.closing(following):
        told = next(following)
    assert told is not None
    assert told["sentence"] == latest["sentence"]


def test_a_token_is_made_shown_once_and_removed(api: Client) -> None:
    made = api.add_token("ci", "read")
    assert set(Token.__annotations__) == set(made)
    [listed] = api.tokens()
    assert (listed["name"], listed["scope"], "token" in listed) == ("ci", "read", False)
    api.remove_token("ci")
    assert api.tokens() == []
    with pytest.raises(ApiRefused) as refused:
        api.remove_token("ci")
    assert refused.value.problem.slug == "unknown-token"


def test_what_was_done_is_listed(api: Client) -> None:
    api.add_token("ci", "read")
    listed = api.audit(10)
    latest = listed.found[0]
    assert set(Deed.__annotations__) <= set(latest)
    assert (latest["action"], latest["target"], latest["outcome"]) == ("add token", "ci", 201)
