"""An application in Python with PostgreSQL and Redis beside it, as a team would have it."""

import json
import secrets
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from docker.api import APIClient

from executor.companions.specs import LABEL
from executor.docker.daemon import Daemon
from prevs import names
from prevs.commit_settings import RunSettings
from prevs.companions import Companion
from prevs.states import Cause
from tests.fakes import debian_images
from tests.fakes.debian_images import DATA
from tests.fakes.samples import remove_image
from tests.integration.docker.attempts import APP, Agent

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        debian_images.find_postgres() is None or shutil.which("redis-server") is None,
        reason="PostgreSQL and Redis are taken from this machine: apt-get install both",
    ),
]

PREFIX = f"prevs-test/companions-{secrets.token_hex(3)}"
APPLICATION = """
import http.server, json, os, socket, subprocess

def ask(query):
    command = ["psql", "-h", "db", "-U", "postgres", "-tAc", query]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

def count():
    with socket.create_connection(("cache", 6379)) as cache:
        cache.sendall(b"INCR visits\\r\\n")
        return int(cache.recv(100)[1:])

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        found = {"rows": ask("select name from items order by name").split(), "visits": count()}
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        ask("insert into items values ('%s')" % self.path[1:])
        self.send_response(204)
        self.end_headers()

http.server.HTTPServer(("", int(os.environ["PORT"])), Page).serve_forever()
"""
PSQL = ("psql", "-h", "db", "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-c")
HOOKS = (
    (*PSQL, "create table items (name text)"),
    (*PSQL, "insert into items values ('seeded')"),
)


class World:
    """An agent with these images."""

    def __init__(self, agent: Agent, sha: str, postgres: str, redis: str) -> None:
        self.agent = agent
        self.sha = sha
        # Companions of images that are there already need no registry.
        self.companions = (
            Companion(
                "db",
                image=postgres,
                volumes=(DATA,),
                ready=("pg_isready", "-h", "127.0.0.1", "-U", "postgres"),
            ),
            Companion("cache", image=redis, ready_port=6379, mem=64),
        )

    def run(self, act: Callable[[], object], *, ends_itself: bool = False) -> float:
        """Run the preview until `act` has been called; return the seconds to its first answer."""
        taken: list[float] = []
        began = time.monotonic()

        def running() -> None:
            self.get()
            taken.append(time.monotonic() - began)
            try:
                act()
            finally:
                if not ends_itself:
                    self.agent.kill()

        self.agent.when["TASK_RUNNING"] = running
        settings = RunSettings(companions=self.companions, hooks=HOOKS)
        self.agent.run(self.sha, run=settings, mem=128)
        assert taken, f"{self.agent.message}\n{self.agent.log.data.decode()[-3000:]}"
        return taken[0]

    def get(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.agent.get())
        return found

    def add(self, name: str) -> None:
        address = f"http://127.0.0.1:{self.agent.port}/{name}"
        urllib.request.urlopen(address, data=b"", timeout=30).close()

    def container(self, companion: str) -> str:
        label = {"label": [f"prevs.app={APP}", f"{LABEL}={companion}"]}
        (found,) = self.agent.client.containers(filters=label)
        return str(found["Id"])


@pytest.fixture(scope="module")
def images(docker_host: str) -> Iterator[dict[str, str]]:
    """The images by their names."""
    client: APIClient = Daemon({"DOCKER_HOST": docker_host}).client()
    made = {
        "app": debian_images.python_image(client, f"{PREFIX}-app:1", APPLICATION),
        "postgres": debian_images.postgres_image(client, f"{PREFIX}-postgres:15"),
        "redis": debian_images.redis_image(client, f"{PREFIX}-redis:8"),
    }
    yield made
    for tag in made.values():
        remove_image(client, tag)


@pytest.fixture
def world(agent: Agent, images: dict[str, str]) -> Iterator[World]:
    sha = secrets.token_hex(20)
    tags = {names.image_tag(APP, sha): images["app"]}
    for name in ("postgres", "redis"):
        tags[names.pulled_tag(images[name], APP, trusted=True)] = images[name]
    for tag, image in tags.items():
        repository, _, version = tag.partition(":")
        agent.client.tag(image, repository, version)
    yield World(agent, sha, images["postgres"], images["redis"])
    for tag in tags:
        remove_image(agent.client, tag)


def test_its_hooks_prepare_the_database_once_and_the_data_stay(world: World) -> None:
    found: list[dict[str, Any]] = []

    def add() -> None:
        world.add("added")
        found.append(world.get())

    world.run(add)
    second = world.run(lambda: found.append(world.get()))
    assert [one["rows"] for one in found] == [["added", "seeded"]] * 2
    assert found[1]["visits"] <= found[0]["visits"]  # the cache has no volume
    assert b"db | " in world.agent.log.data
    assert len([header for header in world.agent.log.headers if header.startswith("hook")]) == 2
    assert second < 30


def test_its_database_that_dies_ends_the_preview_and_is_named(world: World) -> None:
    world.run(lambda: world.agent.client.kill(world.container("db")), ends_itself=True)
    assert world.agent.report.cause is Cause.COMPANION_FAILED
    assert "The companion db exited with code 137" in world.agent.message
    assert world.agent.containers() == []
