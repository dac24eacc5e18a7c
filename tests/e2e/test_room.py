"""The command line in front of the whole system: pins."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.e2e.conftest import Api, Cluster, Hello

pytestmark = pytest.mark.e2e

Prevs = Callable[..., Any]


@pytest.fixture
def prevs(cluster: Cluster) -> Prevs:
    """Run a command with --json, and return what it prints."""
    # The first address is one where nobody listens, as when the leader is gone for good.
    environ = {"PREVS_API": f"http://127.0.0.1:9,{cluster.api}", "PREVS_TOKEN": cluster.token}

    def run(*args: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "cli", *args, "--json"],
            check=False,
            env=environ,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


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
