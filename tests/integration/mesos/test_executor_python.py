"""The executor with the oldest Python that agents may have, on a real agent."""

import contextlib
import http.client
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.api import APIClient

from executor.docker.daemon import Daemon
from executor.limits.ingress import CHECK_SOURCE
from prevs.environment import read_environment
from tests import pythons
from tests.conftest import Mesos
from tests.fakes.program import OwnRoot, Program
from tests.fakes.samples import SampleRepository, nothing_left, serving
from tests.waits import wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        pythons.oldest() == sys.executable,
        reason="there is no Python {}.{} here".format(*pythons.OLDEST),
    ),
]

HELLO = serving("hello from the image")
SETTINGS = """\
command = ["sh", "-c", "cp /data/page /www/index.html; exec httpd -f -p $PORT -h /www"]
volumes = ["/data"]

[environment]
GREETING = "hello"

[hooks]
prepare = [["sh", "-c", "echo $GREETING after its hook > /data/page"]]
"""


@pytest.fixture(scope="module")
def program(
    mesos: Mesos, zookeeper: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Program]:
    """A framework with the whole executor."""
    with OwnRoot(mesos, zookeeper, tmp_path_factory.mktemp("framework")) as own:
        program = own.program(EXECUTOR_PYTHON=pythons.oldest())
        del program.environ["PREVS_EXECUTOR_BUNDLE"]
        program.run()
        yield program


class App:
    """An app of one test's own, and its repository."""

    def __init__(self, program: Program, client: APIClient, folder: Path) -> None:
        self.repository = SampleRepository(folder)
        self.name = f"oldest-{secrets.token_hex(3)}"
        self._program = program
        self._client = client

    def start(self) -> str:
        """Start the only commit; return the path of its preview."""
        self._program.add_app(self.repository.folder, self.name)
        return self._program.order(app=self.name)

    def containers(self) -> list[dict[str, Any]]:
        """Return its executors, running and ended."""
        only = {"label": f"prevs.app={self.name}"}
        found: list[dict[str, Any]] = self._client.containers(all=True, filters=only)
        return found


@pytest.fixture
def app(program: Program, docker_host: str, tmp_path: Path) -> Iterator[App]:
    client = Daemon({"DOCKER_HOST": docker_host}).client()
    app = App(program, client, tmp_path / "repository")
    with nothing_left(client, f"prevs.app={app.name}"):
        yield app
        program.request("DELETE", f"/v1/apps/{app.name}")
        wait_until(lambda: app.containers() == [])


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


def get(container: dict[str, Any]) -> str:
    """Return what a container answers to its executor, and so to nobody else but proxies.

    A leader that no proxy has told of itself for ten seconds knows that there is none: the orders
    that it sends from then on have executors let nobody else in (docs/decisions/0122-ingress.md).
    """
    (port,) = container["Ports"]
    of_executor = (CHECK_SOURCE, 0)
    connection = http.client.HTTPConnection(
        port["IP"], port["PublicPort"], timeout=30, source_address=of_executor
    )
    with contextlib.closing(connection):
        connection.request("GET", "/")
        return connection.getresponse().read().decode()


def test_it_builds_runs_and_ends_a_commit(program: Program, app: App) -> None:
    app.repository.commit_app(HELLO, {".prevs.toml": SETTINGS})
    path = app.start()
    program.wait_state(path, "running")
    (container,) = app.containers()
    assert get(container) == "hello after its hook\n"
    assert (executor(container) / "exe").samefile(pythons.oldest())
    assert program.request("DELETE", path).status_code == 202
    program.wait_state(path, "stopped")
    wait_until(lambda: app.containers() == [])


def test_it_reports_which_step_of_a_build_failed(program: Program, app: App) -> None:
    app.repository.commit_app(["RUN echo this cannot work; exit 4"])
    failure = program.wait_state(app.start(), "failed")["failure"]
    assert (failure["cause"], failure["exit_code"]) == ("build-failed", 4)
    assert "3/3" in failure["message"]


def test_its_watchdog_removes_what_a_killed_executor_leaves(program: Program, app: App) -> None:
    app.repository.commit_app(HELLO)
    program.wait_state(app.start(), "running")
    (before,) = app.containers()
    os.kill(int(executor(before).name), signal.SIGKILL)
    wait_until(lambda: before["Id"] not in [one["Id"] for one in app.containers()])
    wait_until(lambda: [one["State"] for one in app.containers()] == ["running"])
    (after,) = app.containers()
    assert after["Labels"]["prevs.task"] != before["Labels"]["prevs.task"]


def test_an_agent_fetches_the_executor_once_and_again_after_it_was_removed(
    program: Program, app: App
) -> None:
    app.repository.commit_app(HELLO)
    path = app.start()

    def run() -> tuple[Path, bool]:
        """Return the folder of the running executor, and whether its agent fetched it."""
        program.wait_state(path, "running")
        (container,) = app.containers()
        entries = read_environment(executor(container))
        environ = dict(entry.decode().split("=", 1) for entry in entries if entry)
        # Nothing of ours is installed there, and the file that was fetched leaves no copy.
        assert "PYTHONPATH" not in environ
        assert not Path(environ["MESOS_SANDBOX"], "prevs-executor.pyz").exists()
        output = Path(environ["MESOS_SANDBOX"], "stderr").read_text()
        assert program.request("DELETE", path).status_code == 202
        program.wait_state(path, "stopped")
        return Path(environ["PREVS_EXECUTOR_DIR"], "bundles"), "mesos-fetcher: " in output

    def start() -> tuple[Path, bool]:
        order = {"app": app.name, "label": "main"}
        assert program.request("POST", "/v1/previews", json=order).status_code == 202
        return run()

    found = [run(), start()]
    if found[0][0] != found[1][0]:  # there are two agents
        found.append(start())
    home, fetched = found[-1]
    assert home in dict(found[:-1])
    assert not fetched
    for bundles in found[0][0].parents[2].glob("*/executor/bundles"):
        shutil.rmtree(bundles)
    assert start()[1]
