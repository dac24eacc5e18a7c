"""The command line's API, on its stand-in and on the framework's real one, over a socket."""

import contextlib
import functools
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest
import uvicorn

from cli.__main__ import main
from cli.answers import App, Label, Preview, Queued
from cli.api import Api
from cli.credentials import Credentials
from cli.errors import ApiRefused
from cli.following import Changed, Ended, LogPiece, follow
from framework.errors import AmbiguousLabel, Candidate
from framework.http_api.limits import STRANGERS
from prevs.records import AppRecord, Failure
from prevs.states import Cause, State
from tests.fakes import api as stand_in
from tests.fakes import api_server, asgi

pytestmark = pytest.mark.contract

SHA = stand_in.SHA
LOG = "Größe\n" * 3


class Stage(Protocol):
    """A framework whose world a test arranges. It has an app `hello`."""

    address: str
    token: str

    def lead(self, label: str, sha: str) -> None:
        """Have a label of the app lead to a commit."""
        ...

    def put(self, state: str) -> None:
        """Have a preview of SHA, under the label main, in a state, with LOG as its log."""
        ...

    def place(self, place: int) -> None:
        """Have it wait at a place in the queue."""
        ...

    def add_apps(self, names: Sequence[str]) -> None:
        """Have more apps."""
        ...


class StandIn:
    token = stand_in.TOKEN

    def __init__(self, world: stand_in.World, address: str) -> None:
        self.address = address
        self._world = world
        world.apps["hello"] = stand_in.app("hello")

    def lead(self, label: str, sha: str) -> None:
        self._world.labels["hello", label] = sha

    def put(self, state: str) -> None:
        failed = stand_in.failed(log_tail=LOG)
        shown = failed if state == "failed" else stand_in.preview(state=state)
        self._world.previews["hello", SHA] = shown
        self._world.log = LOG.encode()
        pieces = stand_in.event("log", LOG, len(LOG.encode()))
        self._world.streams = [
            [stand_in.event("state", shown), pieces, stand_in.event("end", shown)]
        ]

    def place(self, place: int) -> None:
        self._world.previews["hello", SHA]["queue_place"] = place

    def add_apps(self, names: Sequence[str]) -> None:
        self._world.apps.update({name: stand_in.app(name) for name in names})


class Real:
    token = asgi.TOKEN

    def __init__(self, api: asgi.ApiInProcess, address: str) -> None:
        self.address = address
        self.api = api
        api.previews.add_app(AppRecord("hello", "/srv/hello"))

    def lead(self, label: str, sha: str) -> None:
        self.api.refs.put("hello", label, sha)

    def put(self, state: str) -> None:
        failure = Failure(Cause.APP_EXITED, "The app exited.", 3) if state == "failed" else None
        self.api.previews.put(
            "hello", SHA, State(state), labels=("main",), task_id="t", failure=failure
        )
        self.api.sandboxes.output["t"] = LOG.encode()

    def place(self, place: int) -> None:
        self.api.previews.queue_places["hello", SHA] = place

    def add_apps(self, names: Sequence[str]) -> None:
        for name in names:
            self.api.previews.add_app(AppRecord(name, "/srv/x"))


@contextlib.contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an ASGI application on a free port of 127.0.0.1, and yield the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_level="error", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            thread.join()


@pytest.fixture
def real() -> Iterator[Real]:
    api = asgi.ApiInProcess()
    with served(api.app) as address:
        yield Real(api, address)


