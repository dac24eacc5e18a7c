import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.matching import resources
from framework.matching.resources import Resource

TERMS = {"reservations": [{"type": "STATIC", "role": "prevs"}]}


def scalar(name: str, amount: float, *, reserved: bool = False) -> Resource:
    return Resource(name, amount, reserved=reserved, terms=TERMS if reserved else {})


def ports(begin: int, end: int, *, reserved: bool = False) -> Resource:
    return Resource("ports", ports=(range(begin, end + 1),), reserved=reserved)


def test_a_task_names_each_resource_as_it_was_offered() -> None:
    taken, left = resources.take([scalar("cpus", 2), scalar("cpus", 1, reserved=True)], "cpus", 1.5)
    assert taken == [scalar("cpus", 1, reserved=True), scalar("cpus", 0.5)]
    assert left == [scalar("cpus", 1.5)]


def test_more_than_is_available_cannot_be_taken() -> None:
    with pytest.raises(ValueError, match="missing"):
        resources.take([scalar("mem", 100)], "mem", 101)


def test_a_port_is_cut_out_of_its_range() -> None:
    taken, left = resources.take_port([ports(1, 1), ports(10, 12, reserved=True)], 11)
    assert taken == [ports(11, 11, reserved=True)]
    assert [list(span) for span in resources.free_ports(left)] == [[1], [10], [12]]


def test_a_range_of_one_port_is_gone_once_the_port_is_taken() -> None:
    assert resources.take_port([ports(5, 5)], 5) == ([ports(5, 5)], [])


def test_a_port_that_is_not_offered_cannot_be_taken() -> None:
    with pytest.raises(ValueError, match="not offered"):
        resources.take_port([ports(5, 7)], 8)


@given(
    parts=st.lists(st.integers(1, 5000), min_size=1, max_size=4),
    share=st.integers(1, 1000),
)
def test_taking_neither_loses_nor_creates_resources(parts: list[int], share: int) -> None:
    offered = [scalar("cpus", part / 1000) for part in parts]
    amount = sum(parts) * share // 1000 / 1000
    taken, left = resources.take(offered, "cpus", amount)
    assert resources.total(taken, "cpus") == pytest.approx(amount)
    assert resources.total(taken, "cpus") + resources.total(left, "cpus") == pytest.approx(
        resources.total(offered, "cpus")
    )
