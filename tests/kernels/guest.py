"""A machine that runs: its processes here, and commands in it by ssh."""

import contextlib
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, TypeVar

from local.parts import processes
from tests.kernels import kernels
from tests.kernels.image import Image
from tests.kernels.kernels import Machine
from tests.machines.network import as_long_as_this_process

T = TypeVar("T")
_BOOT_SECONDS = 600.0
"""Without acceleration qemu takes a minute, and more beside others."""
_POWER_OFF_SECONDS = 120.0
_SHOWN = 2500


class StepFailed(Exception):
    """A step did not succeed; str() is what happened instead."""


def await_that(look: Callable[[], T | None], what: str, seconds: float, pause: float = 1.0) -> T:
    """Return what `look` finds once it finds something. Raises StepFailed after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise StepFailed(f"{what}: not within {seconds:g} s")
        time.sleep(pause)
    return found


def check(is_so: object, what: str) -> None:
    """Raise StepFailed with `what` unless it is so."""
    if not is_so:
        raise StepFailed(what)


def free_port() -> int:
    """Return a free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(command: Sequence[str], log: BinaryIO | int) -> "subprocess.Popen[bytes]":
    """Start a process that ends with this thread, in a session of its own; its stdin is a pipe."""
    whole = [*as_long_as_this_process(), *command]
    return subprocess.Popen(
        whole, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
    )


class Guest:
    """A machine, its files in `machine.folder`. All but `boot` may be called in any thread."""

    def __init__(self, machine: Machine, key: Path, forwards: Mapping[int, int]) -> None:
        self.machine = machine
        self._key = key
        self._ssh = free_port()
        self._forwards = [(self._ssh, 22), *((here, there) for there, here in forwards.items())]
        self._slirp: subprocess.Popen[bytes] | None = None
        self._kernel: subprocess.Popen[bytes] | None = None
        self._is_up = False
        machine.folder.mkdir(parents=True, exist_ok=True)

    @property
    def name(self) -> str:
        """Its name."""
        return self.machine.name

    @property
    def sign_in(self) -> str:
        """The command that signs in."""
        return shlex.join(self._to("root"))

    @property
    def is_on(self) -> bool:
        """Whether its kernel runs."""
        return self._kernel is not None and self._kernel.poll() is None

    def boot(self, kind: str, image: Image, accelerator: str) -> None:
        """Start it with the disk that it has. The first command waits until it is up."""
        self._is_up = False
        self._plug_in()
        if kind == "uml":
            command = kernels.uml(self.machine, image)
        else:
            command = kernels.qemu(self.machine, image, accelerator)
            if not (self.machine.folder / "disk").exists():
                subprocess.run(kernels.qemu_disk(self.machine, image), check=True)
        with (self.machine.folder / "console").open("ab") as console:
            self._kernel = start(command, console)

    def _plug_in(self) -> None:
        if self._slirp is not None and self._slirp.poll() is None:
            return
        shutil.rmtree(self.machine.card, ignore_errors=True)  # of a run that was killed
        with (self.machine.folder / "slirp.log").open("ab") as log:
            self._slirp = start(kernels.way_out(self.machine, self._forwards), log)
        await_that(
            (self.machine.card / "ctl").exists,
            f"vde_plug of {self.name} has a switch (see {self.machine.folder}/slirp.log)",
            10,
            0.1,
        )

    def await_up(self, *, but: str = "") -> str:
        """Wait until systemd reports that all is started; return the boot's id, not `but`."""

        def look() -> str | None:
            if not self.is_on:
                raise StepFailed(f"{self.name} has ended while it booted. {self.last_words()}")
            with contextlib.suppress(StepFailed):
                boot = self.boot_id()
                return boot if boot != but else None
            return None

        boot = await_that(look, f"{self.name} answers ssh", _BOOT_SECONDS)
        state = self._run("systemctl is-system-running --wait", check=False).strip()
        if state != "running":
            failed = self._run("systemctl --failed --no-legend --plain", check=False)
            raise StepFailed(f"systemd of {self.name} is {state}: {failed}")
        self._is_up = True
        return boot

    def boot_id(self) -> str:
        """Return the kernel's id of this boot."""
        return self._run("cat /proc/sys/kernel/random/boot_id", seconds=20).strip()

    def run(
        self,
        command: str,
        *,
        user: str = "root",
        check: bool = True,
        given: bytes = b"",
        seconds: float = 300,
    ) -> str:
        """Return the output of a shell command there, with `check` only if it succeeds.

        Waits until the machine is up. Raises StepFailed: the command did not succeed, it took too
        long, or the machine does not answer.
        """
        if not self._is_up:
            self.await_up()
        return self._run(command, user=user, check=check, given=given, seconds=seconds)

    def _run(
        self,
        command: str,
        *,
        user: str = "root",
        check: bool = True,
        given: bytes = b"",
        seconds: float = 300,
    ) -> str:
        try:
            done = subprocess.run(
                [*self._to(user), command],
                input=given,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            output = (late.stdout or b"").decode(errors="replace")[-_SHOWN:]
            raise StepFailed(
                f"{self.name}: {command}: not within {seconds:g} s. {output}"
            ) from None
        output = (done.stdout + done.stderr).decode(errors="replace")
        if done.returncode == 255 and not self.is_on:
            raise StepFailed(f"{self.name} has ended. {self.last_words()}")
        if (check and done.returncode) or done.returncode == 255:
            end = output[-_SHOWN:].strip()
            raise StepFailed(f"{self.name}: {command}: exit status {done.returncode}\n{end}")
        return done.stdout.decode(errors="replace") if check else output

    def write(self, path: str, text: str, mode: str = "644") -> None:
        """Write a file there."""
        place = shlex.quote(path)
        self.run(f"umask 077; cat >{place}; chmod {mode} {place}", given=text.encode())

    def reboot(self) -> None:
        """Reboot it by systemd, and wait until that is done."""
        before = self.boot_id()
        with contextlib.suppress(StepFailed):  # the connection may end first
            self.run("systemctl reboot", seconds=30)
        self.await_up(but=before)

    def cut_power(self) -> None:
        """End its kernel at once."""
        if self._kernel is not None:
            processes.end(processes.in_session(self._kernel.pid), 0)
            self._kernel.wait()

    def power_off(self) -> None:
        """Power it off by systemd, and wait until its kernel has ended."""
        with contextlib.suppress(StepFailed):
            self.run("systemctl poweroff", seconds=30)
        off = f"{self.name} is off"
        await_that(lambda: not self.is_on, off, _POWER_OFF_SECONDS, 0.2)

    def remove(self) -> None:
        """End its processes here; its disk stays."""
        self.cut_power()
        if self._slirp is not None:
            processes.end(processes.in_session(self._slirp.pid), 1)
            self._slirp.wait()

    def last_words(self) -> str:
        """Return the end of its console."""
        console = self.machine.folder / "console"
        if not console.exists():
            return ""
        end = console.read_bytes()[-_SHOWN:].decode(errors="replace")
        return f"Its console ends ({console}):\n{end}"

    def _to(self, user: str) -> list[str]:
        options = {
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "ConnectTimeout": "15",
            "ServerAliveInterval": "15",
            "BatchMode": "yes",
            "LogLevel": "ERROR",
        }
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        return ["ssh", "-i", str(self._key), *words, "-p", str(self._ssh), f"{user}@127.0.0.1"]
