"""Labels resolved in mirrors of real git repositories."""

import dataclasses
import hashlib
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from framework.errors import AmbiguousLabel, RepositoryUnreachable, UnknownLabel
from framework.refs import Mirrors
from framework.refs.git_command import GitCommand, GitFailed
from framework.refs.mirror import Mirror
from framework.refs.resolution import Ref
from prevs import names
from prevs.records import AppRecord

pytestmark = pytest.mark.integration

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
    """Moves when told, and by a little with every look, as a real one does."""

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
        command = ["git", "-C", str(self.folder), *arguments]
        env = {**os.environ, **_IDENTITY}
        done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, subject: str) -> str:
        self.git("commit", "--quiet", "--allow-empty", "-m", subject)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def source(tmp_path: Path) -> Source:
    folder = tmp_path / "source"
    subprocess.run(["git", "init", "--quiet", "-b", "main", str(folder)], check=True)
    return Source(folder)


@pytest.fixture
def app(source: Source) -> AppRecord:
    return AppRecord("hello", str(source.folder))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mirrors(tmp_path: Path, clock: Clock) -> Mirrors:
    return Mirrors(tmp_path / "mirrors", clock)


def why_unknown(mirrors: Mirrors, app: AppRecord, label: str) -> str:
    with pytest.raises(UnknownLabel) as raised:
        mirrors.resolve(app, label)
    return str(raised.value)


def test_a_branch_a_tag_and_a_commit_lead_to_their_commits(
    source: Source, mirrors: Mirrors, app: AppRecord
) -> None:
    first = source.commit("Begin")
    source.git("tag", "light")
    source.git("tag", "-a", "v1", "-m", "annotated")
    source.git("tag", "-a", "v1-again", "v1", "-m", "a tag of a tag")
    second = source.commit("Say hello")

    main = mirrors.resolve(app, "main")
    assert main == (second, "branch", "main", "Ada", "Say hello", 1764072000.0)
    for tag in ("light", "v1", "v1-again"):
        assert mirrors.resolve(app, tag)[:3] == (first, "tag", tag)
    for digits in (7, 12, 40):
        assert mirrors.resolve(app, first[:digits])[:3] == (first, "commit", None)
    assert mirrors.heads(app) == {"main": second, "light": first, "v1": first, "v1-again": first}


def test_a_branch_with_slashes_is_reached_at_its_slug(
    source: Source, mirrors: Mirrors, app: AppRecord
) -> None:
    sha = source.commit("Begin")
    source.git("branch", "feature/A_b")
    slug = names.slug("feature/A_b")
    assert mirrors.resolve(app, slug)[:3] == (sha, "branch", "feature/A_b")
    assert slug in why_unknown(mirrors, app, "feature/A_b")


def test_a_branch_that_looks_like_a_commit_is_the_branch(
    source: Source, mirrors: Mirrors, app: AppRecord
) -> None:
    first = source.commit("Begin")
    second = source.commit("Go on")
    source.git("branch", first[:8], second)
    assert mirrors.resolve(app, first[:8])[:2] == (second, "branch")
    assert mirrors.resolve(app, first[:9])[:2] == (first, "commit")


def test_tags_of_trees_and_blobs_do_not_exist(
    source: Source, mirrors: Mirrors, app: AppRecord
) -> None:
    sha = source.commit("Begin")
    tree = source.git("rev-parse", "HEAD^{tree}")
    source.git("tag", "a-tree", tree)
    source.git("tag", "-a", "an-annotated-tree", tree, "-m", "x")
    annotated = source.git("rev-parse", "an-annotated-tree")
    assert mirrors.heads(app) == {"main": sha}
    for label in ("a-tree", "an-annotated-tree", tree, tree[:9], annotated, annotated[:9]):
        assert "no branch" in why_unknown(mirrors, app, label)


