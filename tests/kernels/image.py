"""The disk that all machines begin with: a bare Debian, with this machine's registries.

Its name is a digest of its sources; it is there whole or not at all. Needs root.
"""

import hashlib
import inspect
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.kernels import furnish
from tests.machines import trees
from tests.machines.network import as_long_as_this_process

PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "udev", "kmod", "procps", "libpam-systemd"),
    *("openssh-server", "sudo", "ca-certificates", "curl", "iproute2"),
    *("git", "make", "python3", "python3-venv"),  # the README's list for a new user
)
SIZE = "16G"
_MODULES = Path("/usr/lib/uml/modules")
_APT = (
    "/etc/apt/sources.list",
    "/etc/apt/sources.list.d/*.list",
    "/etc/apt/sources.list.d/*.sources",
)


class Image(NamedTuple):
    """A disk, and what a machine that starts from it needs beside it (qemu: a kernel)."""

    disk: Path
    kernel: Path
    initrd: Path


def packages(kind: str) -> tuple[str, ...]:
    """Return the Debian packages of a machine whose kernel is of that kind."""
    # User-mode Linux has no nftables for IPv4; its modules are copied, see furnish.py.
    return (
        (*PACKAGES, "iptables", "ebtables")
        if kind == "uml"
        else (*PACKAGES, "linux-image-cloud-amd64")
    )


def name(kind: str, public_key: str) -> str:
    """Return the name of the image, a digest of its sources."""
    sources = _sources()
    texts = [kind, SIZE, public_key, *packages(kind), *(path.read_text() for path in sources)]
    texts += [inspect.getsource(furnish), inspect.getsource(trees.take_registries)]
    if kind == "uml":
        texts += sorted(path.name for path in _MODULES.iterdir())
    key = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]
    return f"image-{kind}-{key}"


def make(folder: Path, kind: str, public_key: str) -> Image:
    """Return the image, made if it is not there, in place of an older one. Blocks for minutes."""
    final = folder / name(kind, public_key)
    if not final.exists():
        draft = folder / f".image-{kind}"
        for old in (draft, *folder.glob(f"image-{kind}-*")):
            shutil.rmtree(old, ignore_errors=True)
        draft.mkdir()
        _build(draft, kind, public_key, _sources())
        draft.rename(final)
    return Image(final / "disk", final / "vmlinuz", final / "initrd.img")


def _build(draft: Path, kind: str, public_key: str, sources: Sequence[Path]) -> None:
    # As a folder: mke2fs 1.47.2 takes a tar too, but none with a name that is not ASCII.
    tree, disk = draft / "tree", draft / "disk"
    run(bootstrap(tree, kind, public_key, sources), draft)
    if kind == "qemu":
        for name in ("vmlinuz", "initrd.img"):
            (found,) = (tree / "boot").glob(f"{name}-*")
            shutil.copyfile(found, draft / name)
    with disk.open("wb") as file:
        file.truncate(int(SIZE[:-1]) << 30)
    run(["mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", str(tree), str(disk)], draft)
    shutil.rmtree(tree)


def bootstrap(tree: Path, kind: str, public_key: str, sources: Sequence[Path]) -> list[str]:
    """Return the command that makes the tree of files, with hooks of furnish.py."""
    hook = shlex.join([sys.executable, "-m", furnish.__name__])
    here = f"cd {shlex.quote(str(trees.REPOSITORY))} && {hook}"
    return [
        *as_long_as_this_process(),
        # It mounts this machine's /dev, /proc and /sys: where nobody else sees it, and they go.
        *("unshare", "--mount", "--pid", "--fork", "--kill-child"),
        *("mmdebstrap", "--quiet", "--mode=root", "--variant=important", "--format=directory"),
        f"--include={','.join(packages(kind))}",
        f'--setup-hook={here} before "$1"',
        f'--customize-hook={here} after "$1" {kind} {shlex.quote(public_key)}',
        *(trees.SUITE, str(tree), *map(str, sources)),
    ]


def _sources() -> list[Path]:
    """Return apt's list of sources, without folders of this machine."""
    found = [path for form in _APT for path in sorted(Path("/").glob(form[1:]))]
    return [
        path
        for path in found
        if "file:" not in path.read_text() and trees.SUITE in path.read_text()
    ]


class ImageFailed(Exception):
    """A program that makes an image failed; str() has its last output."""


def run(command: Sequence[str], folder: Path) -> None:
    """Run a program; its temporary files go to `folder`. Raises ImageFailed."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    environ = {**os.environ, "PATH": path, "TMPDIR": str(folder)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ImageFailed(f"{command[0]} failed:\n{(done.stdout + done.stderr)[-3000:]}")
