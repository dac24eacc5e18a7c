"""Repositories that people push to, for all tests of mirrors."""

import dataclasses
import os
import subprocess
from pathlib import Path

import pytest

from framework.errors import UnknownLabel
from framework.git.mirrors import Mirrors
from prevs.records import AppRecord

_IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "2025-11-25T12:00:00Z",
    "GIT_COMMITTER_DATE": "2025-11-25T12:00:00Z",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}


class Clock:
    """Moves when a test says so, and a little with every reading, as a real clock does."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1e-6
        return self.now


@dataclasses.dataclass
class Source:
    """A repository that people push to."""

    folder: Path

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.folder), "-c", "maintenance.auto=false", *arguments]
        env = {**os.environ, **_IDENTITY}
        done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, subject: str) -> str:
        """Commit; each commit has a Dockerfile, so that it may start."""
        (self.folder / "Dockerfile").write_text("FROM scratch\n")
        self.git("add", "Dockerfile")
        self.git("commit", "--quiet", "--allow-empty", "-m", subject)
        return self.git("rev-parse", "HEAD")


def why_unknown(mirrors: Mirrors, app: AppRecord, label: str) -> str:
    with pytest.raises(UnknownLabel) as raised:
        mirrors.resolve(app, label)
    return str(raised.value)
