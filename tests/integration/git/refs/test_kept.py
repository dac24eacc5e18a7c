"""Commits that gates keep in mirrors of real repositories, although no branch reaches them."""

from pathlib import Path

import pytest

from framework.git.kept_refs import FOLDER
from framework.git.mirrors import Mirrors
from prevs.records import AppRecord
from tests.integration.git.refs.sources import Clock, Source, why_unknown

pytestmark = pytest.mark.integration


def collect(mirrors_folder: Path) -> Path:
    """Collect the garbage of the one mirror as gc does after weeks; return its folder."""
    (mirror,) = (mirrors_folder / "hello").iterdir()
    Source(mirror).git("gc", "--quiet", "--prune=now")
    return mirror


def read(mirrors: Mirrors, app: AppRecord, sha: str) -> bytes | None:
    found = mirrors.read_file(app, sha, "page", most=100)
    return found.data if found else None


@pytest.fixture
def canary(source: Source) -> str:
    source.commit("Begin")
    source.git("checkout", "--quiet", "-b", "canary")
    (source.folder / "page").write_text("a canary")
    source.git("add", "page")
    sha = source.commit("Try it")
    source.git("checkout", "--quiet", "main")
    return sha


def test_what_a_gate_keeps_outlasts_its_branch_and_garbage_collection(
    source: Source, app: AppRecord, canary: str, clock: Clock, tmp_path: Path
) -> None:
    kept = {canary}
    mirrors = Mirrors(tmp_path / "mirrors", clock, kept=lambda _: kept)
    mirrors.heads(app)
    source.git("branch", "-D", "canary")
    source.git("gc", "--quiet", "--prune=now")
    assert set(mirrors.heads(app).commits) == {"main"}
    mirror = collect(tmp_path / "mirrors")
    assert read(mirrors, app, canary) == b"a canary"
    # Only gates find it: to everybody else it is a commit that no branch reaches.
    assert "no branch or tag reaches it" in why_unknown(mirrors, app, canary)
    kept.clear()
    mirrors.heads(app)
    assert Source(mirror).git("for-each-ref", FOLDER) == ""
    collect(tmp_path / "mirrors")
    assert "no commit whose id begins with it" in why_unknown(mirrors, app, canary[:12])


def test_what_no_gate_keeps_any_more_is_let_go_also_after_a_restart(
    source: Source, app: AppRecord, canary: str, clock: Clock, tmp_path: Path
) -> None:
    Mirrors(tmp_path / "mirrors", clock, kept=lambda _: {canary}).heads(app)
    mirror = Source(collect(tmp_path / "mirrors"))
    assert canary in mirror.git("for-each-ref", FOLDER)
    Mirrors(tmp_path / "mirrors", clock, kept=lambda _: set()).heads(app)
    assert mirror.git("for-each-ref", FOLDER) == ""


def test_a_new_mirror_asks_the_repository_for_what_gates_keep(
    source: Source, app: AppRecord, canary: str, clock: Clock, tmp_path: Path
) -> None:
    source.git("branch", "-D", "canary")
    never = "f" * 40
    mirrors = Mirrors(tmp_path / "mirrors", clock, kept=lambda _: {canary, never})
    assert set(mirrors.heads(app).commits) == {"main"}
    collect(tmp_path / "mirrors")
    assert read(mirrors, app, canary) == b"a canary"
    assert set(mirrors.heads(app).commits) == {"main"}
