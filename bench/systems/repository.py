"""Git repositories for benches: one, and two whose commits differ by rule."""

import subprocess
from pathlib import Path

from bench.harness.errors import BenchError

_IDENTITY = ("-c", "user.name=prevs", "-c", "user.email=prevs@localhost")

_SMALL_DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
COPY www /www
CMD ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]
"""

_DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
COPY base /base
RUN cp /base /installed && md5sum /installed > /sum
COPY www /www
CMD ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]
"""
_BASE = 5_000_000
"""The size of the stand-in for an app's dependencies: random bytes, which do not compress."""


class Repository:
    """A new repository in `folder`, on the branch main. All of it raises BenchError.

    It has a Dockerfile, without which nothing starts; whoever builds writes another.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self._git("init", "--quiet", "--initial-branch=main")
        (folder / "Dockerfile").write_text("FROM scratch\n")

    def commit(self, message: str) -> str:
        """Commit all files of the folder, changed or not; return the commit."""
        self._git("add", "--all")
        self._git(*_IDENTITY, "commit", "--quiet", "--allow-empty", "--message", message)
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *args: str) -> str:
        command = ["git", "-C", str(self.folder), *args]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise BenchError(f"`git {' '.join(args)}` failed: {done.stderr.strip()}")
        return done.stdout


class Versions:
    """Every commit is new to every cache: no layer of its image is known.

    The repository in `folder`. `stamp` makes this run's commits differ from those of others.
    """

    def __init__(self, folder: Path, busybox: Path, stamp: str) -> None:
        self.folder = folder
        self._busybox = busybox.read_bytes()
        self._stamp = stamp
        self._repository = Repository(folder)

    def commit(self, name: str) -> str:
        """Commit the version `name`; return the commit."""
        self.write(name, self.folder)
        return self._repository.commit(name)

    def write(self, name: str, folder: Path) -> None:
        """Write the files of the version `name`, whose page is `page(name)`, to a folder."""
        (folder / "www").mkdir(exist_ok=True)
        (folder / "www" / "index.html").write_text(self.page(name))
        # Bytes after the end of a program change nothing but its hash.
        program = folder / "busybox"
        program.write_bytes(self._busybox + self.page(name).encode())
        program.chmod(0o755)
        (folder / "Dockerfile").write_text(_SMALL_DOCKERFILE)

    def page(self, name: str) -> str:
        """Return the page of the version `name`."""
        return f"{self._stamp} {name}\n"


class Tree:
    """Versions share a base and differ in one line, like those of a team.

    The repository in `folder`. `stamp` makes this run's commits differ from those of others.
    """

    def __init__(self, folder: Path, busybox: Path, stamp: str) -> None:
        self._folder = folder
        self._busybox = busybox.read_bytes()
        self._stamp = stamp
        self._bases: dict[str, bytes] = {}
        self._repository = Repository(folder)

    def commit(self, name: str, base: str) -> tuple[str, str]:
        """Commit a version; return the commit and its page.

        Versions of one `base` differ in one line; those of others also in the large file.
        """
        page = self.write(self._folder, name, base)
        return self._repository.commit(name), page

    def write(self, folder: Path, name: str, base: str) -> str:
        """Write a version to a folder; return its page."""
        page = f"{self._stamp} {name}\n"
        (folder / "www").mkdir(exist_ok=True, parents=True)
        (folder / "www" / "index.html").write_text(page)
        (folder / "busybox").write_bytes(self._busybox)
        (folder / "busybox").chmod(0o755)
        (folder / "base").write_bytes(self._base(base))
        (folder / "Dockerfile").write_text(_DOCKERFILE)
        return page

    def _base(self, name: str) -> bytes:
        if name not in self._bases:
            with Path("/dev/urandom").open("rb") as random:
                self._bases = {name: random.read(_BASE)}
        return self._bases[name]
