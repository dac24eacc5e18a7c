"""A registry of a test's own: Debian's docker-registry on a loopback port, without a login."""

import contextlib
import http.client
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.samples import wait_until

_CONFIG = """\
version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {root}}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:{port}"}}
"""


class OwnRegistry:
    """A docker-registry in `folder`, which may be ended, stopped in its tracks and begun again."""

    def __init__(self, folder: Path, port: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port
        self.address = f"127.0.0.1:{port}"
        self.root = folder / "root"
        self._config = folder / "config.yml"
        self._config.write_text(_CONFIG.format(root=self.root, port=port))
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return when it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["docker-registry", "serve", str(self._config)], stdout=log, stderr=log
            )
        wait_until(lambda: self.get("/v2/") == 200)

    def get(self, path: str, accept: str = "*/*") -> int | None:
        """Return the status of a GET, None where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path, headers={"Accept": accept})
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()

    def tags(self, repository: str) -> list[str]:
        """Return the tags of a repository, from what is stored."""
        folder = self.root / "docker/registry/v2/repositories" / repository / "_manifests/tags"
        return sorted(entry.name for entry in folder.iterdir()) if folder.exists() else []

    def blob(self, digest: str) -> Path:
        """Return the file of a manifest or a layer."""
        hexadecimal = digest.removeprefix("sha256:")
        blobs = self.root / "docker/registry/v2/blobs/sha256"
        return blobs / hexadecimal[:2] / hexadecimal / "data"

    def hang(self) -> None:
        """Have it accept connections, and say nothing."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Have it answer again."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)
            self._process = None


@contextlib.contextmanager
def own_registry(folder: Path, port: int) -> Iterator[OwnRegistry]:
    """A registry that runs until the context ends."""
    if shutil.which("docker-registry") is None:
        pytest.fail("docker-registry is not installed: provision/debian.sh --test")
    registry = OwnRegistry(folder, port)
    registry.start()
    try:
        yield registry
    finally:
        registry.stop()
