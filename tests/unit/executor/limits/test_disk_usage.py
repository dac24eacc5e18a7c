"""executor/limits/disk_usage.py: the usage of a disk, and its scarcest resource."""

import os
from pathlib import Path

import pytest

from executor.limits.disk_usage import DiskUsage, measure, read_usage


@pytest.mark.parametrize(("used", "above"), [(84, False), (85, False), (86, True)])
def test_a_disk_is_above_its_mark_when_more_is_used(used: int, above: bool) -> None:
    assert DiskUsage(100, used).is_above(85.0) == above
    assert DiskUsage(100, 10, 1000, 10 * used).is_above(85.0) == above
    assert DiskUsage(100, used, 0, 0).is_above(85.0) == above, "without a number of inodes"


def test_the_scarcest_resource_of_a_disk_is_described() -> None:
    assert DiskUsage(1000, 861, 100, 20).describe() == "86.1 % of its bytes are used"
    assert DiskUsage(1000, 861, 100, 90).describe() == "90.0 % of its inodes are used"
    assert DiskUsage(0, 0).describe().startswith("0.0 %")


def test_a_disk_is_measured_as_df_does(tmp_path: Path) -> None:
    disk = measure(tmp_path)
    assert 0 < disk.used <= disk.total


@pytest.mark.parametrize(("files", "left"), [(1000, 400), (0, 0)])
def test_inodes_are_counted_where_their_number_is_limited(files: int, left: int) -> None:
    statistics = os.statvfs_result((4096, 4096, 100, 50, 40, files, left, left, 0, 255))
    assert read_usage(statistics) == DiskUsage(90 * 4096, 50 * 4096, files, files - left)
