"""The applications of the fault cluster: tiny images, any number of branches, one page each.

A branch `b07` answers `b07` at `/`, and N lines, one each tenth of a second, at `/cgi-bin/slow?N`.
"""

import subprocess
from pathlib import Path

from examples.hello.make_repository import find_busybox, git

_DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
COPY cgi-bin /www/cgi-bin
COPY index.html /www/index.html
CMD ["/bin/busybox", "sh", "-c", "exec /bin/busybox httpd -f -p ${PORT:-8080} -h /www"]
"""
_SLOW = """\
#!/bin/busybox sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
n=0
while [ $n -lt $QUERY_STRING ]; do echo $n; n=$((n + 1)); /bin/busybox usleep 100000; done
"""


class Site:
    """A repository in `folder` and the app that it is registered as."""

    def __init__(self, folder: Path, app: str, branches: int) -> None:
        self.folder = folder
        self.app = app
        self.labels = [f"b{n:02}" for n in range(1, branches + 1)]
        _make(folder, self.labels)
        self._commits = {label: self._read(label) for label in self.labels}

    def commit(self, label: str) -> str:
        """Return the commit of a branch."""
        return self._commits[label]

    @staticmethod
    def page(label: str) -> bytes:
        """Return what a branch answers at `/`."""
        return f"{label}\n".encode()

    def push(self, label: str, page: str) -> str:
        """Move a branch on to a new commit, which answers `page` at `/`; return that."""
        git(self.folder, "checkout", "--quiet", label)
        (self.folder / "index.html").write_text(page)
        git(self.folder, "commit", "--quiet", "--all", "--message", page.strip())
        self._commits[label] = self._read(label)
        return self.commit(label)

    def _read(self, label: str) -> str:
        command = ["git", "-C", str(self.folder), "rev-parse", label]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _make(folder: Path, labels: list[str]) -> None:
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "Dockerfile").write_text(_DOCKERFILE)
    (folder / "busybox").write_bytes(find_busybox().read_bytes())
    (folder / "busybox").chmod(0o755)
    (folder / "cgi-bin").mkdir()
    (folder / "cgi-bin" / "slow").write_text(_SLOW)
    (folder / "cgi-bin" / "slow").chmod(0o755)
    for label in labels:
        (folder / "index.html").write_bytes(Site.page(label))
        git(folder, "checkout", "--quiet", "-B", label)
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", label)
