"""A repository whose versions share a base and differ in one line, like those of a team."""

from pathlib import Path

from bench.systems.repository import Repository

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


class Tree:
    """The repository in `folder`. `stamp` makes this run's commits differ from those of others."""

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
