"""Machines without virtualisation: systemd as init of namespaces with a file tree of their own."""

import contextlib
import dataclasses
import os
import shutil
import subprocess
from pathlib import Path

from local.parts import processes
from tests.machines import trees
from tests.machines.network import Namespace, Switch, as_long_as_this_process
from tests.machines.trees import Layers
from tests.waits import describe_end, wait_for, wait_until

_CGROUPS = Path("/sys/fs/cgroup")
_PREFIX = "prevs-machines-"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_BOOT_SECONDS = 60.0
_NOT_YET = ("offline", "bus")
"""systemctl's words where systemd has not begun its work, and where it has and nobody listens."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """The plan of a machine: `arguments` are those of provision.sh."""

    name: str
    address: str
    arguments: tuple[str, ...]


class Machine:
    """A machine in `folder`, a short path. Needs root."""

    def __init__(self, plan: Plan, below: Layers, folder: Path) -> None:
        self.plan = plan
        self._below = below
        self._folder = folder
        self._cgroup = f"{_PREFIX}{os.getpid()}-{plan.name}"
        self._process: subprocess.Popen[bytes] | None = None
        self._init = 0
        for name in ("root", "upper", "work", "docker"):
            (folder / name).mkdir(parents=True)

    @property
    def network(self) -> Namespace:
        """Its network."""
        return Namespace(self._init, self.plan.address)

    def install(self) -> None:
        """Run provision.sh's step that needs the registries, before the machine is started."""
        trees.install(self._below, self._folder / "upper", self.plan.arguments)

    def boot(self, switch: Switch) -> None:
        """Start it and plug it in; return when systemd reports that it has started."""
        _join_cgroups = _make_cgroups(self._cgroup)
        places = [self._folder / "root", self._below, self._folder / "upper"]
        places += [self._folder / "work", trees.REPOSITORY]
        namespaces = ("mount", "net", "uts", "ipc", "pid", "cgroup")
        command = [
            *as_long_as_this_process(),
            *("sh", "-c", f'{_join_cgroups}exec "$@"', "sh"),
            *("unshare", "--fork", "--kill-child", *(f"--{name}" for name in namespaces)),
            *("sh", str(trees.SCRIPT), *map(str, places), "boot"),
            *(self.plan.name, self._cgroup, str(self._folder / "docker")),
        ]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._init = self._await_init()
        switch.plug_in(self.network)
        process, query = self._process, ("systemctl", "is-system-running", "--wait")
        state = wait_for(
            lambda: self.run(*query, check=False),
            lambda state: not any(word in state for word in _NOT_YET),
            f"the system of {self.plan.name} has begun its work",
            over=lambda _: None if process.poll() is None else self._why(),
            seconds=_BOOT_SECONDS,
        )
        assert state.strip() == "running", f"{self.plan.name}: {state}{self._why()}"

    def provision(self, *steps: str) -> str:
        """Run provision.sh in it; return its output."""
        return self.run("/usr/src/prevs/vagrant/provision.sh", *self.plan.arguments, *steps)

    def run(self, *command: str, check: bool = True, **environ: str) -> str:
        """Return the output of a command in the machine; with `check` it has to succeed."""
        assignments = [f"{name}={value}" for name, value in environ.items()]
        done = subprocess.run(
            [
                *("nsenter", f"--target={self._init}", "--all", "--"),
                *("env", "-i", f"PATH={_PATH}", "LANG=C.UTF-8", "HOME=/root", *assignments),
                *command,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        output = done.stdout + done.stderr
        assert not check or done.returncode == 0, f"{self.plan.name}: {' '.join(command)}\n{output}"
        return done.stdout if check else output

    def lose(self) -> None:
        """End it at once, as if the power had failed. Does nothing if it does not run."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._init or self._process.pid, 9)
        self._process.wait()
        self._process = None

    def remove(self) -> None:
        """End it and remove its traces."""
        self.lose()
        _remove_cgroups(self._cgroup)
        shutil.rmtree(self._folder)

    def _await_init(self) -> int:
        """Return the process that is the machine's first, once it is systemd."""
        assert self._process is not None
        process, log = self._process, self._folder / "log"

        def find() -> int | None:
            for entry in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    parent = processes.parse_stat((entry / "stat").read_text()).parent
                    if parent == process.pid and _is_systemd(entry):
                        return int(entry.name)
            return None

        return wait_until(
            find,
            f"{self.plan.name} starts",
            over=lambda: describe_end(process, log),
            instead=log.read_text,
            seconds=_BOOT_SECONDS,
        )

    def _why(self) -> str:
        failed = self.run("systemctl", "--failed", "--no-legend", check=False) if self._init else ""
        return f"\n{failed}\n{(self._folder / 'log').read_text()[-3000:]}"


def _is_systemd(process: Path) -> bool:
    return (process / "comm").read_text() == "systemd\n"


def _controllers() -> list[Path]:
    if (_CGROUPS / "cgroup.procs").exists():
        return [_CGROUPS]
    return [entry for entry in _CGROUPS.iterdir() if (entry / "cgroup.procs").exists()]


def _make_cgroups(name: str) -> str:
    """Make a machine's cgroups; return the line of a shell that moves itself into them."""
    line = ""
    for controller in _controllers():
        group = controller / name
        group.mkdir()
        for setting in ("cpuset.cpus", "cpuset.mems"):
            if controller != _CGROUPS and (group / setting).exists():
                (group / setting).write_text((controller / setting).read_text())
        line += f"echo $$ >{group}/cgroup.procs && "
    return line


def _remove_cgroups(name: str) -> None:
    for controller in _controllers():
        group = controller / name
        for below in sorted(group.rglob("*/"), reverse=True) if group.exists() else ():
            below.rmdir()
        with contextlib.suppress(FileNotFoundError):
            group.rmdir()
