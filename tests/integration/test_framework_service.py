"""The framework as a program: its API, its signals and its exit codes, on real services."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import requests

from framework.zookeeper import connect
from prevs.paths import Paths

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-of-this-test"


class Cluster(Protocol):
    """The session's Mesos."""

    master: str
    zk: str


class Program:
    """A framework process. `environ` holds its settings."""

    def __init__(self, environ: dict[str, str], log: Path) -> None:
        self.environ = environ
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.url = f"http://{environ.get('PREVS_LISTEN', '')}"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "framework"],
                cwd=ROOT,
                env=self.environ,
                stdout=log,
                stderr=log,
            )

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return requests.request(method, self.url + path, headers=headers, timeout=15, **more)

    def wait_ready(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if self.ask("GET", "/healthz").status_code == 200:
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def wait_state(self, path: str, state: str) -> dict[str, Any]:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            preview: dict[str, Any] = self.ask("GET", path).json()
            if preview.get("state") == state:
                return preview
            time.sleep(0.02)
        raise AssertionError(f"{preview}\n{self.log.read_text()}")

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(30)

    def clean_up(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "hello"
    environ = {
        **os.environ,
        **{
            f"GIT_{who}_{what}": "a@b.c"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
    }

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], check=True, cwd=path, env=environ, capture_output=True)

    path.mkdir()
    git("init", "-b", "main")
    git("commit", "--allow-empty", "-m", "first")
    return path


@pytest.fixture
def program(
    mesos: Cluster, zookeeper: str, free_port: Callable[[], int], tmp_path: Path
) -> Iterator[Program]:
    (tmp_path / "token").write_text(TOKEN)
    paths = Paths(f"/test-{uuid.uuid4().hex}")
    executor = f"{sys.executable} {ROOT}/tests/fakes/standin_executor.py"
    program = Program(
        {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PREVS_MASTER": mesos.zk,
            "PREVS_ZOOKEEPER": zookeeper,
            "PREVS_ROOT": paths.root,
            "PREVS_LISTEN": f"127.0.0.1:{free_port()}",
            "PREVS_TOKEN_FILE": str(tmp_path / "token"),
            "PREVS_DIR": str(tmp_path / "framework"),
            "PREVS_EXECUTOR_COMMAND": f"env PYTHONPATH={ROOT} {executor}",
            "PREVS_REFS_INTERVAL": "1",
        },
        tmp_path / "log",
    )
    yield program
    program.clean_up()
    client = connect(zookeeper, 15)
    if client.exists(paths.framework_id):
        framework_id = client.get(paths.framework_id)[0].decode()
        url = f"http://{mesos.master}/teardown"
        requests.post(url, data={"frameworkId": framework_id}, timeout=10)
        client.delete(paths.root, recursive=True)
    client.stop()
    client.close()


def test_a_preview_from_the_api_to_running_and_a_branch_that_moves(
    program: Program, repository: Path
) -> None:
    program.start()
    program.wait_ready()
    settings = {"name": "hello", "repository": str(repository), "mem": 64}
    assert program.ask("POST", "/v1/apps", json=settings).status_code == 201
    answer = program.ask("POST", "/v1/previews", json={"app": "hello", "label": "main"})
    assert answer.status_code == 202
    first = program.wait_state(answer.headers["Location"], "running")
    assert first["labels"] == ["main"]

    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    command = ["git", *identity, "commit", "--allow-empty", "-m", "second"]
    subprocess.run(command, check=True, cwd=repository, capture_output=True)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], check=True, cwd=repository, capture_output=True, text=True
    ).stdout.strip()
    deadline = time.monotonic() + 20
    while program.ask("GET", f"/v1/previews/hello/{head}").status_code == 404:
        assert time.monotonic() < deadline, program.log.read_text()
        time.sleep(0.1)
    assert program.wait_state(f"/v1/previews/hello/{head}", "running")["labels"] == ["main"]
    assert program.wait_state(answer.headers["Location"], "running")["labels"] == []

    text = program.ask("GET", "/metrics").text
    assert 'prevs_previews{state="running"} 2.0' in text
    assert "prevs_launches_total 2.0" in text
    assert program.end() == 0


def test_a_killed_framework_goes_on_where_it_was(program: Program, repository: Path) -> None:
    program.start()
    program.wait_ready()
    settings = {"name": "hello", "repository": str(repository), "mem": 64}
    program.ask("POST", "/v1/apps", json=settings)
    place = program.ask("POST", "/v1/previews", json={"app": "hello", "label": "main"}).headers[
        "Location"
    ]
    before = program.wait_state(place, "running")
    program.end(signal.SIGKILL)
    program.start()
    program.wait_ready()
    time.sleep(1)
    assert program.ask("GET", place).json() == before
    assert program.ask("DELETE", place).status_code == 202
    program.wait_state(place, "stopped")
    assert program.ask("DELETE", "/v1/apps/hello").status_code == 204
    assert program.end(signal.SIGINT) == 0


def test_every_wrong_setting_is_told_at_once(program: Program) -> None:
    program.environ |= {"PREVS_MASTER": "nowhere", "PREVS_PUBLIC_PORT": "eighty"}
    del program.environ["PREVS_EXECUTOR_COMMAND"]
    program.start()
    assert program.process is not None
    assert program.process.wait(30) == 2
    told = program.log.read_text()
    for variable in ("PREVS_MASTER", "PREVS_PUBLIC_PORT", "PREVS_EXECUTOR_COMMAND"):
        assert variable in told


def test_a_port_that_is_taken_ends_it_with_the_reason(program: Program, zookeeper: str) -> None:
    program.environ["PREVS_LISTEN"] = zookeeper
    program.start()
    assert program.process is not None
    assert program.process.wait(30) == 2
    assert "PREVS_LISTEN" in program.log.read_text()


def test_mesos_that_refuses_the_framework_ends_it_with_its_own_code(
    program: Program, mesos: Cluster, zookeeper: str
) -> None:
    program.start()
    program.wait_ready()
    client = connect(zookeeper, 15)
    framework_id = client.get(f"{program.environ['PREVS_ROOT']}/framework/id")[0].decode()
    client.stop()
    client.close()
    url = f"http://{mesos.master}/teardown"
    requests.post(url, data={"frameworkId": framework_id}, timeout=10).raise_for_status()
    assert program.process is not None
    assert program.process.wait(30) == 3
    assert "Mesos refused this framework" in program.log.read_text()
    assert TOKEN not in program.log.read_text()
