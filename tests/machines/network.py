"""Network namespaces joined by a switch, which is a bridge in one of its own."""

import contextlib
import os
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

PREFIX = 24
_HOLD = "echo; exec sleep infinity"  # it prints a line once it is in
_PATH = {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}


class Namespace(NamedTuple):
    """The network of a process; `host` is its address at the switch, once plugged in."""

    pid: int
    host: str

    def enter(self, command: Sequence[str]) -> list[str]:
        """Return the prefix that runs a command in that network, and otherwise here."""
        return ["nsenter", f"--target={self.pid}", "--net", "--", *command]


class Switch:
    """A switch. It and its links end when it is closed, or with this process."""

    def __init__(self) -> None:
        self._ends = contextlib.ExitStack()
        self._inside = self.add_host("")
        self._ip("link", "add", "switch", "type", "bridge")
        self._ip("link", "set", "switch", "up")

    def add_host(self, address: str) -> Namespace:
        """Return a namespace without a file tree of its own, plugged in if it has an address."""
        holder = subprocess.Popen(
            [
                *as_long_as_this_process(),
                "unshare",
                "--net",
                "sh",
                "-c",
                "echo; exec sleep infinity",
            ],
            stdout=subprocess.PIPE,
            env={**os.environ, **_PATH},
        )
        self._ends.callback(holder.wait)
        self._ends.callback(holder.kill)
        assert holder.stdout is not None
        assert holder.stdout.read(1), "no network namespace"
        namespace = Namespace(holder.pid, address)
        ip(namespace, "link", "set", "lo", "up")
        if address:
            self.plug_in(namespace)
        return namespace

    def plug_in(self, namespace: Namespace) -> None:
        """Connect a namespace by a cable of its own."""
        port = self._port(namespace)
        cable = ("type", "veth", "peer", "name", "eth1", "netns", str(namespace.pid))
        self._ip("link", "add", port, *cable)
        self._ip("link", "set", port, "master", "switch", "up")
        ip(namespace, "address", "add", f"{namespace.host}/{PREFIX}", "dev", "eth1")
        ip(namespace, "link", "set", "eth1", "up")

    def cut(self, namespace: Namespace) -> None:
        """Cut a host's cable."""
        self._ip("link", "set", self._port(namespace), "down")

    def heal(self, namespace: Namespace) -> None:
        """Repair it."""
        self._ip("link", "set", self._port(namespace), "up")

    def close(self) -> None:
        """End it, and the hosts without a file tree."""
        self._ends.close()

    @staticmethod
    def _port(namespace: Namespace) -> str:
        return f"to-{namespace.host.rpartition('.')[2]}"

    def _ip(self, *arguments: str) -> None:
        ip(self._inside, *arguments)


def ip(namespace: Namespace, *arguments: str) -> None:
    """Run `ip` in a namespace."""
    command = namespace.enter(["ip", *arguments])
    done = subprocess.run(
        command, env={**os.environ, **_PATH}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


def as_long_as_this_process() -> list[str]:
    """Return the prefix that kills a command when this process ends, in any way."""
    return ["setpriv", "--pdeathsig=KILL", "--"]
