"""The framework as processes of a test, on real services, with an executor that only reports."""

import contextlib
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, Self

import requests
from kazoo.client import KazooClient

from framework.zookeeper.connection import connect
from prevs.paths import Paths
from tests import copies
from tests.fakes.standin_bundle import write_bundle
from tests.free_ports import free_port
from tests.waits import describe_end, wait_for, wait_for_state, wait_until

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-of-this-test"


def settings(
    master: str, zookeeper: str, root: str, port: int, folder: Path, name: str = "framework"
) -> dict[str, str]:
    """Return the environment of a framework."""
    (folder / "token").write_text(TOKEN)
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PREVS_MASTER": master,
        "PREVS_ZOOKEEPER": zookeeper,
        "PREVS_ROOT": root,
        "PREVS_LISTEN": f"127.0.0.1:{port}",
        "PREVS_TOKEN_FILE": str(folder / "token"),
        "PREVS_DIR": str(folder / name),
        "PREVS_EXECUTOR_BUNDLE": str(write_bundle(folder)),
        "PREVS_EXECUTOR_PYTHON": sys.executable,
        "PREVS_REFS_INTERVAL": "1",
        "PREVS_LOCAL_REPOSITORIES": "yes",
    }


class Program:
    """A framework process. `environ` holds its settings."""

    def __init__(self, environ: dict[str, str], log: Path) -> None:
        self.environ = environ
        self.log = log
        self.process: copies.Copy | None = None
        self.url = f"http://{environ.get('PREVS_LISTEN', '')}"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = copies.start("framework", self.environ, ROOT, log.fileno())

    def run(self) -> None:
        """Start it; return once it is ready."""
        self.start()
        self.wait_ready()

    def command(self, *arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a command of an operator with its settings, whether it runs or not."""
        return subprocess.run(
            [sys.executable, "-m", "framework", *arguments],
            env=self.environ,
            cwd=ROOT,
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def request(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return requests.request(method, self.url + path, headers=headers, timeout=60, **more)

    def stream(self, path: str, headers: dict[str, str]) -> requests.Response:
        """Return an answer that is read as it comes."""
        headers = {"Authorization": f"Bearer {TOKEN}", **headers}
        return requests.get(self.url + path, headers=headers, stream=True, timeout=60)

    def add_app(self, repository: Path | str, name: str = "hello", **more: Any) -> None:
        app = {"name": name, "mem": 64, "repository": str(repository), **more}
        answer = self.request("POST", "/v1/apps", json=app)
        assert answer.status_code == 201, answer.text

    def order(self, label: str = "main", app: str = "hello") -> str:
        """Start a preview; return its path."""
        answer = self.request("POST", "/v1/previews", json={"app": app, "label": label})
        assert answer.ok, answer.text
        return answer.headers["Location"]

    def order_first(self, repository: Path | str) -> tuple[str, Mapping[str, Any]]:
        """Run a preview of a new app; return its path and its state."""
        self.add_app(repository, health="/runs")
        place = self.order()
        return place, self.wait_state(place, "running")

    def wait_ready(self) -> None:
        """Return once it is ready; fail with its last words where it has ended."""

        def is_ready() -> bool:
            with contextlib.suppress(requests.RequestException):
                return self.request("GET", "/readyz").status_code == 200
            return False

        wait_until(is_ready, "it is ready", over=self.ended, instead=self.log.read_text)

    def wait_state(self, path: str, state: str, *, but: str = "") -> Mapping[str, Any]:
        """Return a preview once it is in a state, not as the task `but`.

        Fails as soon as it has failed instead.
        """
        return wait_for_state(lambda: self._preview(path), state, but=but, seconds=60)

    def wait_reason(self, path: str, text: str) -> str:
        """Return a preview's reason once it contains a text."""
        read, what = (lambda: self._preview(path)), f"its reason has {text!r} in it"
        reason = wait_for(read, lambda one: text in one.get("reason", ""), what)["reason"]
        return str(reason)

    def _preview(self, path: str) -> Mapping[str, Any]:
        preview: Mapping[str, Any] = self.request("GET", path).json()
        return preview

    def ended(self) -> str | None:
        """Return how it has ended and its last output, or None while it runs."""
        return describe_end(self.process, self.log)

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def clean_up(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Mesos(Protocol):
    """A master: its host:port, and its URL in ZooKeeper if it has one."""

    @property
    def master(self) -> str: ...
    @property
    def zk(self) -> str: ...


class OwnRoot:
    """A root of a test's own in ZooKeeper, and the frameworks that work there."""

    def __init__(self, mesos: Mesos, zookeeper: str, folder: Path, root: str = "") -> None:
        self.paths = Paths(root or f"/test-{uuid.uuid4().hex}")
        self.zookeeper = zookeeper
        self.folder = folder
        self.programs: list[Program] = []
        self._mesos = mesos

    def program(self, **more: str) -> Program:
        """Return one more framework, not started; `more` are settings, PREVS_ left out."""
        name = f"framework-{len(self.programs)}"
        at = (self._mesos.zk, self.zookeeper, self.paths.root)
        environ = settings(*at, free_port(), self.folder, name)
        environ |= {f"PREVS_{key}": value for key, value in more.items()}
        self.programs.append(Program(environ, self.folder / f"{name}.log"))
        return self.programs[-1]

    def close(self) -> None:
        """End the frameworks, and remove what they leave."""
        for program in self.programs:
            program.clean_up()
        remove(self._mesos.master, self.zookeeper, self.paths.root)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def wait_id(client: KazooClient, paths: Paths, *, but: bytes = b"") -> str:
    """Return the framework id once one is stored, another than `but`.

    A framework is ready when Mesos has accepted it, and stores its id in the moment after that.
    """

    def stored() -> bytes:
        is_there = client.exists(paths.framework_id)
        return bytes(client.get(paths.framework_id)[0]) if is_there else b""

    return wait_for(stored, lambda found: found not in (b"", but), "an id is stored").decode()


def walk(client: KazooClient, path: str) -> Iterator[str]:
    """Yield a znode and all that are below it."""
    yield path
    for name in client.get_children(path):
        yield from walk(client, f"{path.rstrip('/')}/{name}")


def make_repository(path: Path) -> Path:
    """Make a git repository with one commit on `main`, which has a Dockerfile."""
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
    (path / "Dockerfile").write_text("FROM scratch\n")
    git("add", "Dockerfile")
    git("commit", "-m", "first")
    return path


def remove(master: str, zookeeper: str, root: str) -> None:
    """Tear down the framework at a root, and remove the root."""
    paths = Paths(root)
    client = connect(zookeeper, 15)
    if client.exists(paths.framework_id):
        framework_id = client.get(paths.framework_id)[0].decode()
        url = f"http://{master}/teardown"
        requests.post(url, data={"frameworkId": framework_id}, timeout=60)
    if client.exists(root):
        client.delete(root, recursive=True)
    client.stop()
    client.close()
