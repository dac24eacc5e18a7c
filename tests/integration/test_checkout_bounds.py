"""What a repository may cost an agent: executor/checkout.py with a real git."""

import os
import shutil
from pathlib import Path

import pytest

from tests.fakes.samples import SampleRepository
from tests.integration.checkouts import Agent

pytestmark = pytest.mark.integration

MB = 1024 * 1024


@pytest.fixture
def repository(tmp_path: Path) -> SampleRepository:
    made = SampleRepository(tmp_path / "repository")
    made.git("config", "core.compression", "0")
    return made


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return Agent(tmp_path / "agent")


def limit_git(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each git, and what it starts, fail for want of memory above 32 MB."""
    program = folder / "commands" / "git"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nulimit -d 32768\nexec {shutil.which("git")} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def test_git_holds_no_large_file_in_memory(
    agent: Agent, repository: SampleRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(40 * MB)
    sha = repository.commit({"large": content, "small": "1"})
    limit_git(tmp_path, monkeypatch)
    with agent.checkout(str(repository.folder), sha, None).tree(limit=60) as tree:
        assert (tree / "large").read_bytes() == content
        assert (tree / "small").read_text() == "1"


def test_git_holds_few_versions_of_a_file(
    agent: Agent, repository: SampleRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytearray(os.urandom(6 * MB))
    files: dict[str, str | bytes] = {}
    for number in range(8):
        content[number * MB // 2] ^= 1
        files[f"version-{number}"] = bytes(content)
    sha = repository.commit(files)
    repository.git("repack", "-adfq")
    limit_git(tmp_path, monkeypatch)
    with agent.checkout(str(repository.folder), sha, None).tree(limit=60) as tree:
        assert {path.name: path.read_bytes() for path in tree.iterdir()} == files
