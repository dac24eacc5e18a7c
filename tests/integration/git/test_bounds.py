"""The limits of a repository on an agent: executor/git/checkout.py with a real git."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from executor.errors import CommitTooLarge
from executor.git import commit_size
from tests.fakes.samples import SampleRepository
from tests.integration.git.checkouts import Agent, link, processes_below
from tests.waits import wait_until

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
    """Make each git and its children fail above 32 MB of memory."""
    program = folder / "commands" / "git"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nulimit -d 32768\nexec {shutil.which("git")} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def test_git_keeps_no_large_file_in_memory(
    agent: Agent, repository: SampleRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(40 * MB)
    sha = repository.commit({"large": content, "small": "1"})
    limit_git(tmp_path, monkeypatch)
    with agent.checkout(str(repository.folder), sha, None).tree(limit=60) as tree:
        assert (tree / "large").read_bytes() == content
        assert (tree / "small").read_text() == "1"


def test_git_keeps_few_versions_of_a_file_in_memory(
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


def fold(repository: SampleRepository, width: int, depth: int) -> str:
    """Commit folders that each contain the next many times; return the commit's id."""

    def store(command: str, text: str) -> str:
        folder = ["git", "-C", str(repository.folder), command, *more.get(command, ())]
        return subprocess.run(
            folder, input=text, check=True, capture_output=True, text=True
        ).stdout.strip()

    more = {"hash-object": ("-w", "--stdin")}
    entry = f"100644 blob {store('hash-object', 'x')}"
    for _ in range(depth):
        tree = store("mktree", "".join(f"{entry}\t{number}\n" for number in range(width)))
        entry = f"040000 tree {tree}"
    sha = repository.git("commit-tree", tree, "-m", "Fold")
    repository.git("update-ref", "refs/heads/main", sha)
    return sha


@pytest.mark.parametrize("depth", [3, 8])
def test_a_small_repository_of_very_many_files_is_not_written(
    agent: Agent, repository: SampleRepository, depth: int
) -> None:
    sha = fold(repository, 100, depth)
    why = agent.failure(str(repository.folder), sha)
    assert isinstance(why, CommitTooLarge)
    assert "200,000 files and folders" in str(why)
    assert list((agent.folder / "trees").iterdir()) == []
    wait_until(lambda: not processes_below(agent.folder))


def test_the_files_of_submodules_are_counted_with_the_commits_own(
    agent: Agent, repository: SampleRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = SampleRepository(tmp_path / "library")
    inner = library.commit({"a": "1", "b": "2"})
    repository.commit({"a": "1"})
    sha = link(repository, "../library", "library", inner)
    # The files, .gitmodules, and the submodule itself.
    monkeypatch.setattr(commit_size, "MOST_FILES", 5)
    assert sorted(agent.files(str(repository.folder), sha)) == [
        *[".gitmodules", "a", "library/a", "library/b"]
    ]
    monkeypatch.setattr(commit_size, "MOST_FILES", 4)
    assert isinstance(agent.failure(str(repository.folder), sha), CommitTooLarge)


def test_large_files_count_before_they_are_requested(
    agent: Agent, repository: SampleRepository
) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize {{}}\n"
    files = {".gitattributes": "*.bin filter=lfs -text\n"}
    sizes = {"a.bin": 5 * 10**9, "b.bin": 4 * 10**9}
    sha = repository.commit({**files, **{name: pointer.format(sizes[name]) for name in sizes}})
    why = agent.failure(str(repository.folder), sha)
    assert isinstance(why, CommitTooLarge)
    assert "8 GB of files" in str(why)
