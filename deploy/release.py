"""`make release`: all files of a release, made of the commit that is checked out.

    release.py FOLDER [--repository PATH]

The folder gets wheels and sources of prevs and of our http-parser, the executor as one file, the
context of the images, the locked versions with install.sh, bills of materials, and SHA256SUMS. It
must be new or empty. The same commit gives the same bytes: times are the commit's, names are
sorted, nothing of the machine gets in. It needs a Python with the locked versions, as `make` sets
it up, and no network.
"""

import argparse
import configparser
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from framework import executor_bundle
from locks import write

ROOT = Path(__file__).parents[1]
SUMS = "SHA256SUMS"
_HTTP_PARSER = "third_party/http-parser"
_DOCKERFILE = "deploy/Dockerfile"
_COPIED = ("build.txt", "libraries.txt", "install.sh")
_BILLS = ("libraries.cdx.json", "executor.cdx.json")
_MAKE_SDIST = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
_MAKE_BUNDLE = """\
import json, pathlib, sys
from framework import executor_bundle
pathlib.Path(sys.argv[1]).write_bytes(executor_bundle.build().data)
print(json.dumps({one.metadata["Name"]: one.version for one in executor_bundle.find()}))
"""


def build(repository: Path, folder: Path) -> None:
    """Make a release of a repository's commit in an empty folder. Blocks for half a minute.

    Exits with a reason if something is missing, or a command fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        sys.exit(f"{folder} is not empty. Remove it, or name another folder.")
    epoch = int(_git(repository, "log", "-1", "--format=%ct"))
    with tempfile.TemporaryDirectory() as made:
        tree, installed = Path(made, "tree"), Path(made, "installed")
        _export(repository, tree)
        version = _version(tree)
        for source in (tree / _HTTP_PARSER, tree):
            for make in (_make_sdist, _make_wheel):
                # Of a copy: both leave files there, which are not of the commit.
                with tempfile.TemporaryDirectory() as copies:
                    copy = shutil.copytree(source, Path(copies, "copy"))
                    make(copy, folder, epoch)
        _make_bundle(tree, folder, installed, f"prevs-executor-{version}.pyz")
        context = _pack(_context(tree), epoch)
        (folder / f"prevs-images-{version}.tar.gz").write_bytes(context)
        for name in _COPIED:
            shutil.copy(tree / "locks" / name, folder / name)
        for name in _BILLS:
            shutil.copy(tree / "locks" / name, folder / f"prevs-{version}-{name}")
    (folder / SUMS).write_text(_sums(folder), encoding="utf-8")


def find_changed(repository: Path) -> list[str]:
    """Return which files are not as in the commit: they are not in a release."""
    return _git(repository, "status", "--porcelain").splitlines()


def _version(tree: Path) -> str:
    read = configparser.ConfigParser()
    read.read(tree / "setup.cfg", encoding="utf-8")
    return read["metadata"]["version"]


def _export(repository: Path, tree: Path) -> None:
    """Write the files of the commit, with the same modes whatever this user's umask is."""
    archive = subprocess.run(
        [*_git_command(repository), "archive", "HEAD"], capture_output=True, check=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(tree, filter="data")
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            is_open = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if is_open else 0o644)


def _make_wheel(source: Path, folder: Path, epoch: int) -> None:
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--no-cache-dir", "--quiet"]
    _run([*_pip("wheel"), *options, "--wheel-dir", str(folder), str(source)], source, epoch)


def _make_sdist(source: Path, folder: Path, epoch: int) -> None:
    """Make the sources. setuptools leaves times and owners as they are, so pack them again."""
    with tempfile.TemporaryDirectory() as made:
        _run([sys.executable, "-c", _MAKE_SDIST, made], source, epoch)
        (path,) = Path(made).iterdir()
        with tarfile.open(path) as archive:
            archive.extractall(made, filter="data")
        top = Path(made, path.name.removesuffix(".tar.gz"))
        files = {str(one.relative_to(made)): one for one in _files(top)}
        (folder / path.name).write_bytes(_pack(files, epoch))


def _make_bundle(tree: Path, folder: Path, installed: Path, name: str) -> None:
    """Make the executor of the wheels and of the locked libraries, as a framework makes it."""
    wheels = [str(path) for path in sorted(folder.glob("*.whl"))]
    options = ["--no-deps", "--no-index", "--no-compile", "--quiet", "--target", str(installed)]
    _run([*_pip("install"), *options, *wheels], tree)
    told = _run([sys.executable, "-c", _MAKE_BUNDLE, str(folder / name)], installed)
    lock = (tree / "locks" / "libraries.txt").read_text(encoding="utf-8")
    locked = {one: lines.split("==")[1].split()[0] for one, lines in write.entries(lock)}
    for library, version in json.loads(told).items():
        wanted = locked.get(executor_bundle.canonical(library), version)
        if version != wanted:
            sys.exit(f"{library} {version} is installed here, and {wanted} is locked: run `make`.")


def _context(tree: Path) -> dict[str, Path]:
    """Return what the images are built of, as Dockerfile.dockerignore has it, and how."""
    lines = (tree / f"{_DOCKERFILE}.dockerignore").read_text(encoding="utf-8").splitlines()
    wanted = [line[1:] for line in lines if line.startswith("!")]
    found = {_DOCKERFILE: tree / _DOCKERFILE}
    for one in wanted:
        path = tree / one
        for file in _files(path) if path.is_dir() else [path]:
            found[str(file.relative_to(tree))] = file
    return found


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _pack(files: Mapping[str, Path], epoch: int) -> bytes:
    """Return a tar.gz of files by their names: the same bytes for the same files and time."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name in sorted(files):
            data = files[name].read_bytes()
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), epoch
            info.mode = 0o755 if files[name].stat().st_mode & 0o100 else 0o644
            archive.addfile(info, io.BytesIO(data))
    return gzip.compress(packed.getvalue(), mtime=epoch)


def _sums(folder: Path) -> str:
    found = ((path.name, path.read_bytes()) for path in sorted(folder.iterdir()))
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in found)


def _git_command(repository: Path) -> list[str]:
    return ["git", "-c", "safe.directory=*", "-C", str(repository)]


def _git(repository: Path, *command: str) -> str:
    return _run([*_git_command(repository), *command], repository).strip()


def _pip(command: str) -> list[str]:
    return [sys.executable, "-m", "pip", "--disable-pip-version-check", command]


def _run(command: Sequence[str], folder: Path, epoch: int = 0) -> str:
    """Return the output of a command that sees no code but that in `folder`; exit if it fails."""
    environ = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    environ |= {"SOURCE_DATE_EPOCH": str(epoch), "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        # Modes of files that setuptools makes itself are in a wheel.
        command,
        cwd=folder,
        env=environ,
        umask=0o022,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stderr.strip()}\n{' '.join(command[:4])} failed: see above.")
    return done.stdout


def _main(show: Callable[[str], None]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repository", type=Path, default=ROOT)
    asked = parser.parse_args()
    folder, repository = asked.folder.absolute(), asked.repository.absolute()
    build(repository, folder)
    show((folder / SUMS).read_text(encoding="utf-8").rstrip())
    show(f"{folder} has the release of {_git(repository, 'rev-parse', 'HEAD')[:12]}.")
    if changed := find_changed(repository):
        show("Not in it, as it is in no commit:\n" + "\n".join(changed))


if __name__ == "__main__":
    _main(print)
