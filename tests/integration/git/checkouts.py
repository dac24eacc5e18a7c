"""Checkouts of an agent, from repositories on servers of the tests."""

import contextlib
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import trustme

from executor.errors import ExecutorError, Stopped
from executor.git.checkout import GitCheckout, Source
from executor.git.foreign_hosts import ForeignHosts, Place
from executor.limits.confinement import Confinement
from executor.signals import StopSignal
from prevs.messages import Credential
from tests.fakes.attempts import MemoryLog
from tests.fakes.samples import SampleRepository
from tests.integration.git.git_servers import TOKEN, USER, HttpsRepositories
from tests.waits import wait_until

LIMIT = 60.0
GOOD = Credential(username=USER, password=TOKEN)


class Agent:
    """An agent's folder, and what a checkout there gives."""

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.signals = StopSignal()
        self.log = MemoryLog()
        self.environ = environ or os.environ
        # Other hosts of tests are on loopback, which is closed: test_foreign_hosts.py.
        loopback = [Place("127.0.0.1")]
        self.hosts = ForeignHosts(Confinement(), {}, resolve=lambda *_: loopback, never=())

    def checkout(
        self,
        address: str,
        sha: str,
        credential: Credential | None = None,
        *,
        task: str = "task",
        ref: str = "",
        trusted: bool = True,
    ) -> GitCheckout:
        return GitCheckout(
            self.folder,
            Source(address, sha, task, credential, ref, trusted=trusted),
            signals=self.signals,
            log=self.log,
            environ=self.environ,
            hosts=self.hosts,
        )

    def files(
        self, address: str, sha: str, credential: Credential | None = None, limit: float = LIMIT
    ) -> dict[str, str]:
        """Return the regular files of a commit, as a checkout has them."""
        with self.checkout(address, sha, credential).tree(limit=limit) as tree:
            found = [path for path in tree.rglob("*") if path.is_file() and not path.is_symlink()]
            return {str(path.relative_to(tree)): path.read_text() for path in found}

    def failure(
        self, address: str, sha: str, credential: Credential | None = None, limit: float = LIMIT
    ) -> ExecutorError:
        """Return the reason why there are no files."""
        with pytest.raises(ExecutorError) as raised:
            self.files(address, sha, credential, limit)
        return raised.value

    def stop_once(
        self, until: Callable[[], object], address: str, sha: str, credential: Credential | None
    ) -> None:
        """Stop a checkout once a condition holds; check that nothing is left of it."""

        def stop() -> None:
            wait_until(until)
            self.signals.stop(5.0)

        stopper = threading.Thread(target=stop)
        stopper.start()
        with pytest.raises(Stopped):
            self.files(address, sha, credential)
        stopper.join()
        assert processes(address) == []
        assert list((self.folder / "trees").iterdir()) == []

    def holds(self, secret: str) -> list[Path]:
        """Return the files of this agent that contain a secret.

        Checkouts that have ended are removed meanwhile, so what is listed may be gone.
        """
        found = [Path(at, name) for at, _, names in os.walk(self.folder) for name in names]
        return [path for path in found if secret.encode() in _read_if_there(path)]

    @property
    def mirrors(self) -> list[Path]:
        return sorted((self.folder / "mirrors").iterdir())


def _read_if_there(path: Path) -> bytes:
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes() if path.is_file() else b""
    return b""


@contextlib.contextmanager
def https(root: Path, authority: trustme.CA, protocol: str = "") -> Iterator[HttpsRepositories]:
    """Serve the repositories of a folder while the context lasts."""
    served = HttpsRepositories(root, authority, protocol=protocol)
    try:
        yield served
    finally:
        served.stop()


def link(repository: SampleRepository, url: str, path: str, sha: str, *more: str) -> str:
    """Commit a submodule as it is given, without git looking at it; return the commit's id."""
    lines = "".join(f"\t{line}\n" for line in (f"path = {path}", f"url = {url}", *more))
    modules = repository.folder / ".gitmodules"
    before = modules.read_text() if modules.exists() else ""
    modules.write_text(f'{before}[submodule "{path}"]\n{lines}')
    repository.git("add", ".gitmodules")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{sha},{path.strip('/')}")
    repository.git("commit", "--quiet", "--message", "Add a submodule")
    return repository.git("rev-parse", "HEAD")


def processes(text: str) -> list[str]:
    """Return the command lines of this machine that have a text in them."""
    command = ["ps", "-ewwo", "args"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line for line in listed.splitlines() if text in line]


def processes_below(folder: Path) -> list[str]:
    """Return the command lines of the processes whose working folder is there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended in the meantime
            if (process / "cwd").readlink().is_relative_to(folder):
                words = (process / "cmdline").read_bytes().rstrip(b"\0")
                found.append(words.replace(b"\0", b" ").decode(errors="replace"))
    return found
