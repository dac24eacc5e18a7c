"""A dockerd of a test's own, which it may restart, kill and take away without harm to others."""

import contextlib
import ipaddress
import json
import os
import random
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from docker.api import APIClient
from docker.types import IPAMConfig, IPAMPool

from local.docker import containers, groups
from local.parts import processes
from local.parts.processes import Identity
from tests.waits import describe_end, wait_until

_SYSTEM = "/usr/sbin:/sbin:/usr/bin:/bin"
_LIMIT = 60.0
# How systemd passes a socket that it has opened: sd_listen_fds(3).
_AS_SYSTEMD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execvp("dockerd", ["dockerd", *sys.argv[2:]])
"""


class OwnDockerd:
    """A dockerd in `folder` (a short path) that leaves the others' network alone. Needs root.

    It does nothing to iptables, and has a bridge of its own: without any (`--bridge none`), or when
    restarted with address pools of its own, it would remove docker0, which is another's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        number = f"10.{random.randrange(200, 250)}.{random.randrange(256)}"
        self._pool = ipaddress.ip_network(f"{number}.0/24")
        self._bridge_address = f"{number}.1/26"
        self._network = IPAMPool(subnet=f"{number}.64/26")
        self._bridge = f"prevs-{random.randbytes(4).hex()}"
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self.host = f"unix://{folder / 'docker.sock'}"

    @property
    def pid(self) -> int:
        """The process of the daemon itself."""
        assert self._process is not None
        return self._process.pid

    def listen(self) -> None:
        """Keep its socket from now on, as systemd does: a client waits for the next daemon."""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(self._folder / "docker.sock"))
        self._socket.listen(128)

    def start(self, *, live_restore: bool = False) -> None:
        """Start it, and return when it answers."""
        if self._process is None:
            _ip("link", "add", self._bridge, "type", "bridge")
            _ip("address", "add", self._bridge_address, "dev", self._bridge)
        (self._folder / "pid").unlink(missing_ok=True)
        # A new containerd takes ten seconds to believe it that a killed one is gone.
        (self._folder / "exec" / "containerd" / "containerd.pid").unlink(missing_ok=True)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(live_restore),
                pass_fds=() if self._socket is None else (self._socket.fileno(),),
                env={**os.environ, "PATH": f"{os.environ['PATH']}:{_SYSTEM}"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(
            lambda: containers.answers(self.host),
            "dockerd answers",
            over=lambda: describe_end(self._process, self._folder / "log"),
            seconds=_LIMIT,
        )

    def _command(self, live_restore: bool) -> Sequence[str]:
        at = self._folder
        return (
            *self._listening(),
            *("--pidfile", str(at / "pid")),
            *("--data-root", str(at / "data"), "--exec-root", str(at / "exec")),
            *("--bridge", self._bridge, "--iptables=false", "--ip6tables=false"),
            *("--ip-forward=false", "--log-level", "warn"),
            *(("--live-restore",) if live_restore else ()),
        )

    def _listening(self) -> Sequence[str]:
        if self._socket is None:
            return (*in_own_group(self._bridge), "dockerd", "--host", self.host)
        systemd = (sys.executable, "-c", _AS_SYSTEMD, str(self._socket.fileno()))
        return (*in_own_group(self._bridge), *systemd, "--host", "fd://")

    def add_network(self, name: str) -> None:
        """Make a network with addresses that are unused on this machine."""
        with contextlib.closing(APIClient(base_url=self.host, version="auto")) as client:
            ipam = IPAMConfig(pool_configs=[self._network])
            client.create_network(name, driver="bridge", ipam=ipam)

    def stop(self) -> None:
        """End it in order, as its operator would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it; its containers and their containerd go on."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(_LIMIT)

    def clear(self) -> None:
        """End it and all that it left. The folder is the caller's to remove."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        if self._socket is not None:
            self._socket.close()
        left: list[Identity] = processes.given(self._folder)
        while left:  # a container's process shows as one of init's once its shim is gone
            for process in left:
                processes.send(process, signal.SIGKILL)
            processes.wait(left, 5)
            left = processes.given(self._folder)
        self._clear_mounts()
        self._clear_network()
        if self._process is not None:
            leave_group(self._bridge)

    def _clear_mounts(self) -> None:
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        for point in sorted((line.split()[4] for line in mounts), reverse=True):
            if point.startswith(f"{self._folder}/"):
                subprocess.run(["umount", "--lazy", point], check=True)

    def _clear_network(self) -> None:
        own = {self._bridge, *self._list_bridges()}
        for link in json.loads(_ip("-json", "address")):
            addresses = [ipaddress.ip_address(one["local"]) for one in link["addr_info"]]
            if link["ifname"] in own or any(one in self._pool for one in addresses):
                _ip("link", "delete", link["ifname"])

    def _list_bridges(self) -> Iterator[str]:
        """Yield the bridges of the networks that clients have made: a dockerd leaves them.

        Their addresses are of Docker's own pools. libnetwork keeps each network as JSON here.
        """
        store = self._folder / "data" / "network" / "files" / "local-kv.db"
        if store.exists():
            for network in re.findall(rb'"id":"([0-9a-f]{12})', store.read_bytes()):
                yield f"br-{network.decode()}"


def in_own_group(name: str) -> tuple[str, ...]:
    """Return the beginning of a command that runs the rest in a control group of its own.

    As systemd does: executors close the connections of a dockerd by its group.
    """
    group = groups.find_folder(name)
    if group is None:
        return ()
    group.mkdir(exist_ok=True)
    return groups.joining(group)


def leave_group(name: str) -> None:
    """Remove the group, whose processes have ended or end now, and the rules that name it."""
    group = groups.find_folder(name)
    if group is None:
        return
    wait_until(lambda: not (group / "cgroup.procs").read_text())
    group.rmdir()
    for program in ("iptables", "ip6tables"):
        listed = _run_as_system([program, "-w", "-S"])
        chain = f"PREVS-{name}-out"
        jumps = [line for line in listed.splitlines() if line.endswith(f" -j {chain}")]
        for jump in jumps:
            _run_as_system([program, "-w", "-D", *shlex.split(jump)[1:]])
        if f"-N {chain}" in listed:
            _run_as_system([program, "-w", "-F", chain])
            _run_as_system([program, "-w", "-X", chain])


def _ip(*arguments: str) -> str:
    return _run_as_system(["ip", *arguments])


def _run_as_system(command: Sequence[str]) -> str:
    path = f"{os.environ['PATH']}:{_SYSTEM}"
    done = subprocess.run(
        command,
        env={**os.environ, "PATH": path},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout
