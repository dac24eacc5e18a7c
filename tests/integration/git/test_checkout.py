"""executor/checkout.py with a real git, and a repository that misbehaves."""

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.checkout import GitCheckout, Source
from executor.errors import CommitMissing, RepositoryUnreachable, Stopped
from executor.signals import StopSignal
from tests.fakes.attempts import MemoryLog
from tests.fakes.samples import SampleRepository
from tests.integration.git.checkouts import processes
from tests.waits import wait_until

pytestmark = pytest.mark.integration

LIMIT = 30.0


class World:
    """A repository, and the folder of an agent."""

    def __init__(self, folder: Path) -> None:
        self.repository = SampleRepository(folder / "repository")
        self.folder = folder / "agent"
        self.signals = StopSignal()
        self.log = MemoryLog()

    def checkout(self, sha: str, address: str | None = None, name: str = "task") -> GitCheckout:
        return GitCheckout(
            self.folder,
            Source(address or str(self.repository.folder), sha, name),
            signals=self.signals,
            log=self.log,
            environ=os.environ,
        )

    def files(self, sha: str) -> dict[str, str]:
        """Return the regular files of a commit, as a checkout has them."""
        with self.checkout(sha).tree(limit=LIMIT) as tree:
            found = [path for path in tree.rglob("*") if path.is_file() and not path.is_symlink()]
            return {str(path.relative_to(tree)): path.read_text() for path in found}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_commit_has_its_own_files_and_no_repository(world: World) -> None:
    first = world.repository.commit({"Dockerfile": "one", "src/a": "a"})
    second = world.repository.commit({"Dockerfile": "two"})
    assert world.files(first) == {"Dockerfile": "one", "src/a": "a"}
    assert world.files(second) == {"Dockerfile": "two"}


def test_nothing_of_a_tree_is_left_when_it_was_used(world: World) -> None:
    sha = world.repository.commit({"Dockerfile": "one"})
    with world.checkout(sha).tree(limit=LIMIT) as tree:
        assert tree.is_dir()
    assert list((world.folder / "trees").iterdir()) == []


def test_a_commit_that_the_mirror_has_needs_no_repository(world: World) -> None:
    first = world.repository.commit({"a": "1"})
    second = world.repository.commit({"a": "2"})
    assert world.files(second) == {"a": "2"}
    shutil.rmtree(world.repository.folder)
    assert world.files(first) == {"a": "1"}


def test_a_new_commit_is_fetched(world: World) -> None:
    world.files(world.repository.commit({"a": "1"}))
    assert world.files(world.repository.commit({"a": "2"})) == {"a": "2"}


def test_a_commit_of_a_tag_is_found_and_one_of_another_ref_is_not(world: World) -> None:
    world.repository.commit({"a": "main"})
    world.repository.git("checkout", "--quiet", "--detach")
    tagged = world.repository.commit({"a": "tag"})
    world.repository.git("tag", "v1")
    hidden = world.repository.commit({"a": "hidden"})
    world.repository.git("update-ref", "refs/pull/1/head", hidden)
    world.repository.git("checkout", "--quiet", "main")
    assert world.files(tagged) == {"a": "tag"}
    with pytest.raises(CommitMissing, match=r"no branch or tag"):
        world.files(hidden)


def test_branches_that_moved_or_changed_their_kind_are_followed(world: World) -> None:
    world.repository.commit({"a": "1"})
    world.repository.git("branch", "topic")
    world.files(world.repository.git("rev-parse", "main"))
    world.repository.git("branch", "-D", "topic")
    world.repository.git("branch", "topic/sub")
    world.repository.git("checkout", "--quiet", "--orphan", "other")
    rewritten = world.repository.commit({"a": "rewritten"})
    world.repository.git("branch", "--force", "main", rewritten)
    assert world.files(rewritten) == {"a": "rewritten"}


def test_links_stay_links_and_nothing_is_written_through_them(world: World) -> None:
    sha = world.repository.commit({"out": "-> /etc/passwd", "up": "-> ../..", "a": "1"})
    with world.checkout(sha).tree(limit=LIMIT) as tree:
        assert (tree / "out").is_symlink()
        assert (tree / "up").is_symlink()
        assert sorted(path.name for path in tree.iterdir()) == ["a", "out", "up"]


def test_all_files_are_there_whatever_the_repository_says_of_archives(world: World) -> None:
    files = {".gitattributes": "Dockerfile export-ignore\na export-subst\n", "Dockerfile": "F"}
    sha = world.repository.commit({**files, "a": "$Format:%H$"})
    assert world.files(sha) == {**files, "a": "$Format:%H$"}


def test_pointers_of_large_files_stay_pointers(world: World) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    attributes = "*.bin filter=lfs diff=lfs merge=lfs -text\n"
    sha = world.repository.commit({".gitattributes": attributes, "a.bin": pointer})
    assert world.files(sha)["a.bin"] == pointer


