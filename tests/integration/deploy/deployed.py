"""Our images, built by deploy/Dockerfile, and tasks of deploy/marathon as an agent runs them."""

import contextlib
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests
from docker import DockerClient
from docker.errors import APIError, NotFound
from docker.models.containers import Container
from docker.types import Ulimit

from tests.applications import base_archive
from tests.waits import wait_until

ROOT = Path(__file__).parents[3]
LABEL = "prevs.test.deployed"
USER = 10001
"""Who the programs are in the images."""

_BASE = "prevs-test/deployed-base"
_PACKAGES = ("ca-certificates", "python3")
_SECRETS = {
    "apt": Path("/etc/apt/sources.list.d/debian.sources"),
    "ca": Path("/etc/ssl/certs/ca-certificates.crt"),
}
"""Where this machine has its packages from; a build that needs none of it is not disturbed."""
_INDEX = re.compile(r"(?:global|:env:)\.((?:extra-)?index-url|trusted-host)='(.*)'")


@contextlib.contextmanager
def images(host: str) -> Iterator[Mapping[str, str]]:
    """Build the images with the daemon at `host`; yields the tag of each stage, then removes them.

    Blocks for two minutes the first time, mostly for downloads.
    """
    with contextlib.closing(DockerClient(base_url=host)) as docker:
        base = f"{_BASE}:{os.getpid()}"
        docker.api.import_image_from_file(
            str(base_archive(_PACKAGES)), repository=_BASE, tag=str(os.getpid())
        )
        tags = {
            stage: f"prevs-test/deployed-{stage}:{os.getpid()}" for stage in ("framework", "proxy")
        }
        try:
            for stage, tag in tags.items():
                _build(host, base, stage, tag)
            yield tags
        finally:
            for tag in (*tags.values(), base):
                with contextlib.suppress(NotFound):
                    docker.images.remove(tag, force=True)


def _build(host: str, base: str, stage: str, tag: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pip = Path(folder) / "pip.conf"
        pip.write_text(_pip_settings())
        secrets = {**_SECRETS, "pip": pip}
        command = ["docker", "build", "--quiet", "--network=host", f"--build-arg=BASE={base}"]
        command += [f"--secret=id={n},src={p}" for n, p in secrets.items() if p.exists()]
        command += ["--file=deploy/Dockerfile", f"--target={stage}", f"--tag={tag}", "."]
        environ = {**os.environ, "DOCKER_HOST": host, "DOCKER_BUILDKIT": "1"}
        done = subprocess.run(
            command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr


def _pip_settings() -> str:
    """Return this machine's package index of pip, as a pip.conf."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return "\n".join(["[global]", *(f"{name} = {value}" for name, value in _INDEX.findall(output))])


class Task:
    """One task of an app, at 127.0.0.1, run as Mesos' Docker containerizer does.

    It reads repositories below `shared`, at the same path.
    """

    def __init__(
        self,
        docker: DockerClient,
        name: str,
        image: str,
        *,
        shared: Path,
        folders: Mapping[str, Path],
        ports: Sequence[int],
        environ: Mapping[str, str],
    ) -> None:
        definition = json.loads((ROOT / "deploy" / "marathon" / f"{name}.json").read_text())
        self._docker = docker
        self._app: dict[str, Any] = definition
        self._image = image
        self._shared = shared
        self._folders = folders
        self._ports = ports
        self._environ = environ
        self.container: Container | None = None

    @property
    def health(self) -> str:
        """Where its health checks are."""
        (check,) = self._app["healthChecks"]
        return f"http://127.0.0.1:{self._ports[check['portIndex']]}"

    def start(self) -> None:
        """Start it; return once Marathon would count it as healthy and ready."""
        given = {one["key"]: one["value"] for one in self._app["container"]["docker"]["parameters"]}
        environ = {**self._app["env"], **self._environ, "HOST": "127.0.0.1"}
        environ |= {f"PORT{number}": str(port) for number, port in enumerate(self._ports)}
        volumes = {
            str(self._folders[one["hostPath"]]): {
                "bind": one["containerPath"],
                "mode": one["mode"].lower(),
            }
            for one in self._app["container"]["volumes"]
        }
        self.container = self._docker.containers.run(
            self._image,
            ["-c", self._app["cmd"]],
            entrypoint="/bin/sh",
            network_mode=self._app["networks"][0]["mode"],
            init=given["init"] == "true",
            ulimits=[_ulimit(given["ulimit"])] if "ulimit" in given else [],
            environment=environ,
            volumes={**volumes, str(self._shared): {"bind": str(self._shared), "mode": "ro"}},
            labels=[LABEL],
            detach=True,
        )
        (health,), (ready,) = self._app["healthChecks"], self._app["readinessChecks"]
        for path in (health["path"], ready["path"]):
            self._wait(f"{self.health}{path}")

    def stop(self) -> None:
        """End it as Marathon does: by SIGTERM, and after its grace by SIGKILL."""
        if self.container is not None:
            with contextlib.suppress(NotFound):
                self.container.stop(timeout=self._app["taskKillGracePeriodSeconds"])
            with contextlib.suppress(NotFound, APIError):
                self.container.remove(force=True)
            self.container = None

    def _wait(self, url: str) -> None:
        last = ["nothing"]

        def is_well() -> bool:
            with contextlib.suppress(requests.RequestException):
                answer = requests.get(url, timeout=10)
                last[0] = answer.text
                return answer.status_code == 200
            return False

        wait_until(
            is_well,
            f"{url} is well",
            over=self._end,
            instead=lambda: f"{self._log()}\n{last[0]}",
            seconds=90,
        )

    def _end(self) -> str | None:
        """Return its last output if its container has ended."""
        assert self.container is not None
        self.container.reload()
        ended = self.container.status in ("exited", "dead")
        return f"its container has {self.container.status}\n{self._log()}" if ended else None

    def _log(self) -> str:
        return self.container.logs(tail=50).decode() if self.container else ""


def _ulimit(text: str) -> Ulimit:
    name, _, limits = text.partition("=")
    soft, _, hard = limits.partition(":")
    # A daemon cannot give more than its machine lets it have.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return Ulimit(name=name, soft=min(int(soft), most), hard=min(int(hard), most))


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder that the images' user may look into."""
    made = Path(tempfile.mkdtemp(prefix="prevs-deployed-"))
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def give(path: Path, text: str | None = None) -> Path:
    """Make a folder, or a file of a secret, that belongs to the images' user."""
    if text is None:
        path.mkdir(parents=True)
    else:
        path.write_text(text)
        path.chmod(0o400)
    os.chown(path, USER, USER)
    return path
