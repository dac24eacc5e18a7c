"""Programs of this version and of an earlier one, side by side at one root."""

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.free_ports import free_port
from tests.waits import describe_end, wait_for_state, wait_until

ROOT = Path(__file__).parents[2]
EARLIER = "ba4b44283aec13e6a08ecfb6cc69b3282f8bb4b3"
_LIMIT = 60.0


def check_out(folder: Path) -> Path:
    """Put the earlier version's files into a folder; fails where this clone has no such commit."""
    archive = subprocess.run(
        ["git", "-c", "safe.directory=*", "archive", EARLIER],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if archive.returncode != 0:
        pytest.fail(
            f"This clone has no commit {EARLIER[:7]}, the earlier version: fetch the whole history "
            f"(git fetch --unshallow). git says: {archive.stderr.decode().strip()}"
        )
    folder.mkdir()
    subprocess.run(["tar", "--extract"], cwd=folder, input=archive.stdout, check=True)
    return folder


@dataclasses.dataclass
class Program:
    """A framework or a proxy, of the version whose files are in `tree`."""

    tree: Path
    module: str
    environ: Mapping[str, str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module],
                cwd=self.tree,
                env={**self.environ, "PYTHONPATH": str(self.tree)},
                stdout=log,
                stderr=log,
            )

    def end(self, number: int = signal.SIGTERM) -> None:
        """Send a signal and wait for the end."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(_LIMIT)
            self.process = None

    def request(self, method: str, path: str, **more: Any) -> requests.Response:
        """Return what a framework answers to the operator."""
        headers = {"Authorization": f"Bearer {Path(self.environ['PREVS_TOKEN_FILE']).read_text()}"}
        url = f"http://{self.environ['PREVS_LISTEN']}{path}"
        return requests.request(method, url, headers=headers, timeout=_LIMIT, **more)

    def wait_ready(self, role: str) -> None:
        """Return when a framework is ready as `leader` or `standby`."""

        def is_ready() -> bool:
            try:
                answer = self.request("GET", "/readyz")
            except requests.RequestException:
                return False
            return answer.status_code == 200 and answer.json()["role"] == role

        wait_until(
            is_ready,
            f"a framework is ready as {role}",
            over=lambda: describe_end(self.process, self.log),
            instead=self.log.read_text,
        )

    def wait_state(self, place: str, state: str) -> Mapping[str, Any]:
        """Return a preview once a framework says that it is in a state."""

        def read() -> Mapping[str, Any]:
            preview: Mapping[str, Any] = self.request("GET", place).json()
            return preview

        return wait_for_state(read, state, seconds=_LIMIT)


@dataclasses.dataclass
class Site:
    """One root on a cluster's ZooKeeper and Mesos, where programs of both versions work."""

    folder: Path
    zookeeper: str
    root: str
    token: Path
    api: tuple[str, ...]
    port: int
    programs: list[Program] = dataclasses.field(default_factory=list)

    @classmethod
    def make(cls, folder: Path, zookeeper: str, root: str) -> "Site":
        """Choose ports for it."""
        token = folder / "token"
        token.write_text("a-token-of-this-test")
        api = tuple(f"127.0.0.1:{free_port()}" for _ in range(2))
        return cls(folder, zookeeper, root, token, api, free_port())

    def framework(self, tree: Path, number: int) -> Program:
        """Return a framework; an earlier version's executor is what its tree has."""
        command = f"/usr/bin/env PYTHONPATH={tree} {sys.executable} -m executor"
        own = {
            "PREVS_MASTER": f"zk://{self.zookeeper}/mesos",
            "PREVS_LISTEN": self.api[number],
            "PREVS_DIR": str(self.folder / f"framework-{number}"),
            "PREVS_ROLE": "upgrade",
            "PREVS_NAME": "upgrade",
            "PREVS_PUBLIC_PORT": str(self.port),
            "PREVS_REFS_INTERVAL": "1",
            "PREVS_LOCAL_REPOSITORIES": "yes",
            "PREVS_EXECUTOR_COMMAND": command,
        }
        return self._program(tree, "framework", own)

    def proxy(self, tree: Path) -> Program:
        """Return the proxy; one that begins takes over from the last one's HAProxy."""
        own = {
            "PREVS_API": ",".join(f"http://{api}" for api in self.api),
            "PREVS_PROXY_LISTEN": f"127.0.0.1:{self.port}",
            "PREVS_PROXY_METRICS_LISTEN": f"127.0.0.2:{self.port}",
            "PREVS_PROXY_DIR": str(self.folder / "proxy"),
        }
        return self._program(tree, "proxy", own)

    def visit(self, label: str) -> requests.Response:
        """Request an address; the request is held until the preview answers."""
        headers = {"Host": f"{label}.hello.localhost:{self.port}"}
        return requests.get(f"http://127.0.0.1:{self.port}/", headers=headers, timeout=_LIMIT)

    def end(self) -> None:
        """End what runs."""
        for program in self.programs:
            program.end()

    def _program(self, tree: Path, module: str, own: Mapping[str, str]) -> Program:
        environ = {
            "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
            "HOME": os.environ.get("HOME", "/"),
            "PREVS_ZOOKEEPER": self.zookeeper,
            "PREVS_ROOT": self.root,
            "PREVS_TOKEN_FILE": str(self.token),
            "PREVS_DOMAIN": "localhost",
            **own,
        }
        log = self.folder / f"{module}-{len(self.programs)}.log"
        made = Program(tree, module, environ, log)
        self.programs.append(made)
        return made
