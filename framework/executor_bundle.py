"""The executor as one file that agents fetch, made of what is installed here, without a network.

Its bytes depend only on the versions of its content, so that frameworks of the same version have
the same file: names are sorted, times are left out, and bzip2 compresses it. There is one bzip2
library, but several for deflate, whose results differ.
"""

import ast
import hashlib
import importlib.metadata
import importlib.util
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path
from typing import NamedTuple

_PROGRAMS = ("driver", "executor", "prevs")
"""Packages of ours that are in it as a whole; of `program`, only what these import."""

_LIBRARIES = ("docker", "GitPython", "h2", "requests", "pymesos", "http-parser")
_MAIN = "__main__.py"
_MAIN_SOURCE = "executor/bundle.py"
_LICENCE = re.compile(r"(licen[cs]e|copying|notice|authors)", re.IGNORECASE)
_WITHOUT = re.compile(r"(^|/)(tests?|__pycache__)/|^\.\.|\.(pyi|so|js)$|(^|/)py\.typed$")
"""Files that no agent needs. Compiled modules fit one Python only, and have their source beside
them."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_FILE_MODE = 0o100644 << 16


class BundleError(Exception):
    """A bundle that cannot be made or read; str() is a sentence with what to do."""


class Bundle(NamedTuple):
    """The file and its SHA-256 in hex, which is its name.

    `is_unpacked` if it unpacks itself and agents keep the result (executor/bundle.py).
    """

    data: bytes
    digest: str
    is_unpacked: bool = False


def read(path: Path) -> Bundle:
    """Return the bundle in a file. Raises BundleError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path} cannot be read ({error})") from None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            is_unpacked = _MAIN_SOURCE in archive.namelist()
    except zipfile.BadZipFile:
        raise BundleError(f"{path} is not a zip archive that Python can run") from None
    return _bundle(data, is_unpacked=is_unpacked)


def build() -> Bundle:
    """Return a bundle of what is installed. Blocks for half a second. Raises BundleError."""
    try:
        files = dict(_programs())
        for found in find():
            files.update(_library(found))
        licences = dict(_licences(_installed("prevs")))
    except (OSError, PackageNotFoundError) as error:
        raise BundleError(
            f"the executor's bundle cannot be made from what is installed here ({error}): "
            "install prevs again, or name a bundle in PREVS_EXECUTOR_BUNDLE"
        ) from error
    data = pack({**files, **licences, _MAIN: files[_MAIN_SOURCE]})
    return _bundle(data, is_unpacked=True)


def _bundle(data: bytes, *, is_unpacked: bool) -> Bundle:
    return Bundle(data, hashlib.sha256(data).hexdigest(), is_unpacked)


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return a zip archive that is the same for the same files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = _FILE_MODE
            info.create_system = 3
            # Python's own zip import reads this one, and does not support bzip2.
            info.compress_type = zipfile.ZIP_STORED if name == _MAIN else zipfile.ZIP_BZIP2
            archive.writestr(info, files[name])
    return made.getvalue()


def _programs() -> Iterator[tuple[str, bytes]]:
    """Yield our own files, by their names in the bundle."""
    needed: set[str] = set()
    for package in _PROGRAMS:
        for path in sorted(_folder(package).rglob("*")):
            if path.suffix in (".py", ".sh"):
                data = path.read_bytes()
                needed |= _imported("program", data) if path.suffix == ".py" else set()
                yield f"{package}/{path.relative_to(_folder(package)).as_posix()}", data
    done: set[str] = set()
    while left := sorted(needed - done):
        data = (_folder("program") / left[0]).read_bytes()
        needed |= _imported("program", data)
        done.add(left[0])
        yield f"program/{left[0]}", data


def _folder(package: str) -> Path:
    """Return where a package of ours is, without importing it."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise PackageNotFoundError(package)
    return Path(found.origin).parent


def _imported(package: str, source: bytes) -> set[str]:
    """Return the files of a package that a source file imports, by their paths in its folder."""
    if f" {package}".encode() not in source:  # parsing all of them would take half a second
        return set()
    folder, found = _folder(package), set[str]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for first, *parts in (name.split(".") for name in names):
            if first == package:
                above = (Path(*parts[:depth], "__init__.py") for depth in range(len(parts) + 1))
                files = (*above, Path(*parts).with_suffix(".py")) if parts else (*above,)
                found |= {file.as_posix() for file in files if (folder / file).is_file()}
    return found


def find() -> list[Distribution]:
    """Return the installed libraries that go into it. Raises PackageNotFoundError."""
    return _with_needs(_LIBRARIES)


def _with_needs(names: Iterable[str]) -> list[Distribution]:
    """Return distributions and all that they need on Linux, with any Python on agents."""
    found: dict[str, Distribution] = {}
    left = list(names)
    while left:
        name = left.pop()
        if (key := canonical(name)) not in found:
            found[key] = importlib.metadata.distribution(name)
            left += needs(found[key].requires or ())
    return [found[key] for key in sorted(found)]


def needs(requirements: Iterable[str]) -> list[str]:
    """Return the names in requirements, except for those of extras and of other systems.

    Libraries that only an older Python needs are included, whichever Python makes the bundle.
    """
    found = []
    for requirement in requirements:
        name, _, marker = requirement.partition(";")
        if "extra" not in marker and "win32" not in marker:
            found.append(re.split(r"[\s\[<>=!~(]", name.strip(), maxsplit=1)[0])
    return found


def canonical(name: str) -> str:
    """Return a distribution's name in its normalized form."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _library(distribution: Distribution) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a distribution, its licences among them."""
    for file in distribution.files or ():
        name = file.as_posix()
        if ".dist-info/" not in name and not _WITHOUT.search(name):
            yield name, Path(str(file.locate())).read_bytes()
    yield from _licences(distribution)


def _installed(name: str) -> Distribution:
    """Return a distribution as it was installed. Raises PackageNotFoundError.

    In a checkout, Python finds setuptools' egg-info there first, which is not what is installed.
    """
    for found in importlib.metadata.distributions(name=name):
        if any(file.parent.suffix == ".dist-info" for file in found.files or ()):
            return found
    raise PackageNotFoundError(name)


def _licences(distribution: Distribution) -> Iterator[tuple[str, bytes]]:
    """Yield a distribution's licence files, or else its metadata, which name the licence."""
    named = f"licences/{canonical(distribution.metadata['Name'])}-{distribution.version}"
    files = [file for file in distribution.files or () if ".dist-info" in file.parent.as_posix()]
    licences = [file for file in files if _LICENCE.match(file.name)]
    for file in licences or [file for file in files if file.name == "METADATA"]:
        yield f"{named}/{file.name}", Path(str(file.locate())).read_bytes()