@pytest.fixture(params=["stand-in", "framework"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    if request.param == "framework":
        yield request.getfixturevalue("real")
        return
    world = stand_in.World()
    with api_server.serving(world) as address:
        yield StandIn(world, address)


@pytest.fixture
def api(stage: Stage) -> Iterator[Api]:
    made = Api(Credentials((stage.address,), stage.token))
    yield made
    made.close()


def refusal(call: Callable[..., object], *args: object) -> str:
    with pytest.raises(ApiRefused) as raised:
        call(*args)
    return raised.value.problem.slug


def test_a_list_of_several_pages_comes_whole(api: Api, stage: Stage) -> None:
    names = [f"more{number:03}" for number in range(500)]
    stage.add_apps(names)
    assert [app["name"] for app in api.apps()] == ["hello", *names]


def test_an_app_is_added_once_and_the_same_again_is_no_error(api: Api) -> None:
    settings = {"name": "shop", "repository": "/srv/shop", "mem": 64}
    added = api.add_app(settings)
    assert set(App.__annotations__) <= set(added)
    assert (added["port"], added["mem"]) == (8080, 64)
    assert api.add_app(settings)["name"] == "shop"
    assert refusal(api.add_app, settings | {"mem": 65}) == "app-exists"
    assert [app["name"] for app in api.apps()] == ["hello", "shop"]


def test_an_app_is_changed_and_removed(api: Api) -> None:
    assert api.change_app("hello", {"mem": 256})["mem"] == 256
    assert api.app("hello")["mem"] == 256
    api.remove_app("hello")
    assert refusal(api.app, "hello") == "unknown-app"


def test_an_app_that_has_changed_since_it_was_seen_is_not_removed(api: Api) -> None:
    _, tag = api.seen_app("hello")
    api.change_app("hello", {"mem": 256})
    assert refusal(api.remove_app, "hello", tag) == "app-changed"
    shown, tag = api.seen_app("hello")
    assert shown["mem"] == 256
    api.remove_app("hello", tag)
    assert api.apps() == []


def test_a_label_leads_to_a_commit_or_nowhere(api: Api, stage: Stage) -> None:
    stage.lead("main", SHA)
    found = api.resolve("hello", "main")
    assert set(Label.__annotations__) <= set(found)
    assert (found["sha"], found["kind"]) == (SHA, "branch")
    assert found["url"] == "http://main.hello.localhost:8080/"
    assert refusal(api.resolve, "hello", "nothing") == "unknown-label"
    assert refusal(api.resolve, "nobody", "main") == "unknown-app"


def test_a_preview_is_started_shown_and_listed(api: Api, stage: Stage) -> None:
    stage.lead("main", SHA)
    started = api.start("hello", "main")
    assert set(Preview.__annotations__) - {"log_tail"} <= set(started)
    assert (started["state"], started["labels"]) == ("queued", ["main"])
    assert started["url"] == "http://main.hello.localhost:8080/"
    assert api.preview("hello", SHA)["sha"] == SHA
    assert [one["sha"] for one in api.previews(app="hello", state="queued")] == [SHA]
    assert api.previews(state="running") == []
    assert refusal(api.start, "hello", "nothing") == "unknown-label"
    assert refusal(api.start, "nobody", "main") == "unknown-app"


def test_what_was_never_started_is_unknown(api: Api) -> None:
    for call in (api.preview, api.stop, api.retry, functools.partial(api.pin, pinned=True)):
        assert refusal(call, "hello", SHA) == "unknown-preview"


def test_a_failed_preview_has_its_reason_and_the_end_of_its_log(api: Api, stage: Stage) -> None:
    stage.put("failed")
    found = api.preview("hello", SHA)
    failure = {"cause": "app-exited", "message": "The app exited.", "exit_code": 3}
    assert found["failure"] == {**failure, "mistakes": []}
    assert found["log_tail"] == LOG
    assert api.retry("hello", SHA)["state"] == "queued"
    assert refusal(api.retry, "hello", SHA) == "not-retryable"


def test_a_stopped_preview_does_not_run(api: Api, stage: Stage) -> None:
    stage.put("running")
    assert api.stop("hello", SHA)["state"] in {"draining", "stopped"}


def test_a_preview_is_pinned_as_often_as_one_likes(api: Api, stage: Stage) -> None:
    stage.put("running")
    for pinned in (True, True, False, False):
        assert api.pin("hello", SHA, pinned=pinned)["pinned"] is pinned
        assert api.preview("hello", SHA)["pinned"] is pinned


def test_what_waits_is_listed_with_its_place(api: Api, stage: Stage) -> None:
    stage.put("queued")
    assert api.queue() == []
    stage.place(1)
    [queued] = api.queue()
    assert set(Queued.__annotations__) == set(queued)
    assert (queued["place"], queued["sha"], queued["label"]) == (1, SHA, "main")
    assert api.preview("hello", SHA)["queue_place"] == 1


def test_a_log_is_read_from_any_byte(api: Api, stage: Stage) -> None:
    stage.put("running")
    size = len(LOG.encode())
    assert api.log("hello", SHA, 0) == (LOG.encode(), size)
    assert api.log("hello", SHA, size) == (b"", size)


def test_the_end_of_a_log_is_read(api: Api, stage: Stage) -> None:
    stage.put("running")
    assert api.log_tail("hello", SHA) == LOG


def test_a_log_is_followed_to_its_end(api: Api, stage: Stage) -> None:
    stage.put("stopped")
    steps = list(follow(api, "hello", SHA, pause=time.sleep, told=print))
    assert isinstance(steps[0], Changed)
    assert "".join(step.text for step in steps if isinstance(step, LogPiece)) == LOG
    assert isinstance(steps[-1], Ended)
    assert steps[-1].preview["state"] == "stopped"


def test_a_wrong_token_is_refused(stage: Stage) -> None:
    api = Api(Credentials((stage.address,), "wrong"))
    assert refusal(api.apps) == "unauthorized"
    api.close()


def test_too_many_calls_are_held_back_as_the_framework_says_and_not_for_ever(real: Real) -> None:
    holds: list[float] = []
    api = Api(Credentials((real.address,), "wrong"), hold=holds.append)
    # Nobody waits in this test, so that it goes on being too much.
    for _ in range(10 * STRANGERS.quota):
        holds.clear()
        if refusal(api.apps) == "too-many-requests":
            break
    api.close()
    assert holds
    assert all(seconds >= 1 for seconds in holds)
    assert sum(holds) <= 60


def test_settings_that_are_not_taken_are_each_told(
    real: Real, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {"PREVS_API": real.address, "PREVS_TOKEN": real.token}
    command = ["app", "add", "Shop", "/srv/shop", "--port", "0", "--mem", "1", "--health", "x"]
    command += ["--keep-warm", "always", "--constraint", "gpu", "--constraint", "zone=="]
    command += ["--idle-after", "-1"]
    assert main(command, environ) == 2
    told = capsys.readouterr().err
    for field in ("name", "port", "mem", "health", "keep_warm", "constraints", "idle_after"):
        assert told.count(f"  {field}: ") == 1


def test_an_ambiguous_label_is_told_with_its_candidates(
    real: Real, capsys: pytest.CaptureFixture[str]
) -> None:
    candidates = [Candidate(sha, "commit", None, f"Do {sha[0]}") for sha in ("a" * 40, "b" * 40)]
    real.api.refs.leads["hello", "abcdef0"] = AmbiguousLabel("hello", "abcdef0", candidates)
    environ = {"PREVS_API": real.address, "PREVS_TOKEN": real.token}
    assert main(["start", "hello", "abcdef0"], environ) == 1
    told = capsys.readouterr().err
    assert f"  {'a' * 12} commit Do a" in told
    assert f"  {'b' * 12} commit Do b" in told


def test_start_wait_sees_every_state_as_it_comes(real: Real) -> None:
    real.lead("main", SHA)
    environ = {**os.environ, "PREVS_API": real.address, "PREVS_TOKEN": real.token}
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
                real.api.previews.change("hello", SHA, state=state)
        shown = process.stdout.read()
    assert (process.returncode, shown) == (0, "http://main.hello.localhost:8080/\n")
    assert said == ["waits for an agent", "builds", "starts", f"runs at {shown.strip()}"]
