"""A small application in Python with PostgreSQL and Redis beside it, and their images."""

import contextlib
import shutil
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from docker.api import APIClient

from prevs import names
from prevs.companions import Companion
from tests.fakes import debian_images
from tests.fakes.samples import remove_image

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
READY = ("pg_isready", "-h", "127.0.0.1", "-U", "postgres")
_PORT = 6379


class Images(NamedTuple):
    """The tags of the images of the application, of PostgreSQL and of Redis."""

    app: str
    postgres: str
    redis: str

    def companions(self) -> tuple[Companion, ...]:
        """Return the companions of the application."""
        db = Companion("db", image=self.postgres, volumes=(debian_images.DATA,), ready=READY)
        return db, Companion("cache", image=self.redis, ready_port=_PORT, mem=64)


def is_possible() -> bool:
    """Return whether this machine has what the images are made of."""
    return debian_images.find_postgres() is not None and shutil.which("redis-server") is not None


@contextlib.contextmanager
def images(
    client: APIClient, prefix: str, cluster: str, *, application: str = APPLICATION
) -> Iterator[Images]:
    """Make the images, as if executors of an installation had pulled them from a registry."""
    if not is_possible():
        pytest.fail("PostgreSQL or Redis is not installed: provision/debian.sh --test")
    made = Images(
        debian_images.python_image(client, f"{prefix}-app:1", application),
        debian_images.postgres_image(client, f"{prefix}-postgres:15"),
        debian_images.redis_image(client, f"{prefix}-redis:8"),
    )
    pulled = [names.pulled_tag(tag, cluster, trusted=True) for tag in made[1:]]
    for tag, name in zip(made[1:], pulled, strict=True):
        repository, _, version = name.partition(":")
        client.tag(tag, repository, version)
    try:
        yield made
    finally:
        for tag in (*pulled, *made):
            remove_image(client, tag)
