"""Mirrors of real git repositories, which change and break."""

import dataclasses
import os
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from framework.errors import RepositoryUnreachable
from framework.git.git_command import GitCommand, GitFailed
from framework.git.manifest_reader import find_lead
from framework.git.mirror import Mirror
from framework.git.mirrors import Mirrors
from framework.git.resolution import Ref
from prevs import names
from prevs.records import AppRecord
from tests.integration.git.refs.sources import Clock, Source, why_unknown
from tests.waits import wait_until

pytestmark = pytest.mark.integration


def test_a_branch_that_was_just_pushed_is_found(
    source: Source, mirrors: Mirrors, app: AppRecord
) -> None:
    source.commit("Begin")
    mirrors.resolve(app, "main")
    source.git("branch", "later", source.commit("Go on"))
    assert mirrors.resolve(app, "later").subject == "Go on"


def test_a_branch_that_was_removed_or_replaced_by_a_folder_is_gone(
    source: Source, mirrors: Mirrors, app: AppRecord, clock: Clock
) -> None:
    sha = source.commit("Begin")
    source.git("branch", "topic")
    heads = mirrors.heads(app)
    assert (set(heads.commits), heads.default) == ({"main", "topic"}, "main")
    source.git("branch", "-m", "topic", "topic/one")
    clock.now += 10
    assert mirrors.heads(app).commits == {"main": sha, names.slug("topic/one"): sha}


def test_a_known_label_needs_no_repository_for_two_seconds_and_a_known_commit_never(
    source: Source, mirrors: Mirrors, app: AppRecord, clock: Clock, tmp_path: Path
) -> None:
    sha = source.commit("Begin")
    mirrors.resolve(app, "main")
    source.folder.rename(tmp_path / "moved")
    assert mirrors.resolve(app, "main").sha == sha
    clock.now += 2.1
    assert "cannot be read" in mirrors.resolve(app, "main").problem
    away = find_lead(mirrors, app, "main")
    assert isinstance(away, RepositoryUnreachable)
    assert str(away) == mirrors.resolve(app, "main").problem
    assert mirrors.resolve(app, sha).sha == sha
    assert mirrors.resolve(app, sha).problem == ""
    reopened = Mirrors(tmp_path / "mirrors", clock)
    assert reopened.resolve(app, sha).sha == sha


def test_the_branches_of_a_commit_are_read_again_for_each_start(
    source: Source, mirrors: Mirrors, app: AppRecord, clock: Clock, tmp_path: Path
) -> None:
    first = source.commit("Begin")
    mirrors.resolve(app, "main")
    source.commit("Go on")
    clock.now += 60
    assert mirrors.resolve(app, first).refs == ("heads/main",)
    assert mirrors.resolve(app, first, fresh=True).refs == ()
    source.folder.rename(tmp_path / "moved")
    clock.now += 60
    assert mirrors.resolve(app, first, fresh=True).refs == (), "the known state is used"


def test_a_changed_repository_is_followed_and_the_old_one_never_answers(
    source: Source, mirrors: Mirrors, app: AppRecord, tmp_path: Path
) -> None:
    old = source.commit("Of the old one")
    mirrors.resolve(app, "main")
    other = tmp_path / "other"
    subprocess.run(["git", "init", "--quiet", "-b", "main", str(other)], check=True)
    new = Source(other).commit("Of the new one")
    moved = dataclasses.replace(app, repository=str(other))
    assert mirrors.resolve(moved, "main").sha == new
    assert "begins with it" in why_unknown(mirrors, moved, old)
    assert len(list((tmp_path / "mirrors" / "hello").iterdir())) == 1


def test_a_forgotten_app_leaves_nothing(
    source: Source, mirrors: Mirrors, app: AppRecord, tmp_path: Path
) -> None:
    source.commit("Begin")
    mirrors.resolve(app, "main")
    mirrors.forget("hello")
    mirrors.forget("never-there")
    mirrors.forget("..")
    assert [one.name for one in (tmp_path / "mirrors").iterdir()] == ["gitconfig"]
    assert mirrors.resolve(app, "main").subject == "Begin"


