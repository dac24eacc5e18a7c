"""Installs Mesos, once per user, even if several processes try at the same time."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from local.errors import LocalError
from local.mesos.download import MESOS, Progress, download, pip_index

_SOURCES = Path(__file__).parent
_FILES = ("mesos_local.cpp", "stubs.c", "openssl.map", "curl.map", "fetcher.py")
_ADVICE = "Install its packages: run provision/debian.sh (g++, libc6-dev, curl)."


class Installation(NamedTuple):
    """The files of a built Mesos."""

    library: Path
    folder: Path

    @property
    def program(self) -> Path:
        """mesos-local: the master, or an agent."""
        return self.folder / "mesos-local"

    @property
    def stubs(self) -> Path:
        """Replacements for the libraries that Mesos's library is linked with."""
        return self.folder / "stubs"

    @property
    def launcher(self) -> Path:
        """MESOS_LAUNCHER_DIR: mesos-containerizer and mesos-fetcher."""
        return self.folder / "launcher"


def fingerprint() -> str:
    """Return the id of a build, which depends on the sources and on the Python that it uses."""
    digest = hashlib.sha256()
    for name in _FILES:
        digest.update((_SOURCES / name).read_bytes())
    digest.update(os.fsencode(_python()))
    return digest.hexdigest()[:12]


def find(cache: Path) -> Installation:
    """Return the paths of this version, installed or not."""
    library = cache / f"mesos-library-{MESOS.sha256[:12]}" / "libmesos.so"
    return Installation(library, cache / f"mesos-{fingerprint()}")


def is_there(installation: Installation) -> bool:
    """Return whether it is installed. Both folders appear whole or not at all."""
    return installation.library.exists() and installation.folder.exists()


def install(cache: Path, progress: Progress) -> Installation:
    """Download and build what is missing in `cache`. Raises LocalError.

    Blocks while another process does the same. The next run removes what a killed one left.
    """
    installation = find(cache)
    if is_there(installation):
        return installation
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / "mesos.lock"):
        for left in cache.glob(".mesos-*"):
            shutil.rmtree(left, ignore_errors=True)
        if not installation.library.exists():
            with _appearing(installation.library.parent) as folder:
                download(MESOS, pip_index(), folder / installation.library.name, progress)
        if not installation.folder.exists():
            with _appearing(installation.folder) as folder:
                build(folder)
    return installation


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _appearing(final: Path) -> Iterator[Path]:
    """Yield a folder to fill; if no error is raised, it is renamed to `final`."""
    with tempfile.TemporaryDirectory(prefix=".mesos-", dir=final.parent) as scratch:
        folder = Path(scratch) / "whole"
        folder.mkdir()
        yield folder
        folder.rename(final)


def build(folder: Path) -> None:
    """Compile mesos-local and the stub libraries into `folder` (3 s). Raises LocalError."""
    stubs, launcher = folder / "stubs", folder / "launcher"
    stubs.mkdir()
    launcher.mkdir()
    curl, crypto = _real("libcurl.so.4"), _real("libcrypto.so.3")
    for library, options in (
        ("libpython-stub.so", ["-DSTUB_PYTHON"]),
        (
            "libcrypto.so.1.0.0",
            ["-DSTUB_CRYPTO", crypto, *_versions("libcrypto.so.1.0.0", "openssl.map")],
        ),
        ("libssl.so.1.0.0", _versions("libssl.so.1.0.0", "openssl.map")),
        ("libcurl.so.4", ["-DSTUB_CURL", curl, *_versions("libcurl.so.4", "curl.map")]),
    ):
        source = str(_SOURCES / "stubs.c")
        _compile(["gcc", "-shared", "-fPIC", source, "-o", str(stubs / library), *options])
    program, source = str(folder / "mesos-local"), str(_SOURCES / "mesos_local.cpp")
    _compile(["g++", "-std=c++17", "-O1", "-Wall", "-o", program, source, "-ldl"])
    (launcher / "mesos-containerizer").symlink_to("../mesos-local")
    fetcher = launcher / "mesos-fetcher"
    fetcher.write_text(f"#!{_python()} -IS\n{(_SOURCES / 'fetcher.py').read_text()}")
    fetcher.chmod(0o755)


def _python() -> Path:
    """Return the path of this Python, without symbolic links; the system's under its usual name.

    python3 on the PATH may be a wrapper script: pyenv's takes 0.2 s, which would delay every
    attempt.
    """
    system, this = Path("/usr/bin/python3"), Path(sys.executable).resolve()
    return system if system.resolve() == this else this


def _real(library: str) -> str:
    """Return the option with the path of the installed library. Raises LocalError."""
    found = os.path.normpath(_compile(["gcc", f"-print-file-name={library}"]).strip())
    if not Path(found).is_absolute():
        raise LocalError("mesos", f"{library} is not installed", _ADVICE)
    return f'-DREAL="{found}"'


def _versions(soname: str, script: str) -> list[str]:
    """Return the linker options for a library's name and the symbol versions that Mesos needs."""
    return [f"-Wl,-soname,{soname}", f"-Wl,--version-script={_SOURCES / script}"]


def _compile(command: list[str]) -> str:
    """Run a compiler; return what it prints. Raises LocalError."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError as exc:
        raise LocalError("mesos", f"{command[0]} is not installed", _ADVICE) from exc
    except subprocess.CalledProcessError as exc:
        raise LocalError("mesos", f"{command[0]} failed:\n{exc.stderr}", _ADVICE) from exc
