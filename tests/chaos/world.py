"""The cluster under faults: three frameworks, two proxies, three ZooKeepers, four agents.

All of it is in the network and mount namespace of this process, with a dockerd of its own.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from docker import DockerClient
from docker.errors import DockerException
from kazoo.client import KazooClient
from kazoo.exceptions import NoAuthError, NoNodeError

from local.cluster import launch
from local.parts import processes
from local.settings import prepare
from tests.chaos.links import GIT_HOST, GIT_PORT, Links
from tests.chaos.parts import PROXY_PORTS, REGISTRY_PORT, ensemble, proxies_token_file
from tests.chaos.plan import AGENTS, FRAMEWORKS, ZOOKEEPERS
from tests.disks import NEVER_FULL
from tests.fakes.dockerd import OwnDockerd
from tests.fakes.registry import OwnRegistry
from tests.faults.observer import Observer
from tests.faults.system import ROOT, System
from tests.waits import wait_until

_GIVEN: Mapping[str, Any] = {
    "agents": len(AGENTS),
    "frameworks": len(FRAMEWORKS),
    "port": PROXY_PORTS["proxy"],
    "mem": 2048,
}
_DISK = "64m"
"""Of each ZooKeeper: little, so that it is soon full."""
_SYSTEM_PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


class World(System):
    """The cluster in `folder`, a short path, with the repositories in `folder`/git."""

    def __init__(self, folder: Path) -> None:
        self.dockerd = OwnDockerd(folder / "d")
        super().__init__(folder / "c", self.dockerd.host)
        self.repositories = folder / "git"
        self.registry = OwnRegistry(folder / "registry", REGISTRY_PORT)
        self.still: Callable[[], contextlib.AbstractContextManager[bool]] = lambda: (
            contextlib.nullcontext(True)
        )
        """While it lasts, the clients let all be as it is; it tells whether all is settled."""
        self.issue_passes: Callable[[], None] = lambda: None
        """Issues the visitors' passes again, before the token that has signed them goes."""
        self.links: Links
        self._dockerd_has_ended = False
        self._git: subprocess.Popen[bytes] | None = None
        self._supervisor: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        """Start everything for the first time."""
        _run("ip", "link", "set", "lo", "up")
        (self.folder.parent / "d").mkdir()
        self.repositories.mkdir()
        self.dockerd.start()
        self.start_git()
        self.registry.start()
        self.settings = prepare(self.folder, _GIVEN)
        shutil.copy(self.settings.proxy_token_file, proxies_token_file(self.settings))
        self.observer = Observer(
            self.settings, docker_host=self._docker_host, zookeeper=ensemble(self.settings)
        )
        for name in ZOOKEEPERS:
            data = self.folder / name / "data"
            data.mkdir(parents=True)
            _run("mount", "-t", "tmpfs", "-o", f"size={_DISK}", "chaos", str(data))
        self.links = Links(self.settings)
        self.links.prepare()
        self.start_parts()

    def start_parts(self) -> None:
        """Start the supervisor with all parts, and wait until they are ready."""
        self.settings.progress_file.unlink(missing_ok=True)
        self._supervisor = supervisor = self._launch()

        def over() -> str | None:
            ended = supervisor.poll()
            return None if ended is None else f"the supervisor has ended with {ended}"

        wait_until(
            lambda: launch.is_up(self.settings),
            "all parts are ready",
            over=over,
            instead=lambda: launch.read_status(self.settings),
            seconds=300,
        )

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment of the supervisor, from which the parts get theirs."""
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith(("PREVS_", "DOCKER_"))},
            **NEVER_FULL,
            "DOCKER_HOST": self._docker_host,
            "PYTHONPATH": str(ROOT),
            "PATH": _SYSTEM_PATH,
        }

    def _launch(self) -> "subprocess.Popen[bytes]":
        with self.settings.log("supervisor").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.parts", str(self.folder)],
                env=self.environ,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def down(self) -> None:
        """End all parts in order, as `prevs local down` does."""
        super().down()
        if self._supervisor is not None:
            self._supervisor.wait(60)

    def restart(self, part: str) -> None:
        """End a part in order and let it come back; return once all parts are ready."""
        (self.settings.held_folder / part).touch()
        process = self.process(part)
        processes.send(process, signal.SIGTERM)
        self.wait_for(lambda: self.part(part)["pid"] != process.pid, f"{part} has ended")
        self.let_go(part)
        self.wait_for(lambda: self.part(part)["pid"] is not None, f"{part} is started again")
        self.wait_healed(300)

    def cut_power(self) -> None:
        """End everything at once, with the containers; start dockerd again, and nothing else."""
        if self._supervisor is not None:
            self._supervisor.kill()
        for process in processes.marked(self.settings.cluster):
            processes.send(process, signal.SIGKILL)
        self.dockerd.kill()
        if self._supervisor is not None:
            self._supervisor.wait()
        for process in processes.marked(self.settings.cluster):  # what was just being started
            processes.send(process, signal.SIGKILL)
        self.dockerd.start()

    def end(self) -> None:
        """End what still runs, however the run went, and undo what was done to this machine."""
        with contextlib.suppress(AssertionError, AttributeError, subprocess.TimeoutExpired):
            self.down()
        if hasattr(self, "settings"):
            processes.end(processes.marked(self.settings.cluster), 5)
        self.stop_git()
        self.registry.stop()
        self._end_dockerd()
        for name in ZOOKEEPERS:
            with contextlib.suppress(subprocess.CalledProcessError):
                _run("umount", "--lazy", str(self.folder / name / "data"))
        if hasattr(self, "links"):
            with contextlib.suppress(OSError):
                self.links.remove()

    def _end_dockerd(self) -> None:
        if not self._dockerd_has_ended:
            self._dockerd_has_ended = True
            self.dockerd.clear()

    def start_git(self) -> None:
        """Serve the repositories."""
        command = ["git", "daemon", f"--base-path={self.repositories}", "--export-all"]
        command += ["--reuseaddr", f"--listen={GIT_HOST}", f"--port={GIT_PORT}"]
        self._git = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def stop_git(self) -> None:
        """Serve them no more: connections are refused."""
        self.signal_git(signal.SIGKILL)
        if self._git is not None:
            self._git.wait()
            self._git = None

    def signal_git(self, number: signal.Signals) -> None:
        """Send a signal to the git server, with what it has started."""
        if self._git is not None:
            os.killpg(self._git.pid, number)

    def remove_unused_images(self) -> None:
        """Remove every image without a container, as an operator may at any time."""
        with (
            contextlib.suppress(DockerException, requests.RequestException),
            contextlib.closing(DockerClient(base_url=self._docker_host, timeout=60)) as client,
        ):
            client.images.prune(filters={"dangling": False})

    @staticmethod
    def repository(app: str) -> str:
        """Return the address of an app's repository."""
        return f"git://{GIT_HOST}/{app}"

    def wait_healed(self, limit: float) -> None:
        """Wait until every part is ready. Its restarts have pauses."""
        self.wait_for(lambda: self._status()["up"], "all parts are up again", limit=limit)

    # what is left

    def leftovers(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield each kind of thing with what is left of it, once everything has been stopped.

        Ends dockerd, too.
        """
        with contextlib.closing(DockerClient(base_url=self._docker_host, timeout=60)) as client:
            of: dict[str, str | list[str] | bool] = {"label": "prevs.cluster"}
            found = client.containers.list(all=True, filters=of)
            yield "containers", tuple(str(one.name) for one in found)
            networks = client.networks.list(filters=of)
            yield "networks", tuple(str(one.name) for one in networks)
        marked = (one.pid for one in processes.marked(self.settings.cluster))
        yield "processes", tuple(f"{processes.name_program(pid)} ({pid})" for pid in marked)
        yield "mounts", tuple(self._mounts())
        self._end_dockerd()  # what executors forbid it goes with it
        yield "rules and links", tuple(one for one in network() if one != "lo")

    def _mounts(self) -> Iterator[str]:
        disks = {str(self.folder / name / "data") for name in ZOOKEEPERS}
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            point = line.split()[4]
            if point.startswith(f"{self.folder}/") and point not in disks:
                yield point

    def znodes(self, apps: Mapping[str, object]) -> list[str]:
        """Return the znodes that name one of these apps."""
        paths = self.observer.paths
        with self.observer.zookeeper() as client:
            return [one for one in _walk(client, paths.root) if set(one.split("/")) & set(apps)]

    def wait_no(self, look: Callable[[], list[str]], limit: float) -> tuple[str, ...]:
        """Return what `look` still finds once that is nothing, or after `limit` seconds."""
        found = ["nobody could look"]

        def gone() -> bool:
            found[:] = look()
            return not found

        with contextlib.suppress(pytest.fail.Exception):
            self.wait_for(gone, "nothing is left", limit=limit)
        return tuple(found)


def network() -> list[str]:
    """Return the links and rules of this network, but for those that links.py has made.

    Of the chains that there always are, those with a policy.
    """
    saved = [line.partition(" [")[0] for line in _run("iptables-save").splitlines()]
    rules = [line for line in saved if line.startswith("-A") and "CONNMARK" not in line]
    chains = [line for line in saved if line.startswith(":") and not line.endswith(" ACCEPT")]
    links = json.loads(_run("ip", "-json", "link"))
    return [*chains, *rules, *(str(link["ifname"]) for link in links)]


def _walk(client: KazooClient, path: str) -> Iterator[str]:
    try:
        children = client.get_children(path)
    except (NoAuthError, NoNodeError):  # a proxy's own, or gone by now
        return
    for child in children:
        below = f"{path}/{child}"
        yield below
        yield from _walk(client, below)


def _run(*command: str) -> str:
    done = subprocess.run(
        command,
        env={**os.environ, "PATH": _SYSTEM_PATH},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout
