"""The executor with the oldest Python that agents may have, on a real agent."""

import contextlib
import os
import secrets
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import requests
from docker.api import APIClient

from executor.daemon import Daemon
from prevs.environment import read_environment
from tests import pythons
from tests.fakes.program import Program, remove, settings
from tests.fakes.samples import SampleRepository, nothing_left, serving
from tests.waits import wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        pythons.oldest() == sys.executable,
        reason="there is no Python {}.{} here".format(*pythons.OLDEST),
    ),
]

APP = f"oldest-{secrets.token_hex(3)}"
"""Of this run alone: several share one Docker, and each looks for containers by this name."""

SAYS = """\
command = ["sh", "-c", "cp /data/page /www/index.html; exec httpd -f -p $PORT -h /www"]
volumes = ["/data"]

[environment]
GREETING = "hello"

[hooks]
prepare = [["sh", "-c", "echo $GREETING after its hook > /data/page"]]
"""


class Cluster(Protocol):
    """The session's Mesos."""

    master: str
    zk: str


@pytest.fixture
def repository(tmp_path: Path) -> SampleRepository:
    return SampleRepository(tmp_path / "repository")


@pytest.fixture
def client(docker_host: str) -> APIClient:
    return Daemon({"DOCKER_HOST": docker_host}).client()


@pytest.fixture
def program(
    mesos: Cluster,
    zookeeper: str,
    client: APIClient,
    free_port: Callable[[], int],
    tmp_path: Path,
) -> Iterator[Program]:
    """A framework with the whole executor."""
    root = f"/test-{uuid.uuid4().hex}"
    environ = settings(mesos.zk, zookeeper, root, free_port(), tmp_path)
    del environ["PREVS_EXECUTOR_BUNDLE"]
    environ["PREVS_EXECUTOR_PYTHON"] = pythons.oldest()
    program = Program(environ, tmp_path / "log")
    program.start()
    with nothing_left(client, f"prevs.app={APP}"):
        yield program
        program.clean_up()
        remove(mesos.master, zookeeper, root)
        wait_until(lambda: containers(client) == [])


def containers(client: APIClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.containers(all=True, filters={"label": f"prevs.app={APP}"})
    return found


def executor(container: dict[str, Any]) -> Path:
    """Return the process that runs a container's attempt, as a folder of /proc."""
    mark = f"MESOS_EXECUTOR_ID={container['Labels']['prevs.task']}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"prevs-executor.pyz" in words and mark in read_environment(process):
                found.append(process)
    (process,) = found
    return process


def start(program: Program, repository: SampleRepository) -> str:
    """Ask for the only commit; return where its preview is."""
    app = {"name": APP, "repository": str(repository.folder), "mem": 64}
    program.wait_ready()
    assert program.ask("POST", "/v1/apps", json=app).status_code == 201
    answer = program.ask("POST", "/v1/previews", json={"app": APP, "label": "main"})
    return answer.headers["Location"]


def get(container: dict[str, Any]) -> str:
    (port,) = container["Ports"]
    return requests.get(f"http://{port['IP']}:{port['PublicPort']}/", timeout=30).text


def test_it_builds_runs_and_ends_what_a_commit_says(
    program: Program, repository: SampleRepository, client: APIClient
) -> None:
    repository.commit_app(serving("hello from the image"), {".prevs.toml": SAYS})
    path = start(program, repository)
    program.wait_state(path, "running")
    (container,) = containers(client)
    assert get(container) == "hello after its hook\n"
    assert (executor(container) / "exe").samefile(pythons.oldest())
    assert program.ask("DELETE", path).status_code == 202
    program.wait_state(path, "stopped")
    wait_until(lambda: containers(client) == [])


def test_it_says_which_step_of_a_build_failed(
    program: Program, repository: SampleRepository
) -> None:
    repository.commit_app(["RUN echo this cannot work; exit 4"])
    failure = program.wait_state(start(program, repository), "failed")["failure"]
    assert (failure["cause"], failure["exit_code"]) == ("build-failed", 4)
    assert "3/3" in failure["message"]


def test_its_guardian_removes_what_a_killed_one_leaves(
    program: Program, repository: SampleRepository, client: APIClient
) -> None:
    repository.commit_app(serving("again"))
    path = start(program, repository)
    program.wait_state(path, "running")
    (before,) = containers(client)
    os.kill(int(executor(before).name), signal.SIGKILL)
    wait_until(lambda: before["Id"] not in [one["Id"] for one in containers(client)])
    wait_until(lambda: [one["State"] for one in containers(client)] == ["running"])
    (after,) = containers(client)
    assert after["Labels"]["prevs.task"] != before["Labels"]["prevs.task"]
