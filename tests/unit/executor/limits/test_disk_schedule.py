"""executor/limits/disk_schedule.py: when the written data of a container is measured."""

import pytest

from executor.limits.disk_schedule import ENTRY, MB, DiskSchedule
from executor.limits.disk_usage import DiskUsage

GB = 1024 * MB
LIMIT = 2 * GB
PLENTY = 100 * GB
INODES = 100_000_000


def left(free: int, entries: int = 0, inodes: int = INODES) -> DiskUsage:
    """Return a disk with this many free bytes and this many created entries."""
    return DiskUsage(1000 * GB, 1000 * GB - free, inodes, entries)


def test_an_unchanged_disk_is_measured_once_a_minute() -> None:
    known = DiskSchedule(LIMIT, 0.0)
    assert [now for now in range(1, 121) if known.is_due(left(PLENTY), now)] == list(range(60, 121))
    known.has_measured(left(PLENTY), 60.0, 60.0)
    assert not known.is_due(left(PLENTY), 119.0)
    assert known.is_due(left(PLENTY), 120.0)


EIGHTH = LIMIT // 8
ENTRIES = EIGHTH // ENTRY
FEW = 2 * LIMIT // ENTRY


@pytest.mark.parametrize(
    ("looks", "last", "due"),
    [
        ([left(PLENTY), left(PLENTY - EIGHTH + MB)], left(PLENTY - EIGHTH), True),
        ([left(PLENTY), left(PLENTY + 50 * GB)], left(PLENTY + 50 * GB - EIGHTH), True),
        ([left(3 * GB)], left(3 * GB - MB), True),
        ([left(PLENTY, 1000), left(PLENTY, 999 + ENTRIES)], left(PLENTY, 1000 + ENTRIES), True),
        ([left(PLENTY, 1, FEW), left(PLENTY, 256, FEW)], left(PLENTY, 257, FEW), True),
        ([left(PLENTY, 0, 0)], left(PLENTY - MB, 0, 0), False),
    ],
    ids=[
        "an eighth of the limit is gone",
        "space freed by others hides nothing",
        "a megabyte is enough on a disk that is nearly full",
        "entries without a byte count",
        "some hundred entries are enough where few inodes are left",
        "a disk that makes as many inodes as it needs is not one without",
    ],
)
def test_a_removed_file_causes_a_measurement_at_once(
    looks: list[DiskUsage], last: DiskUsage, due: bool
) -> None:
    known = DiskSchedule(LIMIT, 0.0)
    assert not any(known.is_due(look, 1.0 + number) for number, look in enumerate(looks))
    assert known.is_due(last, 5.0) is due


def test_a_measured_change_causes_no_other_measurement() -> None:
    known = DiskSchedule(LIMIT, 0.0)
    assert not known.is_due(left(PLENTY, 1000), 1.0)
    assert known.is_due(left(PLENTY, 1000 + ENTRIES), 3.0)
    known.has_measured(left(PLENTY, 1000 + ENTRIES), 3.0, 3.0)
    assert not known.is_due(left(PLENTY, 1000 + ENTRIES), 4.0)


def test_a_disk_that_cannot_be_seen_is_measured_every_ten_seconds() -> None:
    known = DiskSchedule(LIMIT, 0.0)
    assert not known.is_due(None, 9.0)
    assert known.is_due(None, 10.0)


@pytest.mark.parametrize(
    ("ended", "next_one"),
    [(60.5, 70.5), (65.0, 80.0)],
    ids=["a twentieth of the time is spent at most", "a slow disk is measured all the same"],
)
def test_measuring_takes_its_share_of_the_time(ended: float, next_one: float) -> None:
    known = DiskSchedule(LIMIT, 0.0)
    known.has_measured(left(PLENTY), 60.0, ended)
    assert not known.is_due(left(0), next_one - 0.1)
    assert known.is_due(left(0), next_one)