def test_a_branch_and_a_tag_of_one_name_are_ambiguous_where_they_differ(
    source: Source, mirrors: Mirrors, app: AppRecord, clock: Clock
) -> None:
    first = source.commit("Begin")
    source.git("tag", "main")
    assert mirrors.resolve(app, "main")[:2] == (first, "branch")
    second = source.commit("Go on")
    clock.now += 10
    with pytest.raises(AmbiguousLabel) as raised:
        mirrors.resolve(app, "main")
    assert [tuple(one) for one in raised.value.candidates] == [
        (second, "branch", "main", "Go on"),
        (first, "tag", "main", "Begin"),
    ]
    assert "main" not in mirrors.heads(app)


def test_a_short_commit_with_two_meanings_is_ambiguous_until_it_has_more_digits(
    source: Source, mirrors: Mirrors, app: AppRecord
) -> None:
    one, other = make_twins(source)
    with pytest.raises(AmbiguousLabel) as raised:
        mirrors.resolve(app, one[:7])
    assert {candidate.sha for candidate in raised.value.candidates} == {one, other}
    assert {candidate.kind for candidate in raised.value.candidates} == {"commit"}
    same = next(n for n in range(40) if one[n] != other[n])
    assert mirrors.resolve(app, one[: same + 1]).sha == one


def test_of_two_meanings_only_the_one_that_is_reached_counts(
    source: Source, mirrors: Mirrors, app: AppRecord, clock: Clock
) -> None:
    one, other = make_twins(source)
    with pytest.raises(AmbiguousLabel):
        mirrors.resolve(app, one[:7])
    source.git("update-ref", "-d", f"refs/heads/twin-{other}")
    clock.now += 10
    assert mirrors.resolve(app, one[:7]).sha == one


def test_a_commit_that_no_branch_or_tag_reaches_does_not_exist(
    source: Source, mirrors: Mirrors, app: AppRecord, clock: Clock
) -> None:
    first = source.commit("Begin")
    lost = source.commit("A mistake")
    assert mirrors.resolve(app, lost).sha == lost
    source.git("reset", "--quiet", "--hard", first)
    clock.now += 10
    assert mirrors.resolve(app, "main").sha == first
    for label in (lost, lost[:7]):
        assert "no branch or tag reaches it" in why_unknown(mirrors, app, label)
    source.git("tag", "found", lost)
    clock.now += 10
    assert mirrors.resolve(app, lost[:7]).sha == lost


def test_only_branches_and_tags_are_mirrored(
    source: Source, mirrors: Mirrors, app: AppRecord
) -> None:
    first = source.commit("Begin")
    source.git("update-ref", "refs/pull/1/head", source.commit("A stranger's change"))
    source.git("reset", "--quiet", "--hard", first)
    stranger = source.git("rev-parse", "refs/pull/1/head")
    assert "no branch" in why_unknown(mirrors, app, stranger)


def test_an_unknown_name_and_an_empty_repository_have_a_reason(
    source: Source, mirrors: Mirrors, app: AppRecord
) -> None:
    assert "no branches and no tags yet" in why_unknown(mirrors, app, "main")
    assert mirrors.heads(app) == {}
    source.commit("Begin")
    assert "no branch or tag of that name" in why_unknown(mirrors, app, "nope")
    assert "whose id begins so" in why_unknown(mirrors, app, "0123456789")
    assert "begins so" in why_unknown(mirrors, app, "0" * 40)
    assert "no DNS label" in why_unknown(mirrors, app, "-x")


