"""The framework as processes of a test, on real services, with an executor that only reports."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
from kazoo.client import KazooClient

from framework.zookeeper_link import connect
from prevs.paths import Paths
from tests.fakes.standin_bundle import write_bundle
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
    }


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
        return requests.request(method, self.url + path, headers=headers, timeout=60, **more)

    def stream(self, path: str, headers: dict[str, str]) -> requests.Response:
        """Return an answer that is read as it comes."""
        headers = {"Authorization": f"Bearer {TOKEN}", **headers}
        return requests.get(self.url + path, headers=headers, stream=True, timeout=60)

    def wait_ready(self) -> None:
        """Return once it is ready; fail with its last words where it has ended."""

        def is_ready() -> bool:
            with contextlib.suppress(requests.RequestException):
                return self.ask("GET", "/readyz").status_code == 200
            return False

        wait_until(is_ready, "it is ready", over=self.ended, instead=self.log.read_text)

    def wait_state(self, path: str, state: str, *, but: str = "") -> Mapping[str, Any]:
        """Return a preview once it is in a state, not as the task `but`.

        Fails as soon as it has failed instead.
        """
        return wait_for_state(lambda: self._preview(path), state, but=but, seconds=60)

    def wait_reason(self, path: str, text: str) -> str:
        """Return the reason that a preview tells once it has a text in it."""
        read, what = (lambda: self._preview(path)), f"its reason has {text!r} in it"
        reason = wait_for(read, lambda one: text in one.get("reason", ""), what)["reason"]
        return str(reason)

    def _preview(self, path: str) -> Mapping[str, Any]:
        preview: Mapping[str, Any] = self.ask("GET", path).json()
        return preview

    def ended(self) -> str | None:
        """Return how it has ended and its last words, or None while it runs."""
        return describe_end(self.process, self.log)

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def clean_up(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def wait_id(client: KazooClient, paths: Paths, *, but: bytes = b"") -> str:
    """Return the framework id once one is stored, another than `but`.

    A framework is ready when Mesos has accepted it, and stores its id in the moment after that.
    """

    def stored() -> bytes:
        is_there = client.exists(paths.framework_id)
        return bytes(client.get(paths.framework_id)[0]) if is_there else b""

    return wait_for(stored, lambda found: found not in (b"", but), "an id is stored").decode()


def make_repository(path: Path) -> Path:
    """Make a git repository with one commit on `main`."""
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
