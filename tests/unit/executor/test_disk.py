"""executor/disk.py: when what a container has written is measured."""

from executor.disk import ENTRY, MB, DiskWatch
from executor.filling import Disk

GB = 1024 * MB
LIMIT = 2 * GB
PLENTY = 100 * GB
INODES = 100_000_000


def left(free: int, entries: int = 0, inodes: int = INODES) -> Disk:
    """Return a disk with so many bytes left, on which so many entries were made."""
    return Disk(1000 * GB, 1000 * GB - free, inodes, entries)


def test_nothing_is_measured_while_the_disk_stays_as_it_is_but_once_a_minute() -> None:
    known = DiskWatch(LIMIT, 0.0)
    assert [now for now in range(1, 121) if known.is_due(left(PLENTY), now)] == list(range(60, 121))
    known.has_measured(left(PLENTY), 60.0, 60.0)
    assert not known.is_due(left(PLENTY), 119.0)
    assert known.is_due(left(PLENTY), 120.0)


def test_an_eighth_of_the_limit_that_is_gone_is_reason_to_measure_at_once() -> None:
    known = DiskWatch(LIMIT, 0.0)
    assert not known.is_due(left(PLENTY), 1.0)
    assert not known.is_due(left(PLENTY - 255 * MB), 2.0)
    assert known.is_due(left(PLENTY - 256 * MB), 3.0)


def test_what_others_give_back_hides_nothing() -> None:
    known = DiskWatch(LIMIT, 0.0)
    assert not known.is_due(left(PLENTY), 1.0)
    assert not known.is_due(left(PLENTY + 50 * GB), 2.0)
    assert known.is_due(left(PLENTY + 50 * GB - 256 * MB), 3.0)


def test_on_a_disk_that_is_nearly_full_a_megabyte_is_enough() -> None:
    known = DiskWatch(LIMIT, 0.0)
    assert not known.is_due(left(3 * GB), 1.0)
    assert known.is_due(left(3 * GB - MB), 2.0)


def test_a_disk_that_cannot_be_seen_is_measured_every_ten_seconds() -> None:
    known = DiskWatch(LIMIT, 0.0)
    assert not known.is_due(None, 9.0)
    assert known.is_due(None, 10.0)


def test_measuring_takes_a_twentieth_of_the_time_at_most() -> None:
    known = DiskWatch(LIMIT, 0.0)
    known.has_measured(left(PLENTY), 60.0, 60.5)
    assert not known.is_due(left(0), 70.4)
    assert known.is_due(left(0), 70.5)


def test_a_disk_that_is_slow_to_measure_is_measured_again_all_the_same() -> None:
    known = DiskWatch(LIMIT, 0.0)
    known.has_measured(left(PLENTY), 60.0, 65.0)
    assert not known.is_due(left(0), 79.0)
    assert known.is_due(left(0), 80.0)


def test_entries_without_a_byte_are_reason_to_measure_at_once() -> None:
    known = DiskWatch(LIMIT, 0.0)
    eighth = LIMIT // 8 // ENTRY
    assert not known.is_due(left(PLENTY, 1000), 1.0)
    assert not known.is_due(left(PLENTY, 1000 + eighth - 1), 2.0)
    assert known.is_due(left(PLENTY, 1000 + eighth), 3.0)
    known.has_measured(left(PLENTY, 1000 + eighth), 3.0, 3.0)
    assert not known.is_due(left(PLENTY, 1000 + eighth), 4.0)


def test_on_a_disk_that_has_few_inodes_left_some_hundred_entries_are_enough() -> None:
    known = DiskWatch(LIMIT, 0.0)
    inodes = 2 * LIMIT // ENTRY
    assert not known.is_due(left(PLENTY, 1, inodes), 1.0)
    assert not known.is_due(left(PLENTY, 256, inodes), 2.0)
    assert known.is_due(left(PLENTY, 257, inodes), 3.0)


def test_a_disk_that_makes_as_many_inodes_as_it_needs_is_not_one_without() -> None:
    known = DiskWatch(LIMIT, 0.0)
    assert not known.is_due(left(PLENTY, 0, 0), 1.0)
    assert not known.is_due(left(PLENTY - MB, 0, 0), 2.0)
