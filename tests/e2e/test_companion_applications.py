"""A Django application with PostgreSQL, and one for Node with Redis, by their addresses."""

import contextlib
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from docker.api import APIClient
from playwright.sync_api import expect

from local import settings
from tests import applications
from tests.chromium import Chromium
from tests.e2e.conftest import Api, Cluster
from tests.e2e.viewers import address, see, viewing
from tests.fakes import database_app, debian_images
from tests.fakes.database_app import READY, Images

pytestmark = [pytest.mark.e2e, pytest.mark.night, pytest.mark.timeout(900)]  # makes their bases

DJANGO = f"notes-{secrets.token_hex(3)}"
NODE = f"visits-{secrets.token_hex(3)}"


@pytest.fixture(scope="module")
def images(cluster: Cluster, docker_host: str) -> Iterator[Images]:
    """The images of PostgreSQL and Redis, beside the one from which the applications are built."""
    installation = settings.read(cluster.dir)
    assert installation is not None
    client = APIClient(base_url=docker_host, timeout=300)
    with (
        contextlib.closing(client) as docker,
        applications.base_image(docker),
        database_app.images(docker, f"prevs-test/{DJANGO}", installation.cluster) as made,
    ):
        yield made


@contextlib.contextmanager
def registered(api: Api, name: str, folder: Path) -> Iterator[None]:
    app = {"name": name, "repository": str(folder), "max_mem": 512, "max_cpus": 1}
    api.add(app)
    yield
    api.call("DELETE", f"/v1/apps/{name}")


def test_django_migrates_its_postgresql_and_finds_it_again_also_after_a_push(
    images: Images, api: Api, cluster: Cluster, browser: Chromium, tmp_path: Path
) -> None:
    written = f"""\
port = 8000

[environment]
DATABASE_HOST = "db"

[hooks]
prepare = ["python3 manage.py migrate --no-input"]

[resources]
mem = 256

[companions.db]
image = "{images.postgres}"
volumes = ["{debian_images.DATA}"]
ready = {list(READY)}
"""
    made = applications.make_repository("django", tmp_path / "django", settings=written)
    notes = ["Written by a migration", "Written by hand"]
    with registered(api, DJANGO, made.folder), viewing(browser) as desk:
        page = desk.new_page()
        page.goto(address(cluster, "main", DJANGO))
        see(page, page.get_by_text(notes[0]))
        page.get_by_label("Note").fill(notes[1])
        page.get_by_role("button", name="Add").click()
        expect(page.get_by_role("listitem")).to_have_text(notes)
        sha = made.git("rev-parse", "main")
        assert api.call("DELETE", f"/v1/previews/{DJANGO}/{sha}").status_code == 202
        api.wait_for(DJANGO, sha, "stopped")
        page.goto(address(cluster, "main", DJANGO))
        see(page, page.get_by_text(notes[1]))
        expect(page.get_by_role("listitem")).to_have_text(notes)
        made.git("commit", "--quiet", "--allow-empty", "--message", "A push")
        newer = made.git("rev-parse", "main")
        started = api.call("POST", "/v1/previews", json={"app": DJANGO, "label": "main"})
        assert started.status_code == 202, started.text
        assert api.wait_for(DJANGO, newer, "running")["data"] == "main"
        page.goto(address(cluster, "main", DJANGO))
        see(page, page.get_by_text(notes[1]))
        expect(page.get_by_role("listitem")).to_have_text(notes)
        older = api.wait_for(DJANGO, sha, "stopped")
        assert older["reason"].startswith(f"{newer[:7]} of the same branch goes on with its data.")
        page.goto(address(cluster, sha[:12], DJANGO))
        see(page, page.get_by_text(notes[0]))
        expect(page.get_by_role("listitem")).to_have_text(notes[:1])


def test_node_counts_in_its_redis(
    images: Images, api: Api, visit: Callable[..., requests.Response], tmp_path: Path
) -> None:
    written = f"""\
port = 8080

[health]
path = "/health"

[environment]
REDIS_URL = "redis://cache:6379"

[companions.cache]
image = "{images.redis}"
ready = {{ port = 6379 }}
mem = 64
"""
    made = applications.make_repository("node-redis", tmp_path / "node", settings=written)
    with registered(api, NODE, made.folder):
        answers = [visit("main", "/", NODE).json() for _ in range(3)]
    assert answers == [{"visits": 1}, {"visits": 2}, {"visits": 3}]
