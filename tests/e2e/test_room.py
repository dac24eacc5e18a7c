"""The command line in front of the whole system: pins, and the queue for agents."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.e2e.commands import environment, run_command
from tests.e2e.conftest import Api, Cluster, Hello
from tests.waits import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

Prevs = Callable[..., Any]


@pytest.fixture
def prevs(cluster: Cluster) -> Prevs:
    """Run a command with --json, and return what it prints."""
    # The first address is one where nobody listens, as when the leader is gone for good.
    environ = {**environment(cluster), "PREVS_API": f"http://127.0.0.1:9,{cluster.api}"}

    def run(*args: str) -> Any:
        done = run_command(environ, *args, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def picky(api: Api, hello: Hello, prevs: Prevs) -> Iterator[str]:
    """An app that no agent of the cluster may run."""
    prevs("app", "add", "picky", str(hello.folder), "--constraint", "zone=the-moon")
    yield "picky"
    api.call("DELETE", "/v1/apps/picky")


def test_a_preview_is_pinned_and_unpinned_while_it_runs(
    hello: Hello, api: Api, visit: Callable[..., requests.Response], prevs: Prevs
) -> None:
    assert visit("main").status_code == 200
    before = api.preview("hello", hello.commit("main"))
    assert prevs("pin", "hello", "main")["pinned"] is True
    [pinned] = [p for p in prevs("ls", "--app", "hello") if p["sha"] == before["sha"]]
    assert pinned["pinned"] is True
    assert prevs("unpin", "hello", before["sha"])["pinned"] is False
    after = api.preview("hello", before["sha"])
    assert (after["state"], after["task_id"]) == ("running", before["task_id"])


def test_a_preview_that_waits_shows_its_place_and_the_reason_until_it_may_run(
    picky: str, hello: Hello, api: Api, prevs: Prevs
) -> None:
    first = prevs("start", picky, "main")["sha"]
    second = prevs("start", picky, "v1")["sha"]

    def of_picky(found: list[Any]) -> list[Any]:
        return [one for one in found if one["app"] == picky]

    def queued() -> list[Any]:
        return of_picky(api.call("GET", "/v1/queue").json()["queue"])

    def both(found: list[Any]) -> bool:
        return len(found) == 2 and all(one["reason"] for one in found)

    wait_for(queued, both, "both wait, for a reason")
    waiting = of_picky(prevs("queue"))
    assert [(one["sha"], one["label"]) for one in waiting] == [(first, "main"), (second, "v1")]
    places = [one["place"] for one in waiting]
    assert places == [api.preview(picky, sha)["queue_place"] for sha in (first, second)]
    assert places == sorted(places)
    prevs("app", "set", picky, "--constraint", "")
    for sha in (first, second):
        assert api.wait_for(picky, sha, "running")["queue_place"] is None
    assert of_picky(prevs("queue")) == []
