"""executor/disk.py: when what a container has written is measured."""

from executor.disk import MB, DiskWatch

GB = 1024 * MB
LIMIT = 2 * GB
PLENTY = 100 * GB


def test_nothing_is_measured_while_the_disk_stays_as_it_is_but_once_a_minute() -> None:
    known = DiskWatch(LIMIT, 0.0)
    assert [now for now in range(1, 121) if known.is_due(PLENTY, now)] == list(range(60, 121))
    known.has_measured(PLENTY, 60.0, 60.0)
    assert not known.is_due(PLENTY, 119.0)
    assert known.is_due(PLENTY, 120.0)


def test_an_eighth_of_the_limit_that_is_gone_is_reason_to_measure_at_once() -> None:
    known = DiskWatch(LIMIT, 0.0)
    assert not known.is_due(PLENTY, 1.0)
    assert not known.is_due(PLENTY - 255 * MB, 2.0)
    assert known.is_due(PLENTY - 256 * MB, 3.0)


def test_what_others_give_back_hides_nothing() -> None:
    known = DiskWatch(LIMIT, 0.0)
    assert not known.is_due(PLENTY, 1.0)
    assert not known.is_due(PLENTY + 50 * GB, 2.0)
    assert known.is_due(PLENTY + 50 * GB - 256 * MB, 3.0)


def test_on_a_disk_that_is_nearly_full_a_megabyte_is_enough() -> None:
    known = DiskWatch(LIMIT, 0.0)
    assert not known.is_due(3 * GB, 1.0)
    assert known.is_due(3 * GB - MB, 2.0)


def test_a_disk_that_cannot_be_seen_is_measured_every_ten_seconds() -> None:
    known = DiskWatch(LIMIT, 0.0)
    assert not known.is_due(None, 9.0)
    assert known.is_due(None, 10.0)


def test_measuring_takes_a_twentieth_of_the_time_at_most() -> None:
    known = DiskWatch(LIMIT, 0.0)
    known.has_measured(PLENTY, 60.0, 60.5)
    assert not known.is_due(0, 70.4)
    assert known.is_due(0, 70.5)


def test_a_disk_that_is_slow_to_measure_is_measured_again_all_the_same() -> None:
    known = DiskWatch(LIMIT, 0.0)
    known.has_measured(PLENTY, 60.0, 65.0)
    assert not known.is_due(0, 79.0)
    assert known.is_due(0, 80.0)
