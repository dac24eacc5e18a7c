import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.jobs import ids, ranks
from framework.matching.match import Rank
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord


def _job(priority: int, created: float = 0.0) -> JobRecord:
    work = dataclasses.replace(JobSettings(("true",)), priority=priority)
    return JobRecord("shop", "a" * 16, "b" * 40, "main", work, created=created)


def test_high_priorities_come_first_and_previews_that_were_requested_before_all() -> None:
    found = [ranks.rank(_job(priority), 0.0) for priority in (2, 1, 0)]
    assert Rank.AWAITED < found[0] < found[1] < found[2] < Rank.AHEAD


@pytest.mark.parametrize(("waited", "steps"), [(0, 0), (599, 0), (600, 1), (1800, 3)])
def test_a_job_rises_by_a_step_every_ten_minutes(waited: float, steps: int) -> None:
    assert ranks.rank(_job(0), waited) == ranks.rank(_job(0), 0.0) - steps


@given(st.integers(0, 2), st.floats(0, 1e9), st.floats(-1e6, 1e6))
def test_no_job_comes_before_a_visitor_or_after_a_build_ahead(
    priority: int, waited: float, created: float
) -> None:
    found = ranks.rank(_job(priority, created), created + waited)
    assert Rank.AWAITED < found < Rank.AHEAD


@given(st.integers(0, 2))
def test_after_its_bound_a_job_comes_before_every_job_that_came_later(priority: int) -> None:
    bound = 4 * ranks.STEP_SECONDS
    old, new = _job(priority), _job(2, created=bound)
    assert ranks.rank(old, bound) <= ranks.rank(new, bound)


def test_the_same_request_gets_the_same_id_and_others_get_others() -> None:
    one = ids.of_request("shop", "ci", "key", 0)
    assert ids.is_id(one)
    assert one == ids.of_request("shop", "ci", "key", 0)
    others = {
        ids.of_request("shop", "ci", "key", 1),
        ids.of_request("shop", "ci", "other", 0),
        ids.of_request("shop", "me", "key", 0),
        ids.of_request("news", "ci", "key", 0),
        ids.of_schedule("shop", "ci", 0.0),
    }
    assert len(others | {one}) == 6
