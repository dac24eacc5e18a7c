"""An address builds its commit and serves it, or shows why it cannot."""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker
import pytest
import requests

from local.settings import read
from tests.e2e.conftest import Api, Cluster, Hello
from tests.waits import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

Visit = Callable[..., requests.Response]


def problem(answer: requests.Response) -> Mapping[str, Any]:
    assert answer.headers["Content-Type"].startswith("application/problem+json"), answer.text
    body: Mapping[str, Any] = answer.json()
    return body


ContainersOf = Callable[[str], list[Any]]


@pytest.fixture
def containers_of(docker_host: str, cluster: Cluster) -> Iterator[ContainersOf]:
    """What this cluster runs of a commit: other clusters of the machine share its dockerd."""
    settings = read(cluster.dir)
    assert settings is not None
    client = docker.DockerClient(base_url=docker_host)

    def find(sha: str) -> list[Any]:
        labels = [f"prevs.cluster={settings.cluster}", f"prevs.commit={sha}"]
        return list(client.containers.list(all=True, filters={"label": labels}))

    yield find
    client.close()


def test_three_versions_are_served_at_the_same_time_each_with_its_own_page(
    hello: Hello, visit: Visit
) -> None:
    old = hello.commit("main~1")
    labels = {"main": "main", "v1": "v1", old[:7]: old}
    with ThreadPoolExecutor() as pool:
        answers = dict(zip(labels, pool.map(visit, labels), strict=True))
    for label, ref in labels.items():
        assert answers[label].status_code == 200, answers[label].text
        assert answers[label].text.strip() == hello.page(ref)
    assert len({answer.text for answer in answers.values()}) == 3
    for label, ref in labels.items():  # and again, when all three run
        assert visit(label).text.strip() == hello.page(ref)


def test_the_curl_command_of_the_readme_gets_the_page(hello: Hello, cluster: Cluster) -> None:
    address = f"http://main.hello.{cluster.domain}:{cluster.port}/"
    command = ["curl", "--silent", "--show-error", "--max-time", "120", address]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == hello.page("main")


def test_mesos_shows_the_task_with_its_name_labels_and_resources(
    hello: Hello, visit: Visit, api: Api, cluster: Any
) -> None:
    visit("main")
    sha = hello.commit("main")
    preview = api.preview("hello", sha)
    listed = f"http://{cluster.master}/tasks?limit=1000"
    tasks = requests.get(listed, auth=cluster.mesos_auth, timeout=60).json()["tasks"]
    [task] = [t for t in tasks if t["id"] == preview["task_id"]]
    assert task["name"].startswith("hello@")
    assert sha[:7] in task["name"]
    assert task["state"] == "TASK_RUNNING"
    labels = {label["key"]: label["value"] for label in task["labels"]}
    assert (labels["app"], labels["commit"]) == ("hello", sha)
    assert labels["url"].startswith("http://")
    assert task["resources"]["cpus"] == 0.1
    assert task["resources"]["mem"] == 128
    assert str(preview["host_port"]) in task["resources"]["ports"]


def test_the_container_has_the_share_and_the_limit_of_its_task(
    hello: Hello, visit: Visit, containers_of: ContainersOf
) -> None:
    visit("main")
    [container] = containers_of(hello.commit("main"))
    assert container.attrs["HostConfig"]["Memory"] == 128 * 1024 * 1024
    # A tenth of the default of one CPU: 1024 shares with v1, a weight of 100 with v2.
    assert kernel_share(container.attrs["State"]["Pid"]) in {"cpu.shares 102", "cpu.weight 10"}


