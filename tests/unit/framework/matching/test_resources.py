import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.matching import resources
from tests.fakes.offers import ports, scalar

RESERVED = {"reservations": [{"type": "STATIC", "role": "prevs"}]}


def test_a_task_names_each_resource_as_it_was_offered() -> None:
    taken, left = resources.take([scalar("cpus", 2), scalar("cpus", 1, **RESERVED)], "cpus", 1.5)
    assert taken == [scalar("cpus", 1, **RESERVED), scalar("cpus", 0.5)]
    assert left == [scalar("cpus", 1.5)]


def test_more_than_there_is_cannot_be_taken() -> None:
    with pytest.raises(ValueError, match="missing"):
        resources.take([scalar("mem", 100)], "mem", 101)


def test_a_port_is_cut_out_of_its_range() -> None:
    taken, left = resources.take_port([ports(1, 1), ports(10, 12, **RESERVED)], 11)
    assert taken == [ports(11, 11, **RESERVED)]
    assert [list(span) for span in resources.free_ports(left)] == [[1], [10], [12]]


def test_a_range_of_one_port_is_gone_once_that_is_taken() -> None:
    assert resources.take_port([ports(5, 5)], 5) == ([ports(5, 5)], [])


def test_a_port_that_is_not_offered_cannot_be_taken() -> None:
    with pytest.raises(ValueError, match="not offered"):
        resources.take_port([ports(5, 7)], 8)


def test_what_mesos_may_take_back_is_not_used() -> None:
    offered = [scalar("cpus", 1, revocable={}), scalar("disk", 1, shared={}), scalar("mem", 1)]
    assert resources.usable(offered) == (scalar("mem", 1),)


@given(
    parts=st.lists(st.integers(1, 5000), min_size=1, max_size=4),
    share=st.integers(1, 1000),
)
def test_nothing_is_lost_or_made_by_taking(parts: list[int], share: int) -> None:
    offered = [scalar("cpus", part / 1000) for part in parts]
    amount = sum(parts) * share // 1000 / 1000
    taken, left = resources.take(offered, "cpus", amount)
    assert resources.total(taken, "cpus") == pytest.approx(amount)
    assert resources.total(taken, "cpus") + resources.total(left, "cpus") == pytest.approx(
        resources.total(offered, "cpus")
    )
