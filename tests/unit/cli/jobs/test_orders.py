"""The orders for jobs, and how they are divided into requests."""

import itertools
import json

from hypothesis import given
from hypothesis import strategies as st

from cli.jobs.orders import MOST_JOBS, MOST_SIZE, Order, split, with_payload


@given(st.lists(st.integers(0, 65536), max_size=30), st.integers(0, 2500))
def test_each_request_is_small_enough_and_all_jobs_are_requested_once_in_order(
    sizes: list[int], more: int
) -> None:
    orders: list[Order] = [with_payload({"label": "main"}, b"x" * size, "it") for size in sizes]
    orders += [{"label": "main", "number": number} for number in range(more)]
    portions = list(split(orders))
    assert [order for portion in portions for order in portion] == orders
    for portion in portions:
        assert 0 < len(portion) <= MOST_JOBS
        assert sum(len(json.dumps(order)) for order in portion) <= MOST_SIZE
    for portion, following in itertools.pairwise(portions):
        size = sum(len(json.dumps(order)) for order in [*portion, following[0]])
        assert len(portion) == MOST_JOBS or size > MOST_SIZE
