"""The folder with all machines, and what joins them. It ends all that it starts."""

import contextlib
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from local.parts import processes
from tests.kernels import image
from tests.kernels.guest import Guest, StepFailed, await_that, free_port, start
from tests.kernels.kernels import Machine
from tests.machines.trees import REPOSITORY

NEWCOMER = "newcomer"
"""A machine with nothing but Debian, on which the README is followed."""
_NEWCOMER_MEMORY = 4096


class Site:
    """The machines: `plans` has the memory in MB, and the address of networked ones.

    Machines are started by one thread, which has to live as long as they do.
    """

    def __init__(
        self, folder: Path, kind: str, accelerator: str, plans: Mapping[str, tuple[int, str]]
    ) -> None:
        self._folder = folder
        self._kind = kind
        self._accelerator = accelerator
        self._plans = {**plans, NEWCOMER: (_NEWCOMER_MEMORY, "")}
        self._guests: dict[str, Guest] = {}
        self._ends = contextlib.ExitStack()
        self._image: image.Image | None = None
        self._switch = folder / "switch"
        self._port = 0
        self._joined = False

    @property
    def made_of(self) -> str:
        """The commit that the machines get, and the image that they begin with."""
        return f"{_git('rev-parse', 'HEAD')} {image.name(self._kind, self._public_key)}"

    @property
    def _public_key(self) -> str:
        key = self._folder / "key"
        if not key.exists():
            made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)]
            image.run(made, self._folder)
        return key.with_suffix(".pub").read_text().strip()

    def make_image(self) -> str:
        """Make the image, or find it."""
        self._image = image.make(self._folder, self._kind, self._public_key)
        mark, found = self._folder / "machines" / "image", self._image.disk.parent.name
        if not mark.exists() or mark.read_text() != found:
            self.forget_disks()  # layers on another image are useless
            mark.parent.mkdir()
            mark.write_text(found)
        return found

    def forget_disks(self) -> None:
        """Reset every machine."""
        shutil.rmtree(self._folder / "machines", ignore_errors=True)

    def guest(self, name: str) -> Guest:
        """Return a machine, which may not have been started."""
        if name not in self._guests:
            memory, address = self._plans[name]
            folder = self._folder / "machines" / name
            machine = Machine(name, memory, address, folder, self._switch)
            forwards = {80: self.port} if name == "master" else {}
            guest = Guest(machine, self._folder / "key", forwards)
            self._ends.callback(guest.remove)
            self._guests[name] = guest
        return self._guests[name]

    @property
    def port(self) -> int:
        """The port of this machine that leads to the master's port 80."""
        if not self._port:
            self._port = free_port()
        return self._port

    def boot(self, name: str) -> None:
        """Start a machine unless it runs. Does not wait until it is up, see `Guest.await_up`."""
        guest = self.guest(name)
        if guest.is_on:
            return
        if self._image is None:
            self.make_image()
        assert self._image is not None
        if guest.machine.address:
            self._join()
        guest.boot(self._kind, self._image, self._accelerator)

    def signs(self) -> list[str]:
        """Return how to sign in to each machine that runs."""
        return [guest.sign_in for guest in self._guests.values() if guest.is_on]

    def _join(self) -> None:
        if self._joined:
            return
        self._joined = True
        shutil.rmtree(self._switch, ignore_errors=True)  # of a run that was killed
        with (self._folder / "switch.log").open("ab") as log:
            switch = start(["vde_switch", "-s", str(self._switch)], log)
        self._ends.callback(lambda: processes.end(processes.in_session(switch.pid), 1))
        await_that((self._switch / "ctl").exists, "the machines' switch runs", 10, 0.1)

    def bundle(self) -> bytes:
        """Return the commit with its history, as git can clone it."""
        return _output("git", "bundle", "create", "--quiet", "-", "HEAD")

    def archive(self) -> bytes:
        """Return the files of the commit, as a tar."""
        return _output("git", "archive", "--format=tar", "HEAD")

    def close(self) -> None:
        """End all machines and the switch; disks stay."""
        self._ends.close()
        shutil.rmtree(self._switch, ignore_errors=True)


def lost_changes() -> list[str]:
    """Return the files that differ from the commit: machines do not get them so."""
    output = _output("git", "status", "--porcelain").decode()
    return [line[3:] for line in output.splitlines()]


def _git(*arguments: str) -> str:
    return _output("git", *arguments).decode().strip()


def _output(*command: str) -> bytes:
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=False)
    if done.returncode:
        raise StepFailed(f"{' '.join(command)}: {done.stderr.decode()}")
    return done.stdout