class CountingGit(GitCommand):
    """Holds up every fetch until `asked` callers wait for one."""

    def __init__(self, folder: Path, waiting: threading.Semaphore) -> None:
        super().__init__(folder)
        self.fetches = 0
        self._waiting = waiting

    def run(self, repository: Path, arguments: Sequence[str], *, limit: int) -> tuple[str, str]:
        if arguments[0] == "fetch":
            self.fetches += 1
            if self.fetches == 1:
                for _ in range(EXPECTED):
                    assert self._waiting.acquire(timeout=60), "the callers do not wait"
        return super().run(repository, arguments, limit=limit)


def test_an_app_that_is_removed_during_its_fetch_leaves_nothing_and_is_fetched_no_more(
    source: Source, tmp_path: Path
) -> None:
    source.commit("Begin")
    permits = threading.Semaphore(0)
    git = CountingGit(tmp_path, permits)
    mirror = Mirror(tmp_path / "mirror.git", str(source.folder), git, time.monotonic)
    with ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(mirror.fetch)
        wait_until(lambda: git.fetches)
        mirror.retire()
        permits.release(EXPECTED)
        with pytest.raises(GitFailed):
            fetching.result()
    assert git.fetches == 1
    assert not mirror.folder.exists()


CALLERS = 12
EXPECTED = CALLERS + 1
"""How often the time is looked at until all wait: by each, and by the first fetch itself."""


def test_callers_that_wait_share_the_next_fetch(source: Source, tmp_path: Path) -> None:
    sha = source.commit("Begin")
    permits = threading.Semaphore(0)
    git = CountingGit(tmp_path, permits)

    def look_at_clock() -> float:
        now = time.monotonic()
        permits.release()
        return now

    mirror = Mirror(tmp_path / "mirror.git", str(source.folder), git, look_at_clock)
    with ThreadPoolExecutor(CALLERS) as pool:
        found = [pool.submit(mirror.fetch) for _ in range(CALLERS)]
        assert {one.result().refs for one in found} == {(Ref("main", "branch", sha),)}
    assert git.fetches <= 2


def test_a_repository_of_another_user_is_read(
    source: Source, mirrors: Mirrors, app: AppRecord
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    sha = source.commit("Begin")
    for path in [source.folder, *source.folder.rglob("*")]:
        os.chown(path, 12345, 12345)
    assert mirrors.resolve(app, "main").sha == sha


def test_a_shallow_clone_can_be_a_repository(
    source: Source, mirrors: Mirrors, tmp_path: Path
) -> None:
    source.commit("Begin")
    sha = source.commit("Go on")
    shallow = tmp_path / "shallow"
    source.git("clone", "--quiet", "--depth=1", f"file://{source.folder}", str(shallow))
    assert mirrors.resolve(AppRecord("shallow", str(shallow)), "main").sha == sha


def test_a_mirror_that_a_killed_git_left_locked_or_damaged_is_repaired(
    source: Source, mirrors: Mirrors, app: AppRecord, clock: Clock, tmp_path: Path
) -> None:
    source.commit("Begin")
    mirrors.resolve(app, "main")
    (mirror,) = (tmp_path / "mirrors" / "hello").iterdir()
    (mirror / "refs" / "heads" / "main.lock").touch()
    sha = source.commit("Go on")
    clock.now += 10
    assert mirrors.resolve(app, "main").sha == sha
    for one in filter(Path.is_file, (mirror / "objects").rglob("*")):
        one.chmod(0o600)
        one.write_bytes(b"")
    sha = source.commit("Go further")
    clock.now += 10
    assert mirrors.resolve(app, "main").sha == sha


def test_git_prompts_for_nothing_and_runs_no_helper_and_no_hook(
    source: Source,
    mirrors: Mirrors,
    app: AppRecord,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    touched = tmp_path / "touched"
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(f'[credential]\n\thelper = "!touch {touched}"\n')
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_ASKPASS", f"touch {touched}")
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "ext")
    source.commit("Begin")
    hook = source.folder / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {touched}\n")
    hook.chmod(0o755)
    mirrors.resolve(app, "main")
    with pytest.raises(RepositoryUnreachable):
        mirrors.resolve(AppRecord("ext", f"ext::touch {touched}"), "main")
    assert not touched.exists()
