"""executor/container/commit_files.py: what a commit gives to its containers, and nothing else."""

import dataclasses
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from executor.container import commit_files
from executor.container.commit_files import CommitFiles, FilesUnusable
from executor.container.placing import Owner, find_folders, pack
from executor.ports import PlacedFile
from prevs.containers import ContainerSettings, MountedFile
from tests.fakes.attempts import FakeCheckout, MemoryLog
from tests.unit.executor.attempt.test_attempt import ATTEMPT


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    made = tmp_path / "tree"
    (made / "conf" / "sub").mkdir(parents=True)
    (made / "conf" / "nginx.conf").write_text("listen 80;")
    (made / "conf" / "run.sh").write_text("#!/bin/sh")
    (made / "conf" / "run.sh").chmod(0o755)
    (made / "conf" / "sub" / "out").symlink_to("/etc/passwd")
    return made


def files(tree: Path, *mounted: MountedFile, **changes: Any) -> tuple[CommitFiles, Any]:
    own = ContainerSettings(files=mounted)
    run = dataclasses.replace(ATTEMPT.order.run, container=own)
    order = dataclasses.replace(ATTEMPT.order, run=run, **changes)
    attempt = ATTEMPT._replace(order=order)
    return CommitFiles(attempt, tree.parent / "work", FakeCheckout(tree), MemoryLog()), own


def test_a_folder_comes_with_its_programs_and_links_and_the_links_stay_links(tree: Path) -> None:
    made, own = files(tree, MountedFile("/etc/nginx", "conf", read_only=True))
    made.ensure()
    assert made.of(own) == [
        PlacedFile("/etc/nginx", None, read_only=True),
        PlacedFile("/etc/nginx/sub", None, read_only=True),
        PlacedFile("/etc/nginx/nginx.conf", b"listen 80;", read_only=True),
        PlacedFile("/etc/nginx/run.sh", b"#!/bin/sh", runs=True, read_only=True),
        PlacedFile("/etc/nginx/sub/out", None, "/etc/passwd", read_only=True),
    ]


def test_what_was_kept_needs_no_checkout_and_what_is_gone_needs_one(tree: Path) -> None:
    mounted = MountedFile("/nginx.conf", "conf/nginx.conf")
    made, own = files(tree, mounted)
    made.ensure()
    (tree / "conf" / "nginx.conf").write_text("listen 90;")
    later, _ = files(tree, mounted)
    assert [one.data for one in later.of(own)] == [b"listen 80;"]
    for one in (tree.parent / "work" / commit_files.FOLDER).iterdir():
        one.unlink()
    assert [one.data for one in later.of(own)] == [b"listen 90;"]


@pytest.mark.parametrize("source", ["..", "/etc/passwd", "up", "conf/sub/out"])
def test_nothing_leads_out_of_the_commit(tree: Path, source: str) -> None:
    (tree / "up").symlink_to("/etc")
    made, _ = files(tree, MountedFile("/x", source))
    with pytest.raises(FilesUnusable, match="leads out of the commit"):
        made.ensure()


def test_texts_and_secrets_are_files_and_a_missing_one_is_named(tree: Path) -> None:
    mounted = (MountedFile("/text", text="hello"), MountedFile("/run/secrets/key", secret="KEY"))
    made, own = files(tree, *mounted, secrets={"KEY": "s3cret"})
    assert [one.data for one in made.of(own)] == [b"hello", b"s3cret"]
    made, own = files(tree, *mounted)
    with pytest.raises(FilesUnusable, match=r"variable KEY, which this commit does not have"):
        made.of(own)


def test_too_many_are_refused_and_what_is_missing_is_an_empty_folder(tree: Path) -> None:
    made, own = files(tree, MountedFile("/data", "nothing"))
    assert made.of(own) == [PlacedFile("/data", None)]
    for number in range(commit_files.MOST_ENTRIES):
        (tree / "conf" / str(number)).touch()
    made, _ = files(tree, MountedFile("/etc/nginx", "conf"))
    with pytest.raises(FilesUnusable, match=r"more than 5,000 entries or 32 MB .* COPY"):
        made.ensure()


def test_they_belong_to_the_user_but_what_he_may_only_read_to_root() -> None:
    placed = [PlacedFile("/a", b"1"), PlacedFile("/b", b"22", runs=True, read_only=True)]
    with tarfile.open(fileobj=io.BytesIO(pack(placed, Owner(1000, 100)))) as archive:
        found = [(one.name, one.uid, one.gid, oct(one.mode)) for one in archive]
    assert found == [("a", 1000, 100, "0o644"), ("b", 0, 0, "0o555")]


def test_a_read_only_root_gets_them_in_volumes() -> None:
    placed = [PlacedFile("/etc/x/a.conf", b""), PlacedFile("/etc/x/sub", None)]
    assert find_folders([*placed, PlacedFile("/srv", None)]) == ["/etc/x", "/srv"]
