"""The service over a real ZooKeeper and a real Mesos, with an executor that only reports."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from kazoo.client import KazooClient

from prevs.paths import Paths
from prevs.records import AppRecord, PlacementsRecord, PreviewRecord
from prevs.states import Cause, State
from prevs.units import preview_unit
from tests.conftest import Mesos
from tests.fakes.framework import Framework
from tests.waits import describe_record, wait_for

pytestmark = pytest.mark.integration

A, B, C = "a" * 40, "b" * 40, "c" * 40


@pytest.fixture
def start(
    mesos: Mesos, zookeeper: str, paths: Paths, client: KazooClient
) -> Iterator[Callable[[], Framework]]:
    """Start a framework at this test's root; all of its tasks end with the test."""
    started: list[Framework] = []

    def start() -> Framework:
        framework = Framework(mesos.zk, zookeeper, paths)
        started.append(framework)
        return framework

    yield start
    for framework in started[:-1]:
        framework.kill()
    started[-1].remove(mesos.master)


def add(framework: Framework, health: str = "/runs", **more: Any) -> None:
    app = AppRecord(name="hello", repository="/srv/hello", mem=64, health=health, **more)
    framework.previews.add_app(app)


def placed(client: KazooClient, paths: Paths, *commits: str) -> PlacementsRecord:
    """Return the placements once they are those of some commits: a preview is reported as running
    before its placement is written.
    """

    def read() -> PlacementsRecord:
        if client.exists(paths.app_placements("hello")):
            return PlacementsRecord.decode(client.get(paths.app_placements("hello"))[0])
        return PlacementsRecord("hello", {})

    what = f"the placements are those of {commits}"
    return wait_for(read, lambda found: set(found.placements) == set(commits), what)


def tasks(cluster: Mesos, framework: Framework) -> dict[str, str]:
    """Return the states of the framework's tasks, as Mesos shows them."""
    answer = requests.get(f"http://{cluster.master}/tasks?limit=1000", timeout=60).json()
    return {
        task["id"]: task["state"]
        for task in answer["tasks"]
        if task["framework_id"] == framework.service.framework_id
    }


def wait_lost(framework: Framework, count: int) -> PreviewRecord:
    """Wait until this many attempts at a preview were lost in a row."""
    return wait_for(
        lambda: framework.previews.snapshot.preview("hello", A),
        lambda preview: preview.consecutive_losses >= count,
        f"{count} attempts were lost",
        over=describe_record,
    )


def test_a_preview_runs_is_placed_stops_and_starts_again(
    start: Callable[[], Framework], mesos: Mesos, client: KazooClient, paths: Paths
) -> None:
    framework = start()
    add(framework)
    running = framework.run(A)
    place = placed(client, paths, A).placements[A]
    assert (place.task_id, place.port) == (running.task_id, running.host_port)
    assert place.labels == ("main",)
    assert tasks(mesos, framework) == {running.task_id: "TASK_RUNNING"}

    framework.previews.command(lambda commands: commands.stop("hello", A))
    stopped = framework.wait(A, State.STOPPED)
    assert placed(client, paths).placements == {}
    assert tasks(mesos, framework) == {running.task_id: "TASK_KILLED"}
    assert PreviewRecord.decode(client.get(paths.preview("hello", A))[0]) == stopped

    again = framework.run(A)
    assert again.task_id != running.task_id
    assert again.agent_id == running.agent_id


def test_mesos_shows_what_a_task_is(start: Callable[[], Framework], mesos: Mesos) -> None:
    framework = start()
    add(framework, cpus=0.3)
    preview = framework.run(A)
    answer = requests.get(f"http://{mesos.master}/tasks?limit=1000", timeout=60).json()
    (task,) = [task for task in answer["tasks"] if task["id"] == preview.task_id]
    assert task["name"] == "hello@main (aaaaaaa)"
    assert {label["key"]: label["value"] for label in task["labels"]} == {
        "app": "hello",
        "commit": A,
        "label": "main",
        "url": "http://main.hello.localhost:8080/",
    }
    assert task["resources"]["cpus"] == 0.3
    assert task["resources"]["mem"] == 64
    assert task["resources"]["ports"] == f"[{preview.host_port}-{preview.host_port}]"
    assert task["discovery"]["name"] == "main--hello"
    assert task["discovery"]["version"] == A
    assert task["statuses"][-1]["healthy"] is True