def test_no_hook_runs(world: World, tmp_path: Path) -> None:
    sha = world.repository.commit({"a": "1"})
    world.files(sha)
    (mirror,) = (world.folder / "mirrors").iterdir()
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        hook = mirror / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        hook.chmod(0o755)
    world.files(world.repository.commit({"a": "2"}))
    assert not (tmp_path / "ran").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to another user")
def test_a_repository_of_another_user_can_be_read(world: World) -> None:
    sha = world.repository.commit({"a": "1"})
    for path in [world.repository.folder, *world.repository.folder.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    assert world.files(sha) == {"a": "1"}


def test_a_repository_that_is_not_there_is_told_with_gits_reason(world: World) -> None:
    with (
        pytest.raises(RepositoryUnreachable, match="does not appear to be a git repository"),
        world.checkout("0" * 40, "/nowhere/x.git").tree(limit=LIMIT),
    ):
        pytest.fail("there is no tree")


@pytest.mark.parametrize("address", ["ext::sh -c touch% {0}", "--upload-pack=touch {0}", "fd::17"])
def test_an_address_runs_no_command(world: World, tmp_path: Path, address: str) -> None:
    sha = "0" * 40
    with (
        pytest.raises(RepositoryUnreachable),
        world.checkout(sha, address.format(tmp_path / "ran")).tree(limit=LIMIT),
    ):
        pytest.fail("there is no tree")
    assert not (tmp_path / "ran").exists()


def test_a_reason_shows_no_password(world: World, silent_server: str) -> None:
    address = silent_server.replace("git://", "http://bob:s3cret@")
    with (
        pytest.raises(RepositoryUnreachable) as caught,
        world.checkout("0" * 40, address).tree(limit=0.5),
    ):
        pytest.fail("there is no tree")
    assert "s3cret" not in str(caught.value)


def test_what_a_killed_git_left_does_not_stop_the_next(world: World) -> None:
    world.files(world.repository.commit({"a": "1"}))
    (mirror,) = (world.folder / "mirrors").iterdir()
    (mirror / "packed-refs.lock").touch()
    (mirror / "refs" / "heads" / "main.lock").touch()
    (mirror / "shallow.lock").touch()
    assert world.files(world.repository.commit({"a": "2"})) == {"a": "2"}


def test_a_mirror_that_was_fetched_into_often_has_few_packs(world: World) -> None:
    commits = []
    for number in range(25):
        commits.append(world.repository.commit({"Dockerfile": "x", "n": f"{number}"}))
        world.files(commits[-1])
    (mirror,) = (world.folder / "mirrors").iterdir()
    assert len(list(mirror.rglob("*.pack"))) < 10
    shutil.rmtree(world.repository.folder)
    assert [world.files(sha)["n"] for sha in commits] == [str(number) for number in range(25)]
    fsck = ["git", "-C", str(mirror), "fsck", "--full", "--strict"]
    assert subprocess.run(fsck, check=False, capture_output=True).returncode == 0


def test_two_attempts_read_a_repository_one_after_the_other(world: World) -> None:
    sha = world.repository.commit({"a": "1"})
    trees: list[str] = []

    def read(name: str) -> None:
        with world.checkout(sha, name=name).tree(limit=LIMIT) as tree:
            trees.append((tree / "a").read_text())

    threads = [threading.Thread(target=read, args=(f"task-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trees == ["1"] * 4


@pytest.fixture
def silent_server() -> Iterator[str]:
    """A git:// address that accepts connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"git://127.0.0.1:{server.getsockname()[1]}/x.git"


def test_a_repository_that_says_nothing_is_given_up_at_the_limit(
    world: World, silent_server: str
) -> None:
    began = time.monotonic()
    with (
        pytest.raises(RepositoryUnreachable, match="too long"),
        world.checkout("0" * 40, silent_server).tree(limit=0.5),
    ):
        pytest.fail("there is no tree")
    assert time.monotonic() - began < 30
    assert processes(silent_server) == []


def test_who_waited_for_another_has_its_whole_limit_all_the_same(
    world: World, silent_server: str
) -> None:
    ends: dict[str, float] = {}

    def fetch(name: str, limit: float) -> None:
        with (
            pytest.raises(RepositoryUnreachable, match="too long"),
            world.checkout("0" * 40, silent_server, name).tree(limit=limit),
        ):
            pytest.fail("there is no tree")
        ends[name] = time.monotonic()

    first = threading.Thread(target=fetch, args=("first", 4.0))
    first.start()
    wait_until(lambda: processes(silent_server))
    fetch("second", 3.0)
    first.join()
    assert ends["second"] - ends["first"] > 1.0


def test_a_stop_ends_the_fetch_and_its_processes(world: World, silent_server: str) -> None:
    def stop() -> None:
        wait_until(lambda: processes(silent_server))
        world.signals.stop(5.0)

    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(Stopped), world.checkout("0" * 40, silent_server).tree(limit=LIMIT):
        pytest.fail("there is no tree")
    stopper.join()
    assert processes(silent_server) == []
