"""The API on a real socket, over real git repositories; previews and sandboxes are stand-ins."""

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from framework.git.mirrors import Mirrors
from prevs.states import State
from tests.fakes.asgi import TOKEN, ApiInProcess
from tests.fakes.served import serving
from tests.waits import wait_until

pytestmark = pytest.mark.integration

SHA = "a" * 40
LOG = f"/v1/previews/hello/{SHA}/log"


class RunningApi(ApiInProcess):
    """The API at an address."""

    url = ""

    def client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)

    def call(self, method: str, path: str, **request: Any) -> httpx.Response:
        with self.client() as client:
            return client.request(method, path, **request)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[RunningApi]:
    api = RunningApi(refs=Mirrors(tmp_path / "mirrors"))
    with serving(api.app) as api.url:
        yield api


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    run = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", "init", "--quiet", "-b", "main", str(folder)], check=True)
    commit = [*run, "-C", str(folder), "commit", "--quiet", "--allow-empty", "-m", "Say hello"]
    subprocess.run(commit, check=True)
    return folder


@pytest.fixture
def running(api: RunningApi) -> RunningApi:
    api.call("POST", "/v1/apps", json={"name": "hello", "repository": "/nowhere"})
    api.previews.put("hello", SHA, State.RUNNING, task_id="t1", labels=("main",))
    return api


def read_events(stream: httpx.Response) -> Iterator[tuple[str, str | None, Any]]:
    fields: dict[str, str] = {}
    for line in stream.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield fields["event"], fields.get("id"), json.loads(fields["data"])
            fields = {}


def follow(api: RunningApi, received: Callable[[], object]) -> list[tuple[str, str | None, Any]]:
    """Return all events of the log's stream; `heard` is called with each."""
    accept = {"Accept": "text/event-stream"}
    events = []
    with api.client() as client, client.stream("GET", LOG, headers=accept) as stream:
        for event in read_events(stream):
            events.append(event)
            received()
    return events


def test_a_label_of_a_real_repository_starts_its_commit(api: RunningApi, repository: Path) -> None:
    app = {"name": "hello", "repository": str(repository)}
    assert api.call("POST", "/v1/apps", json=app).status_code == 201
    lead = api.call("GET", "/v1/apps/hello/labels/main").json()
    assert (lead["kind"], lead["subject"]) == ("branch", "Say hello")
    for label in ("main", lead["sha"][:7]):
        answer = api.call("POST", "/v1/previews", json={"app": "hello", "label": label})
        assert answer.status_code == 202
        assert answer.headers["Location"] == f"/v1/previews/hello/{lead['sha']}"
    assert answer.json()["labels"] == ["main", lead["sha"][:7]]
    answer = api.call("GET", "/v1/apps/hello/labels/feature/a")
    assert (answer.status_code, "has the label" in answer.json()["detail"]) == (404, True)


def test_a_repository_that_does_not_answer_delays_nobody_else(
    api: RunningApi, repository: Path
) -> None:
    api.call("POST", "/v1/apps", json={"name": "quick", "repository": str(repository)})
    with socket.socket() as silent, ThreadPoolExecutor() as pool:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"git://127.0.0.1:{silent.getsockname()[1]}/x"
        api.call("POST", "/v1/apps", json={"name": "stuck", "repository": url})
        path = "/v1/apps/stuck/labels/main"
        stuck = [pool.submit(api.call, "GET", path) for _ in range(10)]
        peer, _ = silent.accept()
        assert api.call("GET", "/v1/apps/quick/labels/main").status_code == 200
        answer = api.call("GET", "/v1/apps/stuck/refs")
        assert (answer.status_code, "first time" in answer.json()["detail"]) == (503, True)
        assert not any(one.done() for one in stuck)
        peer.close()
        silent.close()
        assert {one.result().status_code for one in stuck} == {502}


def test_viewers_get_the_log_as_it_grows_until_it_ends(running: RunningApi) -> None:
    viewers = 100
    received: list[None] = []
    running.sandboxes.open.clear()
    with ThreadPoolExecutor(viewers) as pool:
        following = [
            pool.submit(follow, running, lambda: received.append(None)) for _ in range(viewers)
        ]
        wait_until(lambda: len(received) == viewers)
        wait_until(lambda: running.sandboxes.reads)
        running.call("GET", "/v1/apps")  # before the next read of each
        shared = running.sandboxes.reads
        running.sandboxes.open.set()
        written = b""
        for number in range(5):
            written += f"line {number} é\n".encode()
            running.sandboxes.output["t1"] = written
            time.sleep(0.2)
        running.previews.change("hello", SHA, state=State.FAILED)
        seen = [one.result() for one in following]
    assert shared == 1, "viewers that wait at the same offset share a read"
    for events in seen:
        assert events[0][0] == "state"
        assert "".join(data for name, _, data in events if name == "log").encode() == written
        assert [number for name, number, _ in events if name == "log"][-1] == str(len(written))
        assert (events[-1][0], events[-1][2]["state"]) == ("end", "failed")


def test_a_viewer_that_goes_away_ends_the_work(running: RunningApi) -> None:
    running.sandboxes.output["t1"] = b"one\n"
    with running.client() as client:
        accept = {"Accept": "text/event-stream"}
        with client.stream("GET", LOG, headers=accept) as stream:
            events = read_events(stream)  # kept: a collected generator would close the stream
            assert next(events)[0] == "state"
            wait_until(lambda: running.sandboxes.reads >= 2)

    def is_quiet() -> bool:
        before = running.sandboxes.reads
        time.sleep(1.5)  # a live one reads at least once a second
        return running.sandboxes.reads == before

    wait_until(is_quiet)
