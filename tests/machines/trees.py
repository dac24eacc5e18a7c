"""File trees of Debian machines, kept in the user's cache: a bare one, and what a role adds to it.

The name of a tree is a digest of its sources; it is there whole or not at all. A machine mounts
them below a folder of its own, which gets its changes.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import inspect
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from local.mesos.download import pip_index

SUITE = "trixie"
REPOSITORY = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("machine.sh")
# What is on every Debian machine, and not in debootstrap's smallest.
_PACKAGES = ("ca-certificates", "dbus", "iproute2", "systemd-sysv")
# The machine's other settings of apt: its sources and certificates.
_APT = ("sources.list", "sources.list.d", "apt.conf.d", "auth.conf.d", "trusted.gpg.d")
_AUTHORITIES = Path("/usr/local/share/ca-certificates")
_ANYWHERE = ("--address", "127.0.0.1", "--master", "127.0.0.1")  # the step depends on neither
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
CERTIFICATES = "etc/pip-certificates.pem"


class Layers(NamedTuple):
    """Trees on top of each other: the first is the topmost."""

    folders: tuple[Path, ...]

    def over(self, folder: Path) -> "Layers":
        """Return these trees with another one on top."""
        return Layers((folder, *self.folders))

    def __str__(self) -> str:
        return ":".join(map(str, self.folders))


@dataclasses.dataclass(frozen=True)
class Trees:
    """The trees in the folder `cache`. Needs root and the package registries."""

    cache: Path

    def base(self) -> Layers:
        """Return Debian as debootstrap makes it, with this machine's registries. Blocks."""
        mirror = _mirror()
        settings = map(inspect.getsource, (take_registries, _take_settings))
        key = _digest(SUITE, mirror, *_PACKAGES, *settings)
        with self._made(f"debian-{key}") as (final, draft):
            if draft is not None:
                _debootstrap(mirror, draft)
                _take_settings(draft)
        return Layers((final,))

    def installed(self, roles: str) -> Layers:
        """Return the tree of a machine after provision.sh's step `install`.

        With several roles it is on top of one with all but the first.
        """
        first, _, others = roles.partition(",")
        below = self.installed(others) if others else self.base()
        script = (REPOSITORY / "vagrant" / "provision.sh").read_text(encoding="utf-8")
        made_of = [REPOSITORY / "setup.cfg", *sorted((REPOSITORY / "local" / "mesos").glob("*.*"))]
        texts = (path.read_text(encoding="utf-8") for path in made_of)
        step = script.partition("# --- install")[2].partition("# --- configure")[0]
        key = _digest(below.folders[0].name, first, step, *texts)
        with self._made(f"{roles.replace(',', '-')}-{key}") as (final, draft):
            if draft is not None:
                install(below, draft, (roles, *_ANYWHERE))
        return below.over(final)

    @contextlib.contextmanager
    def _made(self, name: str) -> Iterator[tuple[Path, Path | None]]:
        """Yield the path of a tree, and the folder to make it in unless it exists."""
        self.cache.mkdir(parents=True, exist_ok=True)
        final = self.cache / name
        with (self.cache / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if final.exists():
                yield final, None
                return
            scratch = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=self.cache))
            try:
                draft = scratch / "whole"
                draft.mkdir(mode=0o755)
                yield final, draft
                draft.rename(final)
            finally:
                shutil.rmtree(scratch)


def install(below: Layers, upper: Path, arguments: Sequence[str]) -> None:
    """Run provision.sh's step `install` in a tree, with the network of this machine."""
    index = pip_index()
    environ = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "PIP_INDEX_URL": index.url,
        **({"PIP_CERT": f"/{CERTIFICATES}"} if index.certificates else {}),
        **{name: os.environ[name] for name in _PROXIES if name in os.environ},
    }
    program = "/usr/src/prevs/vagrant/provision.sh"
    run_in(below, upper, ["env", "-i", *_assignments(environ), program, *arguments, "install"])


def run_in(below: Layers, upper: Path, command: Sequence[str]) -> None:
    """Run a command in a tree without an init, its changes going to `upper`."""
    scratch = Path(tempfile.mkdtemp(prefix=".mount-", dir=upper.parent))
    try:
        for name in ("root", "work"):
            (scratch / name).mkdir()
        places = [scratch / "root", below, upper, scratch / "work", REPOSITORY]
        namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        _run([*namespaces, "sh", str(SCRIPT), *map(str, places), "run", *command])
    finally:
        shutil.rmtree(scratch)


def _debootstrap(mirror: str, target: Path) -> None:
    packages = f"--include={','.join(_PACKAGES)}"
    _run(["debootstrap", "--variant=minbase", packages, SUITE, str(target), mirror])


def take_registries(tree: Path) -> None:
    """Let a tree use Debian's registries and certificates like this machine.

    `CERTIFICATES` in it are those of pip, if pip has its own here.
    """
    _run(["rm", "-rf", *(str(tree / "etc" / "apt" / name) for name in _APT)])
    for name in _APT:
        if Path("/etc/apt", name).exists():
            _run(["cp", "-a", f"/etc/apt/{name}", str(tree / "etc" / "apt")])
    for file in (tree / "etc" / "apt" / "sources.list.d").glob("*"):
        if "file:" in file.read_text(encoding="utf-8"):  # a folder of this machine's alone
            file.unlink()
    certificates = pip_index().certificates
    if certificates:
        shutil.copyfile(certificates, tree / CERTIFICATES)
    if _AUTHORITIES.is_dir():
        _run(["cp", "-a", f"{_AUTHORITIES}/.", str(tree / str(_AUTHORITIES)[1:])])
        _run(["chroot", str(tree), "update-ca-certificates"])


def _take_settings(tree: Path) -> None:
    """Turn a tree into that of a machine which shares this kernel and network."""
    take_registries(tree)
    shutil.copyfile("/etc/resolv.conf", tree / "etc" / "resolv.conf")
    for name in ("sysctl", "modules-load"):  # the kernel is not the machine's own
        unit = tree / "etc" / "systemd" / "system" / f"systemd-{name}.service"
        unit.symlink_to("/dev/null")
    # Nothing is started while packages are installed: there is no init then.
    policy = tree / "usr" / "sbin" / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    policy.chmod(0o755)


def _mirror() -> str:
    """Return apt's mirror of the suite on this machine."""
    form = "$(REPO_URI) $(CODENAME)"
    targets = _run(["apt-get", "indextargets", "--format", form, "Created-By: Packages"])
    found = [
        uri for uri, _, name in (t.partition(" ") for t in targets.split("\n")) if name == SUITE
    ]
    assert found, f"apt has no {SUITE} here:\n{targets}"
    return found[0]


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def _assignments(environ: dict[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in environ.items()]


def _run(command: Sequence[str]) -> str:
    environ = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout
