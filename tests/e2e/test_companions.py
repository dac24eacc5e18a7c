"""An application in Python with PostgreSQL and Redis beside it, by its address."""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import requests
from docker.api import APIClient

from executor.companions.specs import LABEL
from executor.docker.daemon import Daemon
from local import settings
from prevs.states import State
from tests.e2e.conftest import Api, Cluster
from tests.fakes import database_app
from tests.fakes.samples import SampleRepository
from tests.waits import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

APP = f"stock-{secrets.token_hex(3)}"


class World:
    """The app, whose branches `main` and `other` have the same files."""

    def __init__(self, api: Api, client: APIClient, repository: SampleRepository) -> None:
        self.api = api
        self.client = client
        self.sha = {name: repository.git("rev-parse", name) for name in ("main", "other")}

    def containers(self, label: str) -> Mapping[str, Mapping[str, Any]]:
        """Return the containers of a branch's preview by their companions."""
        wanted = {"label": [f"prevs.app={APP}", f"prevs.commit={self.sha[label]}"]}
        found = self.client.containers(filters=wanted)
        return {
            one["Labels"].get(LABEL, ""): self.client.inspect_container(one["Id"]) for one in found
        }

    def reaches(self, label: str, address: str) -> bool:
        """Return whether the application of a branch gets an answer from a database."""
        words = ["psql", "-h", address, "-U", "postgres", "-tAc", "select 7 * 6"]
        made = self.client.exec_create(
            self.containers(label)[""]["Id"], words, environment={"PGCONNECT_TIMEOUT": "3"}
        )
        output: bytes = self.client.exec_start(made["Id"])
        return b"42" in output


@pytest.fixture(scope="module")
def world(
    api: Api, cluster: Cluster, docker_host: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    client: APIClient = Daemon({"DOCKER_HOST": docker_host}).client()
    installation = settings.read(cluster.dir)
    assert installation is not None
    with database_app.images(client, f"prevs-test/{APP}", installation.cluster) as images:
        made = SampleRepository(tmp_path_factory.mktemp("stock") / "stock")
        files = {"Dockerfile": f"FROM {images.app}\n", ".prevs.toml": images.settings()}
        made.commit(files)
        made.git("checkout", "--quiet", "-b", "other")
        made.commit({**files, "other": "another commit"})
        app = {"name": APP, "repository": str(made.folder), "max_mem": 512, "max_cpus": 1}
        assert api.call("POST", "/v1/apps", json=app).status_code == 201
        yield World(api, client, made)
        api.call("DELETE", f"/v1/apps/{APP}")


def test_from_stopped_to_the_first_answer_with_the_data_of_before(
    world: World, visit: Callable[..., requests.Response]
) -> None:
    answer = visit("main", "/", APP)
    assert answer.status_code == 200, answer.text
    assert answer.json()["rows"] == ["seeded"], "the hooks saw the database, before the application"
    assert sorted(world.containers("main")) == ["", "cache", "db"]
    limits = {
        name: one["HostConfig"]["Memory"] >> 20 for name, one in world.containers("main").items()
    }
    assert limits == {"": 96, "db": 128, "cache": 64}
    world.api.call("DELETE", f"/v1/previews/{APP}/{world.sha['main']}")
    world.api.wait_for(APP, world.sha["main"], State.STOPPED.value)
    assert world.containers("main") == {}
    assert json.loads(visit("main", "/", APP).text)["rows"] == ["seeded"]


def test_two_previews_of_an_app_have_databases_that_the_other_does_not_reach(
    world: World, visit: Callable[..., requests.Response]
) -> None:
    for label in ("main", "other"):
        assert visit(label, "/", APP).status_code == 200
    (network,) = world.containers("main")["db"]["NetworkSettings"]["Networks"].values()
    assert world.reaches("main", "db")
    assert world.reaches("other", "db")
    assert world.reaches("main", network["IPAddress"])
    assert not world.reaches("other", network["IPAddress"])


def test_a_database_that_dies_ends_the_preview_which_names_it(
    world: World, visit: Callable[..., requests.Response]
) -> None:
    assert visit("main", "/", APP).status_code == 200
    world.client.kill(world.containers("main")["db"]["Id"])
    sha = world.sha["main"]
    seen: list[Mapping[str, Any]] = []

    def named() -> bool:
        seen.append(world.api.preview(APP, sha))
        return "The companion db exited with code 137" in json.dumps(seen[-1])

    wait_until(named, instead=lambda: str(seen[-1:]))
    # It had answered before, so it is started again, and has its data.
    assert visit("main", "/", APP).json()["rows"] == ["seeded"]
