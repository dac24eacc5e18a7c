"""A dockerd of the fault cluster's own, which tests may kill: the shared one serves other runs too.

It runs beside another one: it touches no iptables rules, takes its addresses from a range of its
own, and has a bridge of its own (without any it would remove docker0, which is another's). What it
starts is reached through its userland proxy. As with systemd, its containers' shims outlive it when
it is killed; the next one ends their containers, unless live-restore is on.
"""

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Collection
from pathlib import Path

from docker import DockerClient

from local import containers, daemon, processes
from prevs import names

_ADDRESSES = "base=172.28.0.0/16,size=24"  # the shared one's are 172.20.0.0/14


class Dockerd:
    """In `folder`, whose path has to be short. `host` is its DOCKER_HOST."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.host = f"unix://{folder / 'docker.sock'}"
        self._bridge = f"prevs-{secrets.token_hex(4)}"
        self._namespace: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, live_restore: bool = False) -> None:
        """Start it and wait until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        settings = self._folder / "daemon.json"
        settings.write_text(json.dumps({"live-restore": live_restore}))
        # With it, a new containerd takes ten seconds to believe that the old one is gone.
        _run("rm", "-f", str(self._folder / "exec" / "containerd" / "containerd.pid"))
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                daemon.as_root([*self._enter(), *self._command(settings)]),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + 90
        while not containers.answers(self.host):
            assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, "dockerd does not answer"
            time.sleep(0.1)

    def kill(self) -> None:
        """Kill it, and nothing that it has started."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def end_container(self, task: str) -> None:
        """Kill the container of a task."""
        with contextlib.closing(DockerClient(base_url=self.host, timeout=60)) as client:
            client.containers.get(names.container_name(task)).kill()

    def remove_containers(self, tasks: Collection[str]) -> None:
        """Remove what is left of these tasks."""
        with contextlib.closing(DockerClient(base_url=self.host, timeout=60)) as client:
            for container in client.containers.list(all=True):
                if container.labels.get("prevs.task") in tasks:
                    container.remove(force=True)

    def stop(self) -> None:
        """End it and whatever is left of it, and remove its files."""
        self._signal(signal.SIGTERM)
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(30)
        self._signal(signal.SIGKILL)
        for process in processes.given(self._folder / "exec"):
            daemon.signal_process(process, signal.SIGKILL)
        if self._namespace is not None:
            for process in processes.in_session(self._namespace.pid):
                daemon.signal_process(process, signal.SIGKILL)
            self._namespace.wait()
        _run("ip", "link", "delete", self._bridge)
        _run("rm", "-rf", str(self._folder))

    def _enter(self) -> tuple[str, ...]:
        """Return what runs a command in a mount namespace that outlives every dockerd in it."""
        if self._namespace is None:
            _run("ip", "link", "add", self._bridge, "type", "bridge")
            self._namespace = subprocess.Popen(
                daemon.as_root(["unshare", "--mount", "sleep", "infinity"]),
                cwd="/",
                start_new_session=True,
            )
        pid = self._namespace.pid
        deadline = time.monotonic() + 30
        while _is_own_namespace(pid) is None:
            assert time.monotonic() < deadline, "no namespace"
            time.sleep(0.02)
        return ("nsenter", f"--mount=/proc/{_is_own_namespace(pid)}/ns/mnt")

    def _command(self, settings: Path) -> tuple[str, ...]:
        program = shutil.which("dockerd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        assert program is not None, "dockerd is not installed: provision/debian.sh"
        at = self._folder
        return (
            *(program, "--config-file", str(settings), "--log-level", "warn"),
            *("--host", self.host, "--group", str(os.getgid()), "--pidfile", str(at / "pid")),
            *("--data-root", str(at / "data"), "--exec-root", str(at / "exec")),
            *(
                "--bridge",
                self._bridge,
                "--iptables=false",
                "--ip6tables=false",
                "--ip-forward=false",
            ),
            *("--default-address-pool", _ADDRESSES),
        )

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(OSError, ValueError):
            pid = int((self._folder / "pid").read_text())
            if os.fsencode(self._folder / "pid") in Path(f"/proc/{pid}/cmdline").read_bytes():
                process = processes.identify(pid)
                if process is not None:
                    daemon.signal_process(process, number)


def _is_own_namespace(leader: int) -> int | None:
    """Return the process of that session that has its own mount namespace by now, or None."""
    ours = str(Path("/proc/self/ns/mnt").readlink())
    for process in processes.in_session(leader):
        with contextlib.suppress(OSError):
            comm = Path(f"/proc/{process.pid}/comm").read_text().strip()
            if comm == "sleep" and _namespace(process.pid) != ours:
                return process.pid
    return None


def _namespace(pid: int) -> str:
    found = subprocess.run(
        daemon.as_root(["readlink", f"/proc/{pid}/ns/mnt"]),
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip()


def _run(*command: str) -> None:
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    subprocess.run(
        daemon.as_root([*command]),
        env={**os.environ, "PATH": path},
        check=False,
        capture_output=True,
    )
