"""executor/git/checkout.py with a real git, and a repository that misbehaves."""

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from executor.errors import CommitMissing, RepositoryUnreachable
from tests.fakes.samples import SampleRepository
from tests.integration.git.checkouts import LIMIT, Agent, link, processes
from tests.waits import wait_until

pytestmark = pytest.mark.integration


class World(Agent):
    """An agent, and the repository that it reads."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "agent")
        self.repository = SampleRepository(folder / "repository")

    def read(self, sha: str) -> dict[str, str]:
        """Return the regular files of a commit."""
        return self.files(str(self.repository.folder), sha)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_commits_tree_has_its_files_and_no_repository(world: World) -> None:
    first = world.repository.commit({"Dockerfile": "one", "src/a": "a"})
    second = world.repository.commit({"Dockerfile": "two"})
    assert world.read(first) == {"Dockerfile": "one", "src/a": "a"}
    assert world.read(second) == {"Dockerfile": "two"}
    trees = world.folder / "trees"
    wait_until(lambda: not list(trees.iterdir()) or None, "the trees to be removed")


def test_a_commit_that_the_mirror_has_needs_no_repository(world: World) -> None:
    first = world.repository.commit({"a": "1"})
    second = world.repository.commit({"a": "2"})
    assert world.read(second) == {"a": "2"}
    shutil.rmtree(world.repository.folder)
    assert world.read(first) == {"a": "1"}


def test_a_checkout_takes_nothing_from_other_repositories_of_the_agent(world: World) -> None:
    """Otherwise an app without access to that repository would get it here."""
    secret = world.repository.commit({"a": "secret"})
    world.read(secret)
    [mirror] = world.mirrors
    (world.folder.parent / "link").symlink_to(mirror)
    for address in (str(mirror), f"file://{mirror}", str(world.folder.parent / "link")):
        failure = world.failure(address, secret)
        assert isinstance(failure, RepositoryUnreachable)
        assert "in a folder of prevs itself" in str(failure)
    beside = SampleRepository(world.folder.parent / "beside")
    beside.commit({"b": "1"})
    sha = link(beside, str(mirror), "library", secret)
    assert "neither in the app's repository nor" in str(world.failure(str(beside.folder), sha))


def test_a_commit_of_a_tag_is_found_and_one_of_another_ref_is_not(world: World) -> None:
    world.repository.commit({"a": "main"})
    world.repository.git("checkout", "--quiet", "--detach")
    tagged = world.repository.commit({"a": "tag"})
    world.repository.git("tag", "v1")
    hidden = world.repository.commit({"a": "hidden"})
    world.repository.git("update-ref", "refs/pull/1/head", hidden)
    world.repository.git("checkout", "--quiet", "main")
    assert world.read(tagged) == {"a": "tag"}
    with pytest.raises(CommitMissing, match=r"no longer on any branch or tag"):
        world.read(hidden)


def test_branches_that_moved_or_changed_their_kind_are_followed(world: World) -> None:
    world.repository.commit({"a": "1"})
    world.repository.git("branch", "topic")
    world.read(world.repository.git("rev-parse", "main"))
    world.repository.git("branch", "-D", "topic")
    world.repository.git("branch", "topic/sub")
    world.repository.git("checkout", "--quiet", "--orphan", "other")
    rewritten = world.repository.commit({"a": "rewritten"})
    world.repository.git("branch", "--force", "main", rewritten)
    assert world.read(rewritten) == {"a": "rewritten"}


def test_links_stay_links_and_nothing_is_written_through_them(world: World) -> None:
    sha = world.repository.commit({"out": "-> /etc/passwd", "up": "-> ../..", "a": "1"})
    with world.checkout(str(world.repository.folder), sha).tree(limit=LIMIT) as tree:
        assert (tree / "out").is_symlink()
        assert (tree / "up").is_symlink()
        assert sorted(path.name for path in tree.iterdir()) == ["a", "out", "up"]


def test_all_files_are_there_regardless_of_export_attributes(world: World) -> None:
    files = {".gitattributes": "Dockerfile export-ignore\na export-subst\n", "Dockerfile": "F"}
    sha = world.repository.commit({**files, "a": "$Format:%H$"})
    assert world.read(sha) == {**files, "a": "$Format:%H$"}


def test_pointers_of_large_files_stay_pointers(world: World) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    attributes = "*.bin filter=lfs diff=lfs merge=lfs -text\n"
    sha = world.repository.commit({".gitattributes": attributes, "a.bin": pointer})
    assert world.read(sha)["a.bin"] == pointer


def test_no_hook_runs(world: World, tmp_path: Path) -> None:
    sha = world.repository.commit({"a": "1"})
    world.read(sha)
    (mirror,) = world.mirrors
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        hook = mirror / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        hook.chmod(0o755)
    world.read(world.repository.commit({"a": "2"}))
    assert not (tmp_path / "ran").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to another user")
def test_a_repository_of_another_user_can_be_read(world: World) -> None:
    sha = world.repository.commit({"a": "1"})
    for path in [world.repository.folder, *world.repository.folder.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    assert world.read(sha) == {"a": "1"}


def test_a_missing_repository_is_reported_with_gits_reason(world: World) -> None:
    why = world.failure("/nowhere/x.git", "0" * 40)
    assert isinstance(why, RepositoryUnreachable)
    assert "does not appear to be a git repository" in str(why)


@pytest.mark.parametrize("address", ["ext::sh -c touch% {0}", "--upload-pack=touch {0}", "fd::17"])
def test_an_address_runs_no_command(world: World, tmp_path: Path, address: str) -> None:
    why = world.failure(address.format(tmp_path / "ran"), "0" * 40)
    assert isinstance(why, RepositoryUnreachable)
    assert not (tmp_path / "ran").exists()


def test_a_reason_shows_no_password(world: World, silent_server: str) -> None:
    address = silent_server.replace("git://", "http://bob:s3cret@")
    why = world.failure(address, "0" * 40, limit=0.5)
    assert isinstance(why, RepositoryUnreachable)
    assert "s3cret" not in str(why)


def test_files_left_by_a_killed_git_do_not_stop_the_next(world: World) -> None:
    world.read(world.repository.commit({"a": "1"}))
    (mirror,) = world.mirrors
    (mirror / "packed-refs.lock").touch()
    (mirror / "refs" / "heads" / "main.lock").touch()
    (mirror / "shallow.lock").touch()
    assert world.read(world.repository.commit({"a": "2"})) == {"a": "2"}


def test_a_mirror_after_many_fetches_has_few_packs(world: World) -> None:
    commits = []
    for number in range(25):
        commits.append(world.repository.commit({"Dockerfile": "x", "n": f"{number}"}))
        world.read(commits[-1])
    (mirror,) = world.mirrors
    assert len(list(mirror.rglob("*.pack"))) < 10
    shutil.rmtree(world.repository.folder)
    assert [world.read(sha)["n"] for sha in commits] == [str(number) for number in range(25)]
    fsck = ["git", "-C", str(mirror), "fsck", "--full", "--strict"]
    assert subprocess.run(fsck, check=False, capture_output=True).returncode == 0


def test_several_attempts_read_a_repository_one_after_the_other(world: World) -> None:
    address, sha = str(world.repository.folder), world.repository.commit({"a": "1"})

    def read(name: str) -> str:
        with world.checkout(address, sha, task=name).tree(limit=LIMIT) as tree:
            return (tree / "a").read_text()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, "abcd")) == ["1"] * 4


@pytest.fixture
def silent_server() -> Iterator[str]:
    """A git:// address that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"git://127.0.0.1:{server.getsockname()[1]}/x.git"


def test_a_silent_repository_is_given_up_at_the_limit(world: World, silent_server: str) -> None:
    began = time.monotonic()
    assert "too long" in str(world.failure(silent_server, "0" * 40, limit=0.5))
    assert time.monotonic() - began < 30
    assert processes(silent_server) == []


def test_a_checkout_that_waited_for_another_still_has_its_whole_limit(
    world: World, silent_server: str
) -> None:
    ends: dict[str, float] = {}

    def fetch(name: str, limit: float) -> None:
        with (
            pytest.raises(RepositoryUnreachable, match="too long"),
            world.checkout(silent_server, "0" * 40, task=name).tree(limit=limit),
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
    world.stop_once(lambda: processes(silent_server), silent_server, "0" * 40, None)
