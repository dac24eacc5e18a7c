"""Our own dockerd: launches, finds and stops the daemon, and removes its leftovers."""

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network
from pathlib import Path

from local.docker import bridge, build_runc, firewall, groups
from local.errors import LocalError
from local.parts import processes
from local.parts.part import environment
from local.parts.processes import Identity

SYSTEM = "/usr/sbin:/sbin:/usr/bin:/bin"
_LONGEST = 60  # characters of the folder's path: sockets below it must stay under 108


@dataclasses.dataclass(frozen=True)
class Daemon:
    """A dockerd in a folder. The caller ensures that only one process starts or stops it."""

    folder: Path

    @property
    def host(self) -> str:
        """The value for DOCKER_HOST."""
        return f"unix://{self.folder / 'docker.sock'}"

    @property
    def log(self) -> Path:
        """The log of the current or last run."""
        return self.folder / "log"

    def prepare(self) -> None:
        """Create the folder, closed to other users."""
        if len(str(self.folder)) > _LONGEST:
            why = f"the path {self.folder} is too long for sockets in it"
            raise LocalError("dockerd", why, "Set XDG_DATA_HOME to a shorter path.")
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)

    def process(self) -> Identity | None:
        """Return the running dockerd of this folder.

        The pid file may be from the last boot: the process must have it among its arguments.
        """
        try:
            pid = int((self.folder / "pid").read_text())
            mine = str(self.folder / "pid") in processes.arguments(pid)
        except (OSError, ValueError):
            return None
        return processes.identify(pid) if mine else None

    @property
    def bridge(self) -> str:
        """The network interface of the containers of builds."""
        return bridge.name(self.folder)

    def lost_bridge(self) -> bool:
        """Return whether it runs without its bridge, because somebody removed the bridge."""
        process = self.process()
        if process is None or not self._pool_file.exists():
            return False
        return not bridge.is_there(process.pid, self.bridge)

    def restore_bridge(self) -> None:
        """Create its bridge again if it is gone, so that builds work."""
        if self.lost_bridge():
            self._add_bridge(IPv4Network(self._pool_file.read_text()))

    def launch(self, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start it; returns at once. Raises LocalError if it isn't installed."""
        program = shutil.which("dockerd", path=f"{environ.get('PATH', '')}:{SYSTEM}")
        if program is None:
            raise LocalError("dockerd", "not installed", "Install it: run provision/debian.sh.")
        self._end_left()
        # If a killed run left containerd's pid file, a new dockerd waits ten seconds for it. A
        # dockerd that finds networks of an earlier run removes docker0, which is not ours.
        left = (self.folder / name for name in ("exec", "pid", "data/network"))
        run_as_root(["rm", "-rf", *map(str, left)])
        self._build_runc.write_bytes(Path(build_runc.__file__).read_bytes())
        self._build_runc.chmod(0o755)
        with bridge.exclusive(), self.log.open("wb") as log:
            self._remember_network()
            return subprocess.Popen(
                _as_root([*self._join_group(), *self._command(program, self._make_bridge())]),
                env=environment({"PATH": f"{environ.get('PATH', '')}:{SYSTEM}"}, environ),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _command(self, program: str, pool: IPv4Network) -> tuple[str, ...]:
        at = self.folder
        return (
            *("unshare", "--mount", "env", f"{build_runc.COMMAND}={self._build_runc}", program),
            *("--host", self.host, "--group", str(os.getgid())),
            *("--data-root", str(at / "data"), "--exec-root", str(at / "exec")),
            *("--pidfile", str(at / "pid"), "--log-level", "warn"),
            *("--bridge", self.bridge),
            *("--default-address-pool", f"base={pool},size={bridge.SIZE}"),
        )

    @property
    def _build_runc(self) -> Path:
        """What starts the steps of builds: a copy that may be executed, however prevs is here."""
        return self.folder / "build-runc"

    def _join_group(self) -> tuple[str, ...]:
        """Return what runs a command in a control group of its own, which executors' rules name."""
        group = groups.find_folder(self.bridge)
        if group is None:
            return ()
        run_as_root(["mkdir", "-p", str(group)])
        return groups.joining(group)

    def stop(self) -> None:
        """End it, and remove what it left: processes, bridges and iptables chains."""
        process = self.process()
        if process is not None:
            _signal(process, signal.SIGTERM)
            if processes.wait([process], 30):
                _signal(process, signal.SIGKILL)
                processes.wait([process], 5)
        self._end_left()
        self._restore_network()
        run_as_root(["rm", "-rf", str(self.folder / "exec"), str(self.folder / "docker.sock")])
        if (group := groups.find_folder(self.bridge)) is not None:
            run_as_root(["rmdir", str(group)])

    def _end_left(self) -> None:
        """End what a killed dockerd left: its containerd, shims and their containers."""
        for _ in range(3):  # a container's process becomes a child of init once its shim is gone
            left = processes.given(self.folder / "exec")
            if not left:
                return
            for process in left:
                _signal(process, signal.SIGKILL)
            processes.wait(left, 5)

    @property
    def _pool_file(self) -> Path:
        return self.folder / "pool"

    def _make_bridge(self) -> IPv4Network:
        """Create its bridge, replacing one of a killed run; return the pool of its addresses."""
        own = self._own_links()
        if own:
            nothing = firewall.Network()
            _run_all(firewall.undo(nothing, _network(), firewall.Gone(own, shared=True)))
        pool = bridge.choose_pool(self.folder, [one for link in _links() for one in link.networks])
        if pool is None:
            why = "other networks of this machine use all the addresses that it may use"
            raise LocalError("dockerd", why, "`ip address` shows them. Stop another dockerd.")
        self._pool_file.write_text(str(pool))
        self._add_bridge(pool)
        return pool

    def _add_bridge(self, pool: IPv4Network) -> None:
        _run_all(
            (
                ["ip", "link", "add", self.bridge, "type", "bridge"],
                ["ip", "address", "replace", bridge.address(pool), "dev", self.bridge],
                ["ip", "link", "set", self.bridge, "up"],
            )
        )
        if not bridge.is_there(os.getpid(), self.bridge):
            why = f"its bridge {self.bridge} cannot be created (`ip link add` as root)"
            raise LocalError("dockerd", why, "Install iproute2: run provision/debian.sh.")

    def _own_links(self) -> list[str]:
        with contextlib.suppress(OSError, ValueError):
            pool = IPv4Network(self._pool_file.read_text())
            return bridge.own(_links(), self.bridge, pool)
        return []

    def _remember_network(self) -> None:
        remembered = self.folder / "before.json"
        # If it was killed, the current state includes its own changes.
        if self._before() is None:
            others = map(_folder_of, processes.running("dockerd"))
            before = (Daemon(folder)._before() for folder in others if folder)
            network = next(filter(None, before), None) or _network()
            remembered.write_text(json.dumps({"boot": _boot(), "network": network._asdict()}))

    def _before(self) -> firewall.Network | None:
        """Return the network's state before our dockerds started in this boot, None if unknown."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            stored = json.loads((self.folder / "before.json").read_text())
            if stored["boot"] == _boot():
                fields = firewall.Network._fields
                return firewall.Network(
                    **{k: v for k, v in stored["network"].items() if k in fields}
                )
        return None

    def _restore_network(self) -> None:
        with bridge.exclusive():
            before = self._before()
            shared = before is None or bool(processes.running("dockerd"))
            gone = firewall.Gone(self._own_links(), shared)
            _run_all(firewall.undo(before or firewall.Network(), _network(), gone))
        for name in ("before.json", "pool"):
            (self.folder / name).unlink(missing_ok=True)


def _folder_of(pid: int) -> Path | None:
    """Return the folder of a dockerd's pid file: ours has it in its own folder."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        given = processes.arguments(pid)
        return Path(given[given.index("--pidfile") + 1]).parent
    return None


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _links() -> list[bridge.Link]:
    return bridge.read_links(run_as_root(["ip", "-json", "-4", "address"]) or "[]")


def _network() -> firewall.Network:
    return firewall.Network(
        ipv4=run_as_root(["iptables-save"]),
        ipv6=run_as_root(["ip6tables-save"]),
        frames=run_as_root(["ebtables-save"]),
        forward=Path("/proc/sys/net/ipv4/ip_forward").read_text().strip(),
    )


def _run_all(commands: Iterable[list[str]]) -> None:
    for command in commands:
        run_as_root(command)


def run_as_root(command: list[str]) -> str:
    """Run a command as root; return its output, "" if it cannot run. Blocks for at most 20 s."""
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
    """Signal that very process, of any user; do nothing if it has ended."""
    if os.geteuid() == 0:
        processes.send(process, number)
    elif processes.is_alive(process):
        run_as_root(["kill", f"-{number.name.removeprefix('SIG')}", str(process.pid)])


def _as_root(command: list[str]) -> list[str]:
    """Return the command itself if we are root, else with `sudo -n`, which never prompts."""
    return command if os.geteuid() == 0 else ["sudo", "-n", *command]
