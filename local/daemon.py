"""The dockerd that is ours: how it is launched, found, and ended with all that it left."""

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from local import firewall, processes
from local.errors import LocalError
from local.parts import environment
from local.processes import Identity

SYSTEM = "/usr/sbin:/sbin:/usr/bin:/bin"
_LONGEST = 60  # characters of the folder's path: sockets below it must stay under 108


@dataclasses.dataclass(frozen=True)
class Daemon:
    """A dockerd in a folder. The caller sees to it that only one starts or stops it at a time."""

    folder: Path

    @property
    def host(self) -> str:
        """What DOCKER_HOST has to be for it."""
        return f"unix://{self.folder / 'docker.sock'}"

    @property
    def log(self) -> Path:
        """What the running one, or else the last one, had to say."""
        return self.folder / "log"

    def prepare(self) -> None:
        """Make the folder, closed to other users. Raises LocalError."""
        if len(str(self.folder)) > _LONGEST:
            why = f"the path {self.folder} is too long for sockets in it"
            raise LocalError("dockerd", why, "Set XDG_DATA_HOME to a shorter path.")
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)

    def process(self) -> Identity | None:
        """Return the running dockerd of this folder.

        The file with its pid may be of the last boot: the process must have been given that file.
        """
        try:
            pid = int((self.folder / "pid").read_text())
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return processes.identify(pid) if os.fsencode(self.folder / "pid") in arguments else None

    def launch(self, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start it; returns at once. Raises LocalError if it isn't installed."""
        program = shutil.which("dockerd", path=f"{environ.get('PATH', '')}:{SYSTEM}")
        if program is None:
            raise LocalError("dockerd", "not installed", "Install it: provision/debian.sh")
        self._end_left()
        # containerd's pid file of a killed run makes a new dockerd wait ten seconds for it.
        run_as_root(["rm", "-rf", str(self.folder / "exec"), str(self.folder / "pid")])
        self._remember_network()
        with self.log.open("wb") as log:
            return subprocess.Popen(
                _as_root([*self._command(program)]),
                env=environment({"PATH": f"{environ.get('PATH', '')}:{SYSTEM}"}, environ),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _command(self, program: str) -> tuple[str, ...]:
        at = self.folder
        return (
            *("unshare", "--mount", program),
            *("--host", self.host, "--group", str(os.getgid())),
            *("--data-root", str(at / "data"), "--exec-root", str(at / "exec")),
            *("--pidfile", str(at / "pid"), "--log-level", "warn"),
            # The default pools are spent after some 30 networks; each cluster has one of its own.
            *("--default-address-pool", "base=172.20.0.0/14,size=24"),
        )

    def stop(self) -> None:
        """End it and what it left: processes, its bridge and iptables chains."""
        process = self.process()
        if process is not None:
            _signal(process, signal.SIGTERM)
            if processes.wait([process], 30):
                _signal(process, signal.SIGKILL)
                processes.wait([process], 5)
        self._end_left()
        self._restore_network()
        run_as_root(["rm", "-rf", str(self.folder / "exec"), str(self.folder / "docker.sock")])

    def _end_left(self) -> None:
        """End what a killed dockerd left: its containerd, shims and their containers."""
        for _ in range(3):  # a container's process shows as one of init's once its shim is gone
            left = processes.given(self.folder / "exec")
            if not left:
                return
            for process in left:
                _signal(process, signal.SIGKILL)
            processes.wait(left, 5)

    def _remember_network(self) -> None:
        remembered = self.folder / "before.json"
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        with contextlib.suppress(OSError, ValueError, KeyError):
            if json.loads(remembered.read_text())["boot"] == boot:
                return  # it was killed and starts again: what is there now is its own
        remembered.write_text(json.dumps({"boot": boot, "network": _network()._asdict()}))

    def _restore_network(self) -> None:
        remembered = self.folder / "before.json"
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            before = firewall.Network(**json.loads(remembered.read_text())["network"])
            if not processes.running("dockerd"):  # another one may use the same chains by now
                for command in firewall.undo(before, _network()):
                    run_as_root(command)
        remembered.unlink(missing_ok=True)


def _network() -> firewall.Network:
    return firewall.Network(
        ipv4=run_as_root(["iptables-save"]),
        ipv6=run_as_root(["ip6tables-save"]),
        links=tuple(sorted(name for _, name in socket.if_nameindex())),
        forward=Path("/proc/sys/net/ipv4/ip_forward").read_text().strip(),
    )


def run_as_root(command: list[str]) -> str:
    """Return what a command prints, nothing where it cannot be run. Blocks for 20 s at most."""
    path = f"{os.environ.get('PATH', '')}:{SYSTEM}"
    try:
        done = subprocess.run(
            _as_root(command),
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def _signal(process: Identity, number: signal.Signals) -> None:
    """Signal that very process, whoever's it is; nothing happens where it has ended."""
    if os.geteuid() == 0:
        processes.send(process, number)
    elif processes.is_alive(process):
        run_as_root(["kill", f"-{number.name.removeprefix('SIG')}", str(process.pid)])


def _as_root(command: list[str]) -> list[str]:
    """Return what runs a command as root: itself for root, else with a sudo that asks nothing."""
    return command if os.geteuid() == 0 else ["sudo", "-n", *command]
