"""The small real applications of tests/apps: their repositories, and the image that they build on.

The image is of Debian packages alone. Its files are kept in the user's cache from run to run, and
made anew when they are of other packages; the image itself goes when a run ends.
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
"""What their Dockerfiles begin with."""

_APPS = Path(__file__).with_name("apps")
_SUITE = "trixie"
_PACKAGES = (
    *("python3-flask", "python3-django", "python3-grpcio", "gunicorn"),
    *("nodejs", "node-express", "node-ws", "esbuild"),
    *("gcc", "libc6-dev", "busybox-static"),
)
_LEAN = (
    *("--variant=minbase", '--aptopt=APT::Install-Recommends "false"'),
    *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "locale", "man")),
)
_KEPT = 3
"""How many of the last images' files stay in the cache: two branches may have other packages, and
there is one that the images of ours are built on."""


@contextlib.contextmanager
def base_image(docker: APIClient) -> Iterator[None]:
    """Have the image in a daemon until the context ends. Blocks for a minute the first time."""
    repository, tag = BASE, "latest"
    docker.import_image_from_file(str(base_archive()), repository=repository, tag=tag)
    try:
        yield
    finally:
        remove_image(docker, f"{repository}:{tag}")


def base_archive(packages: Sequence[str] = _PACKAGES) -> Path:
    """Return a tar archive of an image's files. Blocks for a minute where there is none yet."""
    command = ["mmdebstrap", "--quiet", *_LEAN, f"--include={','.join(packages)}", _SUITE]
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


def make_repository(name: str, folder: Path) -> SampleRepository:
    """Make a git repository in `folder` whose only commit is the application `name`."""
    made = SampleRepository(folder)
    shutil.copytree(_APPS / name, folder, dirs_exist_ok=True)
    made.git("add", "--all")
    made.git("commit", "--quiet", "--message", f"Write {name}")
    return made
