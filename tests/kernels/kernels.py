"""How a machine is started: by user-mode Linux or by qemu. Pure."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.kernels.image import Image

KINDS = ("uml", "qemu")
ACCELERATORS = ("kvm", "tcg")
LONGEST_PATH = 60
"""Of the folder: the sockets of a machine are below it, whose paths may have 107 bytes."""


class Machine(NamedTuple):
    """A machine, for any way to start it; `memory` in MB, without `address` it is alone."""

    name: str
    memory: int
    address: str
    folder: Path
    switch: Path

    @property
    def card(self) -> Path:
        """Where its first card is plugged in: a switch of its own, with slirp at the other end."""
        return self.folder / "net"

    @property
    def words(self) -> list[str]:
        """Return its part of the kernel's command line; a program of the image reads this."""
        words = [f"machine.name={self.name}"]
        return [*words, f"machine.address={self.address}"] if self.address else words

    @property
    def mac(self) -> str:
        """Return the hardware address of its second card."""
        return f"52:54:00:cc:00:{int(self.address.rpartition('.')[2]):02x}"


def uml(machine: Machine, image: Image) -> list[str]:
    """Return the command: one CPU, nearly native speed but for system calls. No root."""
    cards = [f"vec0:transport=vde,vnl=vde://{machine.card},mac=52:54:00:aa:00:01"]
    if machine.address:
        cards.append(f"vec1:transport=vde,vnl=vde://{machine.switch},mac={machine.mac}")
    return [
        *("linux.uml", f"uml_dir={machine.folder}", "umid=uml", f"mem={machine.memory}M"),
        *(f"ubd0={machine.folder / 'disk'},{image.disk}", "root=/dev/ubda", "rw"),
        *("con=null", "con0=null,fd:1", "ssl=null", *machine.words, *cards),
    ]


def qemu(machine: Machine, image: Image, accelerator: str, cpus: int = 2) -> list[str]:
    """Return the command: Debian's own kernel. Its disk is there already, see `qemu_disk`."""
    # KVM has the host's own CPU; without it, all that qemu knows of.
    cpu = {"kvm": "host", "tcg": "max"}[accelerator]
    how = {"kvm": "kvm", "tcg": "tcg,thread=multi,tb-size=512"}[accelerator]
    words = ["root=/dev/vda", "rw", "console=ttyS0", "net.ifnames=0", *machine.words]
    cards = [(machine.card, "52:54:00:aa:00:01")]
    if machine.address:
        cards.append((machine.switch, machine.mac))
    command = [
        *("qemu-system-x86_64", "-M", "q35", "-accel", how, "-cpu", cpu, "-smp", str(cpus)),
        *("-m", str(machine.memory), "-nodefaults", "-display", "none", "-serial", "stdio"),
        *("-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", " ".join(words)),
        *("-drive", f"file={machine.folder / 'disk'},if=virtio,format=qcow2,cache=unsafe"),
        *("-device", "virtio-rng-pci"),
    ]
    for number, (switch, mac) in enumerate(cards):
        command += ["-netdev", f"vde,id=n{number},sock={switch}"]
        command += ["-device", f"virtio-net-pci,netdev=n{number},mac={mac}"]
    return command


def qemu_disk(machine: Machine, image: Image) -> list[str]:
    """Return the command that makes a machine's disk, on top of the image."""
    made = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw"]
    return [*made, "-b", str(image.disk), str(machine.folder / "disk")]


def way_out(machine: Machine, forwards: Sequence[tuple[int, int]]) -> list[str]:
    """Return the forwarding of the first card: pairs of a port here and a port there."""
    pairs = ",".join(f"tcpfwd=127.0.0.1:{here}:10.0.2.15:{there}" for here, there in forwards)
    slirp = f"slirp:///v4/disable_host_loopback/{pairs.replace(',tcpfwd=', ',')}"
    return ["vde_plug", slirp, f"switch://{machine.card}"]


def shell(command: Sequence[str]) -> str:
    """Return a command quoted for a shell at the other end of ssh."""
    return shlex.join(command)