def kernel_share(pid: int) -> str:
    """Return the share of the CPU that a process's control group has, with the file's name."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, group = line.split(":", 2)
        for file in ("cpu.shares", "cpu.weight"):
            share = Path(f"/sys/fs/cgroup/{controllers}/{group}/{file}")
            if share.exists():
                return f"{file} {share.read_text().strip()}"
    raise AssertionError("no control group has a share of the CPU")


def test_a_broken_dockerfile_fails_with_the_reason_and_leaves_nothing(
    hello: Hello, visit: Visit, api: Api, containers_of: ContainersOf
) -> None:
    answer = visit("broken-dockerfile")
    document = problem(answer)
    assert answer.status_code == 502
    assert document["cause"] == "build-failed"
    sha = hello.commit("broken-dockerfile")
    preview = api.wait_for("hello", sha, "failed")
    assert preview["failure"]["cause"] == "build-failed"
    assert preview["failure"]["exit_code"] not in (0, None)
    assert preview["log_tail"].strip()
    assert containers_of(sha) == []


def test_a_push_that_fails_leaves_the_older_commit_whose_answers_name_it(
    hello: Hello, visit: Visit, api: Api
) -> None:
    hello.git("branch", "pushed", "main")
    try:
        first = visit("pushed")
        assert (first.status_code, first.headers.get("X-Prevs-Newer")) == (200, None)
        author = ("-c", "user.name=An author", "-c", "user.email=author@example.org")
        tree = hello.git("rev-parse", "broken-dockerfile^{tree}")
        pushed = hello.git(*author, "commit-tree", tree, "-p", "pushed", "-m", "Break it")
        hello.git("branch", "--force", "pushed", pushed)
        api.wait_for("hello", pushed, "failed")
        wait_until(lambda: "X-Prevs-Newer" in visit("pushed").headers)
        answer = visit("pushed")
        assert answer.headers["X-Prevs-Newer"] == f"{pushed[:12]} failed"
        assert answer.text.strip() == hello.page("main")
    finally:
        hello.git("branch", "--delete", "--force", "pushed")


def test_an_app_that_exits_fails_with_its_exit_code_until_a_retry(
    hello: Hello, visit: Visit, api: Api, containers_of: ContainersOf
) -> None:
    answer = visit("exits")
    document = problem(answer)
    assert (answer.status_code, document["cause"]) == (502, "app-exited")
    sha = hello.commit("exits")
    failed = api.wait_for("hello", sha, "failed")
    assert failed["failure"]["exit_code"] == 3
    assert containers_of(sha) == []
    assert problem(visit("exits"))["cause"] == "app-exited"
    assert api.preview("hello", sha)["task_id"] == failed["task_id"], "it was started again"
    assert api.call("POST", f"/v1/previews/hello/{sha}/retry").status_code == 202
    api.wait_for("hello", sha, "failed", but=failed["task_id"])


def test_an_app_that_does_not_listen_yet_can_be_stopped_and_leaves_nothing(
    hello: Hello, api: Api, containers_of: ContainersOf
) -> None:
    sha = hello.commit("never-listens")
    for _ in range(2):  # the same again answers the same preview
        answer = api.call("POST", "/v1/previews", json={"app": "hello", "label": "never-listens"})
        assert (answer.status_code, answer.json()["sha"]) == (202, sha)
        assert answer.headers["Location"] == f"/v1/previews/hello/{sha}"
    api.wait_for("hello", sha, "starting")
    assert api.call("DELETE", f"/v1/previews/hello/{sha}").status_code == 202
    assert api.wait_for("hello", sha, "stopped")["failure"] is None
    assert containers_of(sha) == []


@pytest.mark.parametrize("label", ["no-such-branch", "abcdef0", "f" * 40])
def test_an_unknown_label_is_404_with_the_reason_and_starts_nothing(
    hello: Hello, visit: Visit, api: Api, label: str
) -> None:
    before = len(api.call("GET", "/v1/previews?app=hello").json()["previews"])
    answer = visit(label)
    assert answer.status_code == 404
    document = problem(answer)
    assert document["type"] == "urn:prevs:problem:unknown-label"
    assert label in document["detail"]
    assert len(api.call("GET", "/v1/previews?app=hello").json()["previews"]) == before


def test_an_unknown_app_is_404_with_the_reason(hello: Hello, visit: Visit) -> None:
    answer = visit("main", app="nobody")
    assert answer.status_code == 404
    assert problem(answer)["type"] == "urn:prevs:problem:unknown-app"


def test_a_stopped_preview_comes_back_from_its_kept_image(
    hello: Hello, visit: Visit, api: Api, containers_of: ContainersOf
) -> None:
    sha = hello.commit("v1")
    assert visit("v1").status_code == 200
    first = api.preview("hello", sha)
    [container] = containers_of(sha)
    image = container.image.id
    assert api.call("DELETE", f"/v1/previews/hello/{sha}").status_code == 202
    api.wait_for("hello", sha, "stopped")
    assert containers_of(sha) == []
    assert visit("v1").text.strip() == hello.page("v1")
    second = api.preview("hello", sha)
    assert second["task_id"] != first["task_id"]
    [container] = containers_of(sha)
    assert container.image.id == image
