"""A git repository for a bench."""

import subprocess
from pathlib import Path

from bench.harness.errors import BenchError

_IDENTITY = ("-c", "user.name=prevs", "-c", "user.email=prevs@localhost")


class Repository:
    """A new repository in `folder`, on the branch main. All of it raises BenchError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self._git("init", "--quiet", "--initial-branch=main")

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
