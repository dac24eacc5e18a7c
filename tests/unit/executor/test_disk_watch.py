"""executor/disk_watch.py: what a folder is counted as."""

import os
from pathlib import Path

from executor.disk import ENTRY, MB
from executor.disk_watch import size


def test_each_file_and_each_folder_counts_however_empty(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "empty").touch()
    assert size(tmp_path, MB) == 20 * ENTRY


def test_a_file_counts_as_much_as_it_takes_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "full").write_bytes(os.urandom(MB))
    with (tmp_path / "sparse").open("wb") as sparse:
        sparse.truncate(100 * MB)
    assert MB <= size(tmp_path, 200 * MB) < 2 * MB


def test_a_file_of_several_names_counts_once(tmp_path: Path) -> None:
    (tmp_path / "0").write_bytes(os.urandom(MB))
    for number in range(1, 4):
        (tmp_path / str(number)).hardlink_to(tmp_path / "0")
    assert MB <= size(tmp_path, 100 * MB) < 1.1 * MB


def test_names_of_an_empty_file_count_each(tmp_path: Path) -> None:
    (tmp_path / "0").touch()
    (tmp_path / "1").hardlink_to(tmp_path / "0")
    (tmp_path / "link").symlink_to("/")
    assert size(tmp_path, MB) == 3 * ENTRY


def test_over_the_limit_nothing_more_is_read(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / str(number)).touch()
    assert size(tmp_path, 10 * ENTRY) == 11 * ENTRY


def test_in_folders_of_folders_only_so_many_are_read_and_none_stays_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    deep = tmp_path.joinpath(*["d"] * 500)
    deep.mkdir(parents=True)
    (tmp_path / "beside").touch()
    assert size(tmp_path, 100 * MB) == 201 * ENTRY
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_what_is_not_there_counts_as_none(tmp_path: Path) -> None:
    assert size(tmp_path / "gone", MB) == 0
