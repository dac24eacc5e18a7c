"""An address builds its commit and serves it."""

import contextlib
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import docker
import pytest
import requests

from local.settings import read
from tests.e2e.conftest import Api, Cluster, Hello

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

Visit = Callable[..., requests.Response]


def containers_of(sha: str, cluster: Cluster, docker_host: str) -> list[Any]:
    """Return what this cluster runs of a commit: others share its dockerd."""
    settings = read(cluster.dir)
    assert settings is not None
    labels = [f"prevs.cluster={settings.cluster}", f"prevs.commit={sha}"]
    with contextlib.closing(docker.DockerClient(base_url=docker_host)) as client:
        return list(client.containers.list(all=True, filters={"label": labels}))


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


def test_an_app_that_does_not_listen_yet_can_be_stopped_and_leaves_nothing(
    hello: Hello, api: Api, cluster: Cluster, docker_host: str
) -> None:
    sha = hello.commit("never-listens")
    for _ in range(2):  # the same again answers the same preview
        answer = api.call("POST", "/v1/previews", json={"app": "hello", "label": "never-listens"})
        assert (answer.status_code, answer.json()["sha"]) == (202, sha)
        assert answer.headers["Location"] == f"/v1/previews/hello/{sha}"
    api.wait_for("hello", sha, "starting")
    assert api.call("DELETE", f"/v1/previews/hello/{sha}").status_code == 202
    assert api.wait_for("hello", sha, "stopped")["failure"] is None
    assert containers_of(sha, cluster, docker_host) == []
