"""The command line in front of the whole system, from a new app to the log of a preview."""

import json
import secrets
from collections.abc import Iterator
from functools import partial

import pytest

from tests.e2e.commands import Prevs, environment, run_command
from tests.e2e.conftest import Cluster, Hello
from tests.waits import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def prevs(cluster: Cluster) -> Prevs:
    """Run a command."""
    return partial(run_command, environment(cluster))


@pytest.fixture
def shop(hello: Hello, prevs: Prevs) -> Iterator[str]:
    """An app of its own, of which nothing runs."""
    # A name is free again only some time after its app was removed, and its images stay.
    name = f"shop-{secrets.token_hex(3)}"
    added = prevs("app", "add", name, str(hello.folder))
    assert added.returncode == 0, added.stderr
    yield name
    assert prevs("app", "rm", name, "--yes").returncode == 0


def test_a_preview_is_started_seen_and_read_by_commands_alone(
    shop: str, hello: Hello, prevs: Prevs
) -> None:
    sha = hello.commit("v1")
    started = prevs("start", shop, "v1", "--wait")
    assert started.returncode == 0, started.stderr
    assert started.stdout.startswith(f"http://v1.{shop}.")
    assert f"{shop}@v1 ({sha[:7]}) runs at {started.stdout.strip()}" in started.stderr
    for step in ("queued", "placed", "building", "starting"):
        assert f"  {step}: " in started.stderr
    assert "usually" in prevs("show", shop, "v1").stdout
    assert "== starting" in prevs("logs", shop, "v1").stdout
    [ref] = [line for line in prevs("refs", shop).stdout.splitlines() if " v1 " in line]
    assert "running" in ref
    assert hello.commit("main")[:7] in prevs("commits", shop, "main").stdout
    assert f"{shop}@v1 ({sha[:7]})" in prevs("agents").stdout
    events = json.loads(prevs("events", "--app", shop, "--json").stdout)
    assert next(one["state"] for one in events if one["sha"] == sha) == "running"


def test_the_log_of_an_attempt_is_read_after_a_stop_and_a_new_start(
    shop: str, prevs: Prevs
) -> None:
    assert prevs("start", shop, "v1", "--wait").returncode == 0
    first = prevs("logs", shop, "v1").stdout
    assert "== starting" in first
    assert prevs("stop", shop, "v1").returncode == 0
    again = prevs("start", shop, "v1", "--wait")
    assert again.returncode == 0, again.stderr
    [earlier] = json.loads(prevs("show", shop, "v1", "--json").stdout)["earlier"]
    assert (earlier["number"], earlier["outcome"]) == (1, "stopped")
    for option in (["--previous"], ["--attempt", "1"]):
        assert prevs("logs", shop, "v1", *option).stdout.startswith(first)
    assert not prevs("logs", shop, "v1").stdout.startswith(first)

    def is_kept() -> bool:
        [one] = json.loads(prevs("show", shop, "v1", "--json").stdout)["earlier"]
        return bool(one["log_kept"])

    wait_until(is_kept)


@pytest.mark.usefixtures("hello")
def test_doctor_finds_every_part_of_a_whole_system_in_order(prevs: Prevs) -> None:
    done = prevs("doctor", "--json")
    seen = {one["part"]: one for one in json.loads(done.stdout)}
    for part in ("settings", "framework", "framework: version", "framework: clock", "token"):
        assert seen[part]["level"] == "ok", seen[part]
    assert "admin" in seen["token"]["message"]
    for name in ("zookeeper", "mesos"):
        assert name in seen["framework"]["message"]
    # The agents' executors have checked what previews reach, and report it.
    [reach] = [one for part, one in seen.items() if part.startswith("isolation at ")][:1]
    assert "PREVS_ISOLATION is wanted" in reach["message"]
    assert "has not been checked yet" not in reach["message"]
    # A proxy of the system knows that there is no such app; the framework reads the repository.
    assert seen["addresses"]["level"] == "ok", seen["addresses"]
    assert not [one for one in seen.values() if one["level"] == "wrong"], done.stdout
    assert done.returncode == 0
