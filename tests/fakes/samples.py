"""Small real things to test with: images that need no registry, and git repositories."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from docker.api import APIClient
from docker.errors import APIError, NotFound

from tests.waits import wait_until

BUSYBOX = Path(shutil.which("busybox") or "/bin/busybox")
"""Debian's busybox-static: one program without libraries."""

DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
"""

SERVE = 'exec httpd -f -p "$PORT" -h /www'
"""A shell command that serves /www at the port that it is given."""


def find_live(folder: Path, pattern: str) -> list[Path]:
    """Return the entries of a folder in which others create and remove folders meanwhile."""
    found: list[Path] = []

    def look() -> bool:
        with contextlib.suppress(FileNotFoundError):  # Path.glob's, of a folder that has gone
            found[:] = folder.glob(pattern)
            return True
        return False

    wait_until(look)
    return found


class SampleImages:
    """Images of busybox in a real daemon, each with a shell command that it runs."""

    def __init__(self, client: APIClient) -> None:
        self._client = client
        self._tags: list[str] = []

    def add(self, tag: str, command: str, *lines: str) -> str:
        """Make an image that runs a shell command; return its tag. `lines` are a Dockerfile's."""
        name, _, version = tag.partition(":")
        changes = [f"CMD {_json(['/bin/sh', '-c', command])}", *lines]
        self._client.import_image_from_data(
            _root(), repository=name, tag=version or "latest", changes=changes
        )
        self._tags.append(tag)
        return tag

    def own(self, tag: str) -> str:
        """Have an image from elsewhere removed at the end; return its tag."""
        self._tags.append(tag)
        return tag

    def clear(self) -> None:
        """Remove the images."""
        for tag in reversed(self._tags):
            remove_image(self._client, tag)


def remove_image(client: APIClient, tag: str) -> None:
    """Remove an image, if it is there."""
    with contextlib.suppress(NotFound):
        client.remove_image(tag, force=True)


@contextlib.contextmanager
def nothing_left(client: APIClient, label: str) -> Iterator[None]:
    """Remove the containers of a label when the context ends."""
    try:
        yield
    finally:
        for found in client.containers(all=True, filters={"label": label}):
            with contextlib.suppress(APIError):
                client.remove_container(found["Id"], force=True, v=True)


_CHEAPLY = ("-c", "maintenance.auto=false", "-c", "core.compression=0")


class SampleRepository:
    """A git repository whose commits are files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--template=", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        """Run git here; return its output."""
        environ = {
            **os.environ,
            # Debian's git-lfs would change the added files.
            "GIT_CONFIG_NOSYSTEM": "1",
            **{f"GIT_{who}_{what}": "t@example.org" for who in _WHO for what in ("NAME", "EMAIL")},
        }
        done = subprocess.run(
            ["git", "-C", str(self.folder), *_CHEAPLY, *arguments],
            env=environ,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str | bytes]) -> str:
        """Commit exactly these files; return the commit's id. A target `-> x` makes a link."""
        for old in self.folder.iterdir():
            if old.name != ".git":
                shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
                path.chmod(0o755)
            elif content.startswith("-> "):
                path.symlink_to(content[3:])
            else:
                path.write_text(content)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A commit")
        return self.git("rev-parse", "HEAD")

    def commit_app(
        self, more: Sequence[str], files: Mapping[str, str | bytes] | None = None
    ) -> str:
        """Commit busybox and a Dockerfile with `more` lines; return the commit's id."""
        dockerfile = DOCKERFILE + "\n".join(more) + "\n"
        return self.commit(
            {"busybox": BUSYBOX.read_bytes(), "Dockerfile": dockerfile, **(files or {})}
        )


_WHO = ("AUTHOR", "COMMITTER")


def serving(text: str) -> Sequence[str]:
    """Return lines of a Dockerfile: an app that answers / with `text`."""
    return [
        f"RUN mkdir -p /www && echo '{text}' > /www/index.html",
        f"CMD {_json(['/bin/sh', '-c', SERVE])}",
    ]


def _root() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(BUSYBOX, "bin/busybox")
        for applet in ("sh", "httpd", "sleep", "echo", "wget", "tail", "mkdir", "cat", "nc", "dd"):
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        page = b"hello\n"
        index = tarfile.TarInfo("www/index.html")
        index.size = len(page)
        tar.addfile(index, io.BytesIO(page))
    return buffer.getvalue()


def _json(words: Sequence[str]) -> str:
    return json.dumps(words)
