"""`prevs app check`: what would become of a repository."""

import json
from collections.abc import Mapping

import pytest

from framework.errors import RepositoryUnreachable
from tests.fakes.api import Api
from tests.integration.cli.command_runs import Run

pytestmark = pytest.mark.integration

HERE = "https://git.example.org/shop.git"
COMPOSE = """services:
  web: {build: ., ports: ["8000:8000"], restart: always, depends_on: [db]}
  db: {image: "postgres:17", volumes: ["db:/var/lib/postgresql/data"]}
volumes: {db: {}}
"""


def put(api: Api, texts: Mapping[str, str | None], ref: str = "") -> None:
    """Let the repository have these files."""
    api.refs.repositories[HERE, ref] = texts


def test_a_check_tells_what_would_run_and_how_to_go_on(api: Api, run: Run) -> None:
    put(api, {"compose.yaml": COMPOSE, "Dockerfile": "FROM a"}, "feature/x")
    done = run("app", "check", HERE, "--ref", "feature/x", "--mem", "512")
    assert done.status == 0
    about, containers, notes = done.out.split("\n\n")
    assert "built from    compose.yaml" in about
    assert "port          8000" in about
    header, web, db = (line.split() for line in containers.splitlines())
    assert header == ["CONTAINER", "FROM", "PORT", "CPUS", "MEM", "VOLUMES", "COMMAND"]
    assert web[:3] == ["app", "Dockerfile", "8000"]
    assert web[4:6] == ["512", "MB"]
    assert db[:2] == ["db", "postgres:17"]
    assert notes.startswith("Notes\n  compose.yaml:2: ")
    assert f"`prevs app add NAME {HERE}` adds it" in done.err
    assert run("app", "ls", "--json").out.count('"name"') == 1


def test_mistakes_fail_the_command(api: Api, run: Run) -> None:
    put(api, {"compose.yaml": COMPOSE.replace("restart: always", "privileged: true")})
    done = run("app", "check", HERE)
    assert done.status == 1
    assert "Mistakes\n  compose.yaml:2: " in done.out
    assert "1 mistake keeps this commit from being built." in done.err
    printed = run("app", "check", HERE, "--json")
    assert (printed.status, json.loads(printed.out)["runs"]) == (1, False)


def test_what_nothing_describes_is_told_with_ways_on(api: Api, run: Run) -> None:
    put(api, {"Makefile": "all:"})
    done = run("app", "check", HERE)
    assert done.status == 1
    assert "Found\n  Makefile\n" in done.out
    assert "Ways on\n  write a Dockerfile there\n" in done.out
    assert "Nothing in the root of the repository says how to run it." in done.err


def test_the_recipe_is_printed_to_keep_it(api: Api, run: Run) -> None:
    put(api, {"index.html": "<h1>x</h1>"})
    done = run("app", "check", HERE, "--dockerfile")
    assert done.status == 0
    assert "FROM caddy:" in done.out
    assert "Notes" not in done.out
    put(api, {"Dockerfile": "FROM a"})
    done = run("app", "check", HERE, "--dockerfile")
    assert (done.status, done.out) == (1, "")
    assert "it is built from Dockerfile" in done.err


def test_a_repository_that_cannot_be_read_names_the_way_to_a_login(api: Api, run: Run) -> None:
    api.refs.repositories[HERE, ""] = RepositoryUnreachable("", HERE, "Authentication failed")
    done = run("app", "check", HERE)
    assert done.status == 1
    assert "Authentication failed" in done.err
    assert "`prevs app add NAME REPOSITORY --unchecked`" in done.err
