"""Downloaded files go where they belong, each whole or not at all."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cli.artifacts import downloads
from cli.client.transport import Download
from cli.errors import ApiUnreachable, Failure, NotDone


def download(*pieces: bytes) -> Download:
    return Download(sum(map(len, pieces)), iter(pieces))


def test_a_file_is_written_with_its_folders(tmp_path: Path) -> None:
    target = downloads.place(tmp_path, "a/b/größe & 'x'.csv")
    downloads.save(download(b"one", b"two"), target)
    assert (tmp_path / "a" / "b" / "größe & 'x'.csv").read_bytes() == b"onetwo"
    assert [path.name for path in target.parent.iterdir()] == [target.name]


@given(st.lists(st.sampled_from(["..", ".", "", "a", "b c", "\n"]), max_size=5).map("/".join))
@example("/etc/passwd")
def test_nothing_is_placed_out_of_its_folder(path: str) -> None:
    folder = Path("/folder")
    try:
        target = downloads.place(folder, path)
    except NotDone:
        return
    assert target.resolve().is_relative_to(folder)
    assert target != folder


def test_a_link_in_the_folder_leads_no_file_out(tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (folder / "a").symlink_to(outside)
    with pytest.raises(NotDone):
        downloads.place(folder, "a/b")
    # A link in the file's own place is replaced, never followed.
    (folder / "c").symlink_to(outside / "c")
    target = downloads.place(folder, "c")
    with pytest.raises(NotDone):
        downloads.check_free([target])
    downloads.save(download(b"1"), target)
    assert (target.read_bytes(), target.is_symlink()) == (b"1", False)
    assert not list(outside.iterdir())


def test_files_that_are_there_are_named(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(b"")
    downloads.check_free([tmp_path / "c"])
    with pytest.raises(NotDone, match=r"a is there already \(and 1 more\)") as refused:
        downloads.check_free([tmp_path / name for name in "cab"])
    assert "--force" in refused.value.hint


def test_a_download_that_breaks_off_leaves_what_was_there(tmp_path: Path) -> None:
    def break_off() -> Iterator[bytes]:
        yield b"half of i"
        raise ApiUnreachable(Failure("http://prevs.example.org", "the connection broke"))

    target = tmp_path / "report.csv"
    target.write_bytes(b"old")
    with pytest.raises(ApiUnreachable):
        downloads.save(Download(20, break_off()), target)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(NotDone, match=r"a/b cannot be written: File exists\."):
        downloads.save(download(b"1"), tmp_path / "a" / "b")