def test_a_framework_that_is_killed_and_started_again_keeps_the_task(
    start: Callable[[], Framework], mesos: Mesos, client: KazooClient, paths: Paths
) -> None:
    first = start()
    add(first)
    before = first.run(A)
    first.kill()
    second = start()
    second.run(B, "other")
    assert second.service.framework_id == first.service.framework_id
    assert second.previews.snapshot.preview("hello", A) == before
    assert tasks(mesos, second)[str(before.task_id)] == "TASK_RUNNING"
    placed(client, paths, A, B)
    second.previews.command(lambda commands: commands.stop("hello", A))
    second.wait(A, State.STOPPED)


def test_a_failure_carries_its_cause_and_stays(start: Callable[[], Framework]) -> None:
    framework = start()
    add(framework, "/fails")
    framework.previews.command(lambda commands: commands.start("hello", A, "main"))
    failure = framework.wait(A, State.FAILED).failure
    assert failure is not None
    assert (failure.cause, failure.message, failure.exit_code) == (
        Cause.BUILD_FAILED,
        "The build failed.",
        7,
    )
    assert (
        framework.previews.command(lambda commands: commands.start("hello", A, "main")).state
        is State.FAILED
    )
    framework.previews.change_app("hello", {"health": "/runs"})
    framework.previews.command(lambda commands: commands.retry("hello", A))
    framework.wait(A, State.RUNNING)


def test_an_executor_that_dies_again_and_again_is_tried_later_and_later(
    start: Callable[[], Framework],
) -> None:
    framework = start()
    add(framework, "/dies")
    framework.previews.command(lambda commands: commands.start("hello", A, "main"))
    tasks = set()
    for count in (1, 2, 3):
        lost = wait_lost(framework, count)
        tasks.add(lost.task_id)
        assert lost.retry_at >= lost.changed + 4 ** (count - 1) - 0.5
        assert lost.avoid_agent == lost.agent_id
        assert lost.reason.startswith("The executor ended without saying how the task ended.")
        assert "It is tried again in" in lost.reason
        framework.ahead += 4 ** (count - 1)
    assert len(tasks) == 3


def test_a_preview_that_fits_nowhere_waits_with_the_reason(start: Callable[[], Framework]) -> None:
    framework = start()
    framework.previews.add_app(AppRecord(name="hello", repository="/srv/hello", mem=99999))
    framework.previews.command(lambda commands: commands.start("hello", A, "main"))
    framework.wait_reason(A, "No agent has 99999 MB free")
    framework.previews.change_app("hello", {"mem": 64, "health": "/runs"})
    framework.wait(A, State.RUNNING)


def test_a_second_preview_starts_without_a_revive_that_only_time_would_bring(
    start: Callable[[], Framework],
) -> None:
    framework = start()
    add(framework)
    framework.run(A)
    framework.stop_clock()  # else the next REVIVE would come by itself, after 10 s
    framework.run(B, "second")


def agent_mem(cluster: Mesos) -> int:
    """Return the MB of the session's agents, which are alike."""
    answer = requests.get(f"http://{cluster.master}/slaves", timeout=60).json()
    return min(int(agent["resources"]["mem"]) for agent in answer["slaves"])


def test_on_full_agents_an_idle_preview_makes_room_and_a_pinned_one_does_not(
    start: Callable[[], Framework], mesos: Mesos
) -> None:
    framework = start()
    # One fills more than half of an agent, and there are two agents.
    framework.previews.add_app(
        AppRecord("hello", "/srv/hello", mem=agent_mem(mesos) * 2 // 3, health="/runs")
    )
    for sha, label in ((A, "one"), (B, "two")):
        framework.run(sha, label)
    framework.previews.command(lambda commands: commands.pin("hello", A, pinned=True))
    framework.ahead += 120
    running = framework.run(C, "three")
    stopped = framework.wait(B, State.STOPPED)
    assert running.agent_id == stopped.agent_id
    assert stopped.reason.startswith("It was stopped to make room for hello at ccccccc")
    assert framework.previews.snapshot.preview("hello", A).state is State.RUNNING

    framework.previews.command(lambda commands: commands.pin("hello", C, pinned=True))
    framework.ahead += 120
    framework.previews.command(lambda commands: commands.start("hello", B, "two"))
    framework.wait_reason(B, "is pinned")
    assert framework.previews.snapshot.queue_places.get(preview_unit("hello", B)) == 1
    framework.previews.command(lambda commands: commands.pin("hello", A, pinned=False))
    framework.wait(B, State.RUNNING)
    framework.wait(A, State.STOPPED)
    assert framework.previews.snapshot.preview("hello", C).state is State.RUNNING
