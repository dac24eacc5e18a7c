"""executor/container/exchange.py: what is read of an archive that a container chose."""

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pytest

from executor.container.exchange import ArtifactFolder, unpack
from executor.limits.disk_schedule import MB
from executor.ports import Left
from prevs.artifacts import LIST, ArtifactsRecord
from prevs.work import MOST_RESULT

ROOT = ("prevs/", tarfile.DIRTYPE, b"")
Entry = tuple[str, bytes, bytes]


def file(name: str, data: bytes = b"") -> Entry:
    return (name, tarfile.REGTYPE, data)


def archive(*entries: Entry) -> io.BytesIO:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, kind, data in (ROOT, *entries):
            entry = tarfile.TarInfo(name)
            entry.type, entry.size, entry.linkname = kind, len(data), "/etc/passwd"
            tar.addfile(entry, io.BytesIO(data))
    made.seek(0)
    return made


def kept(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if not path.is_dir()]
    assert not [path for path in files if path.is_symlink()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def listed(sandbox: Path) -> dict[str, int]:
    record = ArtifactsRecord.decode((sandbox / LIST).read_bytes())
    return {one.path: one.size for one in record.artifacts}


def test_result_progress_and_artifacts_are_taken_and_nothing_else(tmp_path: Path) -> None:
    stream = archive(
        ("prevs/artifacts/", tarfile.DIRTYPE, b""),
        file("prevs/artifacts/a/b.txt", b"1"),
        file("prevs/artifacts/größe & 'x'", b"22"),
        file("prevs/artifacts.txt", b"not among them"),
        file("prevs/payload", b"ours"),
        file("prevs/progress", b"40 half way"),
        file("prevs/result", b"42"),
        file("prevs/results/result", b"43"),
    )
    folder = tmp_path / "artifacts"
    left = Left(b"42", progress=b"40 half way", artifacts=2)
    assert unpack(stream, folder, most=MB) == left
    assert kept(folder) == {"a/b.txt": b"1", "größe & 'x'": b"22"}
    assert listed(tmp_path) == {"a/b.txt": 1, "größe & 'x'": 2}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artifacts", "artifacts.json"]


def test_a_command_that_leaves_nothing_has_an_empty_result_and_no_folder(tmp_path: Path) -> None:
    assert unpack(archive(), tmp_path / "artifacts", most=MB) == Left()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "entry",
    [
        file("prevs/artifacts/../../out", b"1"),
        file("prevs/artifacts/a/../../../out", b"1"),
        ("prevs/artifacts/link", tarfile.SYMTYPE, b""),
        ("prevs/artifacts/link", tarfile.LNKTYPE, b""),
        ("prevs/artifacts/pipe", tarfile.FIFOTYPE, b""),
        ("prevs/artifacts/disk", tarfile.BLKTYPE, b""),
        ("prevs/artifacts/tty", tarfile.CHRTYPE, b""),
        file("prevs/artifacts", b"a file"),
        file(f"prevs/artifacts/{'x' * 300}", b"1"),
        file("prevs/artifacts/a/b", b"a is a file"),
        file(f"prevs/artifacts/{'x/' * 250}x", b"1"),
        file("prevs/artifacts/no text \udcff", b"1"),
        file("prevs/artifacts/two\nlines", b"1"),
        file("prevs/artifacts/txt.\u202eexe", b"1"),
    ],
    ids=lambda entry: ascii(entry[0][:40]),
)
def test_what_is_no_plain_file_within_the_folder_is_left_out(tmp_path: Path, entry: Entry) -> None:
    folder = tmp_path / "artifacts"
    stream = archive(file("prevs/artifacts/a", b"1"), entry, file("prevs/result", b"42"))
    assert unpack(stream, folder, most=MB) == Left(b"42", artifacts=1, left_out=1)
    assert kept(folder) == {"a": b"1"}
    assert listed(tmp_path) == {"a": 1}


def test_a_name_that_comes_twice_is_written_once(tmp_path: Path) -> None:
    folder = tmp_path / "artifacts"
    stream = archive(file("prevs/artifacts/a", b"1"), file("prevs/artifacts/a", b"2"))
    assert unpack(stream, folder, most=MB) == Left(artifacts=1, left_out=1)
    assert kept(folder) == {"a": b"1"}


def test_no_more_files_are_kept_than_a_list_has(tmp_path: Path) -> None:
    folder = ArtifactFolder(tmp_path / "artifacts", most=2)
    saved = [folder.save(PurePosixPath(name), 1, io.BytesIO(b"1")) for name in "abc"]
    assert saved == [True, True, False]
    assert folder.write_list()
    assert listed(tmp_path) == {"a": 1, "b": 1}


def test_files_whose_list_cannot_be_written_are_left_out(tmp_path: Path) -> None:
    (tmp_path / LIST).mkdir()
    stream = archive(file("prevs/artifacts/a", b"1"), file("prevs/result", b"42"))
    assert unpack(stream, tmp_path / "artifacts", most=MB) == Left(b"42", left_out=1)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (file("prevs/result", bytes(MOST_RESULT + 1)), "65,537 bytes, and 65,536 are the most"),
        (("prevs/result", tarfile.SYMTYPE, b""), "not a plain file"),
        (("prevs/result", tarfile.LNKTYPE, b""), "not a plain file"),
        (("prevs/result", tarfile.DIRTYPE, b""), "not a plain file"),
        (("prevs/result", tarfile.FIFOTYPE, b""), "not a plain file"),
    ],
)
def test_a_result_that_cannot_be_kept_is_none_with_the_reason(
    tmp_path: Path, entry: Entry, why: str
) -> None:
    left = unpack(archive(entry), tmp_path, most=MB)
    assert left.result is None
    assert why in left.problem


def test_the_longest_result_is_kept(tmp_path: Path) -> None:
    longest = bytes(MOST_RESULT)
    assert unpack(archive(file("prevs/result", longest)), tmp_path, most=MB).result == longest


@pytest.mark.parametrize(
    "entries",
    [
        [file("prevs/artifacts/a", bytes(MB))],
        # Each entry takes an inode at least.
        [file(f"prevs/artifacts/{number}") for number in range(300)],
        [file(f"prevs/other/{number}") for number in range(300)],
    ],
    ids=["one long file", "many empty ones", "many elsewhere"],
)
def test_no_more_is_read_than_may_be_on_the_disk(tmp_path: Path, entries: Sequence[Entry]) -> None:
    stream = archive(*entries, file("prevs/result", b"42"))
    folder = tmp_path / "artifacts"
    left = unpack(stream, folder, most=MB)
    assert left.result is None
    assert left.problem == "the files in /run/prevs have more than 1 MB together."
    assert len(kept(folder)) == left.artifacts < 256


def test_a_hole_is_not_read_as_if_it_had_data(tmp_path: Path) -> None:
    """A sparse file of a terabyte is one entry that says so."""
    entry = tarfile.TarInfo("prevs/artifacts/hole")
    entry.size = 1 << 40
    head = tarfile.TarInfo("prevs/")
    head.type = tarfile.DIRTYPE
    stream = io.BytesIO(head.tobuf() + entry.tobuf())
    assert unpack(stream, tmp_path, most=MB).result is None


def test_an_archive_that_breaks_off_is_an_error(tmp_path: Path) -> None:
    data = archive(file("prevs/result", bytes(2000))).getvalue()
    with pytest.raises(tarfile.TarError):
        unpack(io.BytesIO(data[:2000]), tmp_path, most=MB)
