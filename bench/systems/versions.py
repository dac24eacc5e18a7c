"""A repository in which every commit is new to every cache: no layer of its image is known."""

from pathlib import Path

from bench.systems.repository import Repository

_DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
COPY www /www
CMD ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]
"""


class Versions:
    """The repository in `folder`. `stamp` makes this run's commits differ from those of others."""

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
        (folder / "Dockerfile").write_text(_DOCKERFILE)

    def page(self, name: str) -> str:
        """Return the page of the version `name`."""
        return f"{self._stamp} {name}\n"