def test_what_was_pushed_just_now_is_found(
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
    assert set(mirrors.heads(app)) == {"main", "topic"}
    source.git("branch", "-m", "topic", "topic/one")
    clock.now += 10
    assert mirrors.heads(app) == {"main": sha, names.slug("topic/one"): sha}


def test_a_known_label_needs_no_repository_for_two_seconds_and_a_known_commit_never(
    source: Source, mirrors: Mirrors, app: AppRecord, clock: Clock, tmp_path: Path
) -> None:
    sha = source.commit("Begin")
    mirrors.resolve(app, "main")
    source.folder.rename(tmp_path / "moved")
    assert mirrors.resolve(app, "main").sha == sha
    clock.now += 2.1
    with pytest.raises(RepositoryUnreachable):
        mirrors.resolve(app, "main")
    assert mirrors.resolve(app, sha).sha == sha
    anew = Mirrors(tmp_path / "mirrors", clock)
    assert anew.resolve(app, sha).sha == sha


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
    assert "begins so" in why_unknown(mirrors, moved, old)
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

    def __init__(self, folder: Path, asked: threading.Semaphore) -> None:
        super().__init__(folder)
        self.fetches = 0
        self._asked = asked

    def run(self, repository: Path, arguments: Sequence[str], *, limit: int) -> tuple[str, str]:
        if arguments[0] == "fetch":
            self.fetches += 1
            if self.fetches == 1:
                for _ in range(CALLERS):
                    self._asked.acquire(timeout=10)
        return super().run(repository, arguments, limit=limit)


CALLERS = 12


def test_callers_that_wait_share_the_next_fetch(source: Source, tmp_path: Path) -> None:
    sha = source.commit("Begin")
    asked = threading.Semaphore(0)
    git = CountingGit(tmp_path, asked)

    def look_at_clock() -> float:
        asked.release()
        return time.monotonic()

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


def test_a_mirror_that_a_killed_git_left_locked_or_damaged_mends_itself(
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


def test_git_asks_nothing_and_runs_no_helper_and_no_hook(
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


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port at which nobody answers as long as the test runs."""
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        yield unheard.getsockname()[1]


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("/nowhere/at/all", "'/nowhere/at/all' does not appear to be a git repository"),
        ("http://127.0.0.1:{port}/x.git", "Failed to connect to 127.0.0.1"),
        ("http://ada:secret@127.0.0.1:{port}/x.git", "the address has credentials"),
        ("git://127.0.0.1:{port}/x.git", "Connection refused"),
        ("ssh://nobody@127.0.0.1:{port}/x", "Connection refused"),
        ("-x", "the address is neither"),
    ],
)
def test_a_repository_that_cannot_be_read_is_told_with_gits_reason(
    mirrors: Mirrors, dead_port: int, address: str, why: str
) -> None:
    app = AppRecord("hello", address.format(port=dead_port))
    for ask in (lambda: mirrors.resolve(app, "main"), lambda: mirrors.heads(app)):
        with pytest.raises(RepositoryUnreachable) as raised:
            ask()
        assert why in str(raised.value)
        assert "secret" not in str(raised.value)


def test_a_repository_that_never_answers_is_given_up(tmp_path: Path) -> None:
    git = GitCommand(tmp_path)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"git://127.0.0.1:{silent.getsockname()[1]}/x"
        with pytest.raises(GitFailed, match="did not answer within 1 s"):
            git.run(tmp_path, ["ls-remote", url], limit=1)


def make_twins(source: Source) -> tuple[str, str]:
    """Return two commits of branches of their own whose ids begin with the same 7 digits.

    Such a pair is found by trying: among 2^14 ids one is to be expected.
    """
    source.commit("Begin")
    seen: dict[str, int] = {}
    tree = source.git("rev-parse", "HEAD^{tree}")
    for number in range(200_000):
        sha = hash_commit(tree, number)
        twin = seen.setdefault(sha[:7], number)
        if twin != number:
            break
    one, other = (write_commit(source, tree, found) for found in (twin, number))
    assert one[:7] == other[:7]
    for sha in (one, other):
        source.git("branch", f"twin-{sha}", sha)
    return one, other


def spell_commit(tree: str, number: int) -> bytes:
    who = "Ada <ada@example.org> 1764072000 +0000"
    return f"tree {tree}\nauthor {who}\ncommitter {who}\n\nTwin {number}\n".encode()


def hash_commit(tree: str, number: int) -> str:
    body = spell_commit(tree, number)
    return hashlib.sha1(b"commit %d\0%b" % (len(body), body)).hexdigest()


def write_commit(source: Source, tree: str, number: int) -> str:
    command = ["git", "-C", str(source.folder), "hash-object", "-t", "commit", "-w", "--stdin"]
    done = subprocess.run(
        command, input=spell_commit(tree, number), check=True, capture_output=True
    )
    return done.stdout.decode().strip()
