"""A registry of a test's own: Debian's docker-registry on a loopback port."""

import base64
import contextlib
import http.client
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import pauses
from tests.waits import describe_end, wait_until

_CONFIG = """\
version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {root}}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:{port}"}}
"""
_LOGIN = "auth: {{htpasswd: {{realm: previews, path: {path}}}}}\n"

USER = "an-agent"
PASSWORD = "what the registry asks for"
_HTPASSWD = f"{USER}:$2b$04$B39Icb4vFbbIMM03SoZjXetR4Zu2ZZinfbsLjGSDUMHGEoC6ra6Ei\n"
"""bcrypt, of which docker-registry alone makes a match, and at the least cost that it has."""


class OwnRegistry:
    """A docker-registry in `folder`, which may be ended, paused and started again.

    If it is `closed`, it requires the login of USER.
    """

    def __init__(self, folder: Path, port: int, *, closed: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port
        self.address = f"127.0.0.1:{port}"
        self.root = folder / "root"
        self._config = folder / "config.yml"
        config = _CONFIG.format(root=self.root, port=port)
        if closed:
            accounts = folder / "htpasswd"
            accounts.write_text(_HTPASSWD)
            config += _LOGIN.format(path=accounts)
        self._config.write_text(config)
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return when it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["docker-registry", "serve", str(self._config)], stdout=log, stderr=log
            )
        wait_until(
            lambda: self.get("/v2/") in (200, 401),
            "the registry answers",
            over=lambda: describe_end(self._process, self._log),
        )

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
        pauses.pause(self._find_pid())

    def go_on(self) -> None:
        """Have it answer again."""
        pauses.resume(self._find_pid())

    def _find_pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)
            self._process = None


@contextlib.contextmanager
def own_registry(folder: Path, port: int, *, closed: bool = False) -> Iterator[OwnRegistry]:
    """A registry that runs until the context ends."""
    if shutil.which("docker-registry") is None:
        pytest.fail("docker-registry is not installed: provision/debian.sh --test")
    registry = OwnRegistry(folder, port, closed=closed)
    registry.start()
    try:
        yield registry
    finally:
        registry.stop()


def log_in(folder: Path, address: str, password: str = PASSWORD) -> None:
    """Have docker's settings in `folder` log USER in to a registry, as `docker login` does."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"auths": {address: {"auth": secrets_of(password)[1]}}}
    (folder / "config.json").write_text(json.dumps(settings))


def secrets_of(password: str) -> tuple[str, str]:
    """Return the secret texts: a password, and its form in docker's settings for USER."""
    return password, base64.b64encode(f"{USER}:{password}".encode()).decode()
