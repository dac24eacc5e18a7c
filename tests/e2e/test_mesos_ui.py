"""What the Mesos UI shows of a preview, from the same sources; logs without a sandbox."""

import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.conftest import Cluster
from tests.e2e.conftest import Api
from tests.fakes.samples import SampleRepository, find_live
from tests.waits import wait_for_state, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

APP = "story"
SLOW = "echo It is being built.; sleep 3"
RUN = "echo It begins.; exec httpd -f -p $PORT -h /www"


@pytest.fixture(scope="module")
def repository(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleRepository]:
    """A repository, registered: main takes some seconds to build, broken never is."""
    made = SampleRepository(tmp_path_factory.mktemp("story") / "story")
    made.commit_app(
        [
            f"RUN echo {time.time()}; {SLOW}",
            "RUN mkdir /www; echo Once. > /www/index.html",
            f'CMD ["/bin/sh", "-c", "{RUN}"]',
        ]
    )
    made.git("checkout", "--quiet", "-b", "broken")
    made.commit_app(["RUN echo It cannot be built.; exit 7"])
    api.add({"name": APP, "repository": str(made.folder)})
    yield made
    api.call("DELETE", f"/v1/apps/{APP}")


def start(api: Api, label: str) -> str:
    """Start a preview; return its commit."""
    answer = api.call("POST", "/v1/previews", json={"app": APP, "label": label})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["sha"])


def read(cluster: Cluster, url: str, **query: str) -> Any:
    """Return what the Mesos UI gets at that path after signing in."""
    answer = requests.get(f"http://{url}", params=query, auth=cluster.mesos_auth, timeout=60)
    answer.raise_for_status()
    return answer.json()


def find_task(cluster: Cluster, task_id: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the framework and the task, as the UI's first page gets them."""
    state = read(cluster, f"{cluster.master}/state")
    return next(
        (framework, task)
        for framework in state["frameworks"]
        for task in [*framework["tasks"], *framework["completed_tasks"]]
        if task["id"] == task_id
    )


def find_sandbox(cluster: Cluster, task: Mapping[str, Any]) -> tuple[str, str]:
    """Return the agent's address and the folder of a task's sandbox there, as the UI finds them."""
    agents = read(cluster, f"{cluster.master}/slaves")["slaves"]
    address = next(a["pid"].rpartition("@")[2] for a in agents if a["id"] == task["slave_id"])
    frameworks = read(cluster, f"{address}/state")
    executors = [
        executor
        for kind in ("frameworks", "completed_frameworks")
        for framework in frameworks[kind]
        for executor in [*framework["executors"], *framework["completed_executors"]]
    ]
    folder = next(e["directory"] for e in executors if e["id"] == task["id"])
    return address, folder


def follow(api: Api, sha: str, *states: str) -> tuple[Mapping[str, Any], list[str]]:
    """Return a preview once it is in one of `states`, and its details until then."""
    details: list[str] = []

    def read() -> Mapping[str, Any]:
        preview = api.preview(APP, sha)
        if preview["detail"] not in ("", *details):
            details.append(preview["detail"])
        return preview

    return wait_for_state(read, *states), details


def test_a_start_shows_its_steps_and_the_mesos_ui_shows_it_with_its_log(
    cluster: Cluster, api: Api, repository: SampleRepository
) -> None:
    preview, details = follow(api, start(api, "main"), "running")
    assert any(detail.endswith(SLOW) for detail in details), details
    steps = {step["name"]: step for step in preview["steps"]}
    took = {name: step["ended"] - step["began"] for name, step in steps.items()}
    assert list(took) == ["queued", "placed", "fetching", "building", "starting", "checking"]
    assert took["building"] >= 3.0
    assert min(took.values()) >= 0.0
    assert steps["building"]["usual"] == pytest.approx(took["building"])

    framework, task = find_task(cluster, preview["task_id"])
    assert (framework["name"], framework["active"]) == ("prevs", True)
    assert framework["webui_url"].startswith(cluster.api)
    assert task["name"] == f"{APP}@main ({preview['sha'][:7]})"
    labels = {label["key"]: label["value"] for label in task["labels"]}
    assert labels == {"app": APP, "commit": preview["sha"], "label": "main", "url": preview["url"]}
    assert task["discovery"]["name"] == f"main--{APP}"
    [port] = task["discovery"]["ports"]["ports"]
    assert (port["name"], port["number"]) == ("http", preview["host_port"])
    assert (task["state"], task["statuses"][-1]["healthy"]) == ("TASK_RUNNING", True)

    agent, folder = find_sandbox(cluster, task)
    names = {Path(f["path"]).name for f in read(cluster, f"{agent}/files/browse", path=folder)}
    assert {"stdout", "stderr"} <= names

    def shown() -> str:
        query = {"path": f"{folder}/stdout", "offset": "0", "length": "50000"}
        return str(read(cluster, f"{agent}/files/read", **query)["data"])

    wait_until(lambda: shown().rstrip().endswith("It begins."))  # it answers before that is there
    assert "It is being built.\n" in shown()


def test_a_log_is_read_after_its_preview_was_stopped(
    api: Api, repository: SampleRepository
) -> None:
    sha = start(api, "main")
    follow(api, sha, "running")
    assert api.call("DELETE", f"/v1/previews/{APP}/{sha}").status_code == 202
    stopped, _ = follow(api, sha, "stopped")
    assert "stopped it" in stopped["reason"]
    log = api.call("GET", f"/v1/previews/{APP}/{sha}/log").text
    assert log.rstrip().endswith("It begins.")


def test_the_reason_of_a_failed_build_is_shown_when_its_sandbox_is_gone(
    cluster: Cluster, api: Api, repository: SampleRepository
) -> None:
    sha = start(api, "broken")
    failed, _ = follow(api, sha, "failed")
    path = f"/v1/previews/{APP}/{sha}"
    whole = api.call("GET", f"{path}/log").text
    assert "It cannot be built." in whole
    _, folder = find_sandbox(cluster, find_task(cluster, failed["task_id"])[1])

    def kept() -> list[Path]:
        return find_live(cluster.dir, f"**/logs/{failed['task_id']}")

    wait_until(kept)
    shutil.rmtree(folder)
    assert api.call("GET", f"{path}/log").text == whole
    events = requests.get(
        f"{api.base}{path}/log",
        headers={"Authorization": f"Bearer {api.token}", "Accept": "text/event-stream"},
        timeout=60,
    )
    assert "It cannot be built." in events.text
    assert "It cannot be built." in api.preview(APP, sha)["log_tail"]

    assert api.call("POST", f"{path}/retry").status_code == 202
    assert api.call("GET", f"{path}/log?attempt=1").text == whole
