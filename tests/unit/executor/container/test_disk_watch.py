"""executor/container/disk_watch.py: how the size of a folder is counted."""

import contextlib
import os
from pathlib import Path

import pytest

from executor.container.disk_watch import size, walk
from executor.limits.disk_schedule import ENTRY, MB


def test_each_file_and_each_folder_counts_even_if_empty(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "empty").touch()
    assert size(tmp_path, MB) == 20 * ENTRY


def test_a_file_counts_with_its_blocks_on_the_disk(tmp_path: Path) -> None:
    (tmp_path / "full").write_bytes(os.urandom(MB))
    with (tmp_path / "sparse").open("wb") as sparse:
        sparse.truncate(100 * MB)
    assert MB <= size(tmp_path, 200 * MB) < 2 * MB


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_file_with_several_links_counts_once_and_in_full(tmp_path: Path, elsewhere: bool) -> None:
    counted = tmp_path / "layer" if elsewhere else tmp_path
    counted.mkdir(exist_ok=True)
    (counted / "0").write_bytes(os.urandom(MB))
    for number in range(1, 4):
        (tmp_path / str(number)).hardlink_to(counted / "0")
    assert MB <= size(counted, 100 * MB) < 1.1 * MB


def test_only_a_limited_number_of_linked_files_is_remembered(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}").write_bytes(os.urandom(MB))
        (tmp_path / f"{number} again").hardlink_to(tmp_path / f"{number}")
    assert 4 * MB <= size(tmp_path, 100 * MB, most_seen=2) < 4.1 * MB


def test_each_link_to_an_empty_file_counts(tmp_path: Path) -> None:
    (tmp_path / "0").touch()
    (tmp_path / "1").hardlink_to(tmp_path / "0")
    (tmp_path / "link").symlink_to("/")
    assert size(tmp_path, MB) == 3 * ENTRY


def test_reading_stops_over_the_limit(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / str(number)).touch()
    assert size(tmp_path, 10 * ENTRY) == 11 * ENTRY


def nested(folder: Path, name: str, depth: int) -> int:
    """Make nested folders too deep for a path; return the last one, open."""
    opened = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=opened)
        below = os.open(name, os.O_RDONLY, dir_fd=opened)
        os.close(opened)
        opened = below
    return opened


def test_nested_folders_count_and_too_deep_a_nesting_is_over_any_limit(tmp_path: Path) -> None:
    (tmp_path / "read").mkdir()
    os.close(nested(tmp_path / "read", "d", 200))
    (tmp_path / "read" / "beside").touch()
    assert size(tmp_path / "read", 100 * MB) == 201 * ENTRY
    (tmp_path / "not").mkdir()
    os.close(nested(tmp_path / "not", "d", 201))
    assert size(tmp_path / "not", 100 * MB) > 100 * MB
    assert size(tmp_path / "not", -100 * MB) > 0
    assert opened_below(tmp_path) == []


def opened_below(folder: Path) -> list[str]:
    """Return this process's open files there."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # of another thread, which has closed it
            found.append(str(entry.readlink()))
    return [path for path in found if path.startswith(str(folder))]


def test_files_deeper_than_the_longest_path_count(tmp_path: Path) -> None:
    deepest = nested(tmp_path, "d" * 250, 20)
    with os.fdopen(os.open("big", os.O_WRONLY | os.O_CREAT, dir_fd=deepest), "wb") as big:
        big.write(os.urandom(MB))
    os.close(deepest)
    assert size(tmp_path, 100 * MB) >= MB + 20 * ENTRY


def test_a_link_that_replaces_a_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "big").touch()
    inner = tmp_path / "layer" / "inner"
    inner.mkdir(parents=True)
    found = walk(str(tmp_path / "layer"), None, 200)
    assert next(found).name == "inner"
    inner.rmdir()
    inner.symlink_to(tmp_path / "elsewhere")
    assert list(found) == []


def test_a_missing_folder_counts_as_empty(tmp_path: Path) -> None:
    assert size(tmp_path / "gone", MB) == 0
