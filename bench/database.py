"""The part of bench/start.py with a database: from stopped to the first answer.

An application that asks PostgreSQL for its page, by its address and by `docker compose up --wait`,
in turns. Both have the same images, the same command that says whether the database is ready, the
same limits, and volumes whose database was made before the first round.
"""

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from docker.api import APIClient

from bench import summary
from bench.harness.progress import print_progress
from bench.systems import compose
from bench.systems.address import Previews, System
from bench.systems.compose import Compose
from bench.systems.repository import Repository
from local.settings import read
from tests.fakes import database_app, debian_images
from tests.fakes.database_app import PSQL, READY
from tests.fakes.samples import remove_image
from tests.free_ports import free_port

COLUMNS = ("db_compose_s", "db_s")
AIM = 1.0
"""Seconds that an address may take more."""

_APP = "bench-database"
_QUIET = 0.5  # seconds between measurements, for remaining work of the last one
_PAGE = "seeded\n"
_APPLICATION = """
import http.server, os, subprocess

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        ask = ["psql", "-h", "db", "-U", "postgres", "-tAc", "select name from items"]
        page = subprocess.run(ask, capture_output=True, check=True).stdout
        self.send_response(200)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

http.server.HTTPServer(("", int(os.environ["PORT"])), Page).serve_forever()
"""
_SEED = "create table items (name text); insert into items values ('seeded')"


def why_not() -> str:
    """Return why this cannot be measured here, "" if it can."""
    if not database_app.is_possible():
        return "there is no PostgreSQL here"
    return "" if compose.is_there() else "docker has no compose here"


def measure(
    system: System, docker: str, folder: Path, *, cluster: Path, rounds: int
) -> list[dict[str, float]]:
    """Return the rounds: seconds by column. `cluster` is the cluster's folder."""
    installation = read(cluster)
    assert installation is not None
    client = APIClient(base_url=docker, timeout=300)
    prefix = f"prevs-bench/database-{os.getpid()}"
    with database_app.images(
        client, prefix, installation.cluster, application=_APPLICATION
    ) as images:
        compared = _Compared(system, docker, folder, app=images.app, postgres=images.postgres)
        try:
            return compared.run(rounds)
        finally:
            compared.clear()
            for tag in compared.tags:
                remove_image(client, tag)


class _Compared:
    """The two ways to start the application with its database."""

    def __init__(
        self, system: System, docker: str, folder: Path, *, app: str, postgres: str
    ) -> None:
        port = free_port()
        repository = Repository(folder / "database")
        (repository.folder / "Dockerfile").write_text(f"FROM {app}\n")
        (repository.folder / ".prevs.toml").write_text(_settings(postgres))
        self._sha = repository.commit("with a database")
        self.tags = [f"prevs/{_APP}:{self._sha}"]
        by_hand = folder / "compose"
        by_hand.mkdir()
        (by_hand / "compose.yaml").write_text(json.dumps(_compose_file(app, postgres, port)))
        self._compose = Compose(docker, by_hand, port)
        self._previews = Previews(system, _APP)
        self._previews.register(str(repository.folder))
        self._previews.allow(max_mem=512, max_cpus=1)

    def run(self, rounds: int) -> list[dict[str, float]]:
        """Make both databases, then measure."""
        self._compose.start("db")
        self._compose.execute("db", *PSQL[:1], "-h", "127.0.0.1", *PSQL[3:], _SEED)
        self._compose.end()
        self._by_address()
        found = []
        for number in range(1, rounds + 1):
            found.append(self._round(number))
            seconds = ", ".join(f"{name} {value:.3f}" for name, value in found[-1].items())
            print_progress(f"Round {number} of {rounds}: {seconds}")
        return found

    def _round(self, number: int) -> dict[str, float]:
        found: dict[str, float] = {}
        for who in summary.order(number):
            time.sleep(_QUIET)
            if who == "raw":
                found["db_compose_s"] = self._compose.warm(_PAGE)
                self._compose.end()
            else:
                found["db_s"] = self._by_address()
        return found

    def _by_address(self) -> float:
        taken = self._previews.visit(self._sha, _PAGE)
        self._previews.stop(self._sha)
        return taken

    def clear(self) -> None:
        """Remove all that both have made."""
        try:
            self._previews.remove()
        finally:
            self._compose.clear()


def lines(rounds: Sequence[Mapping[str, float]]) -> list[str]:
    """Return the medians, and how they compare with the aim."""
    by_hand, ours = summary.medians(rounds, COLUMNS).values()
    more = ours - by_hand
    verdict = "within" if more <= AIM else "beyond"
    return [
        f"with a database, from stopped: {ours:.3f} s by its address, {by_hand:.3f} s by docker "
        f"compose: {more:+.3f} s, {verdict} the aim of {AIM} s"
    ]


def _settings(postgres: str) -> str:
    seed = [[*PSQL, _SEED]]
    return f"""\
port = 8080

[hooks]
prepare = {json.dumps(seed)}

[companions.db]
image = "{postgres}"
volumes = ["{debian_images.DATA}"]
ready = {json.dumps(READY)}
"""


def _compose_file(app: str, postgres: str, port: int) -> Mapping[str, object]:
    often = {"interval": "1s", "start_period": "60s", "start_interval": "20ms"}
    limits = {"init": True, "mem_limit": "128m", "cpu_shares": 102}
    return {
        "services": {
            "db": {
                "image": postgres,
                "volumes": [f"data:{debian_images.DATA}"],
                "healthcheck": {"test": ["CMD", *READY], "retries": 1000, **often},
                **limits,
            },
            "app": {
                "image": app,
                "environment": {"PORT": "8080"},
                "ports": [f"127.0.0.1:{port}:8080"],
                "depends_on": {"db": {"condition": "service_healthy"}},
                **limits,
            },
        },
        "volumes": {"data": {}},
    }
