"""The small real applications of tests/apps: their repositories, and their base image.

The image has only Debian packages. Its archive stays in the user's cache between runs, and is made
again when the packages change; the image itself goes with its last user.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from docker.api import APIClient

from local.settings import cache_folder
from tests.fakes.samples import SampleRepository, remove_image

BASE = "prevs-apps/debian"
"""The base image of their Dockerfiles."""

_APPS = Path(__file__).with_name("apps")
_SUITE = "trixie"
_PACKAGES = (
    *("python3-flask", "python3-django", "python3-psycopg2", "python3-grpcio", "gunicorn"),
    *("nodejs", "node-express", "node-ws", "node-redis", "esbuild"),
    *("gcc", "libc6-dev", "busybox-static"),
)
_LEAN = (
    *("--variant=minbase", '--aptopt=APT::Install-Recommends "false"'),
    *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "locale", "man")),
)
_MANUALS = '--essential-hook=mkdir -p "$1/usr/share/man/man1"'
"""Packages of Java link their manuals there."""

_KEPT = 5
"""How many archives stay in the cache: two branches may have other packages, our own images need
one more, and recipes two."""


@contextlib.contextmanager
def base_image(docker: APIClient) -> Iterator[None]:
    """Import the image into a daemon until the context ends. The first time blocks for a minute.

    Modules that run at once share it: the last of them removes it.
    """
    repository, tag = BASE, "latest"
    archive = base_archive()
    daemon = hashlib.sha256(docker.info()["ID"].encode()).hexdigest()[:16]
    with archive.with_name(f"in-use-{daemon}").open("ab") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        docker.import_image_from_file(str(archive), repository=repository, tag=tag)
        try:
            yield
        finally:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_image(docker, f"{repository}:{tag}")


def base_archive(packages: Sequence[str] = _PACKAGES) -> Path:
    """Return a tar archive of an image's files. Blocks for a minute if there is none yet."""
    hooks = [_MANUALS] if any("jdk" in package for package in packages) else []
    include = f"--include={','.join(packages)}"
    command = ["mmdebstrap", "--quiet", *_LEAN, *hooks, include, _SUITE]
    folder = cache_folder(os.environ) / "bases"
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"{hashlib.sha256(repr(command).encode()).hexdigest()[:16]}.tar"
    with (folder / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            draft = archive.with_suffix(".draft.tar")
            subprocess.run([*command, str(draft)], check=True, capture_output=True, text=True)
            draft.rename(archive)
        archive.touch()
        newest = sorted(folder.glob("*.tar"), key=lambda file: file.stat().st_mtime)
        for old in newest[:-_KEPT]:
            old.unlink()
    return archive


def make_repository(name: str, folder: Path, *, settings: str = "") -> SampleRepository:
    """Create a git repository in `folder` whose only commit is the application `name`.

    With `settings` its .prevs.toml has these.
    """
    made = SampleRepository(folder)
    shutil.copytree(_APPS / name, folder, dirs_exist_ok=True)
    if settings:
        (folder / ".prevs.toml").write_text(settings)
    made.git("add", "--all")
    made.git("commit", "--quiet", "--message", f"Write {name}")
    return made
