"""Whatever step of a time a leader dies in, the time makes exactly one job."""

import pytest

from prevs.schedules import Overlap
from tests.fakes.mishaps import Died, Fate
from tests.fakes.schedule_story import NINE, Story


@pytest.mark.parametrize("fate", [Fate.DIES_BEFORE, Fate.DIES_AFTER])
@pytest.mark.parametrize("overlap", Overlap)
def test_a_leader_that_dies_at_any_step_of_a_time_leaves_exactly_one_job(
    schedules: Story, fate: Fate, overlap: Overlap
) -> None:
    schedules.put(overlap=overlap)
    # It has asked for the commit, and has no answer yet.
    schedules.driven.manifests.silent = True
    schedules.until(NINE)
    assert schedules.driven.manifests.labels == ["main"]
    with pytest.raises(Died):
        schedules.take_over(fates=[fate])
    third = schedules.take_over()
    (job,) = third.jobs()
    assert job.nominal == NINE
    assert (third.schedule.last, third.schedule.count) == (NINE, 1)
    last = third.take_over()
    assert [one.id for one in last.jobs()] == [job.id]


@pytest.mark.parametrize("fate", [Fate.LOST, Fate.REFUSED, Fate.UNANSWERED])
def test_a_write_without_an_answer_makes_one_job_whether_it_has_happened_or_not(
    schedules: Story, fate: Fate
) -> None:
    schedules.put()
    schedules.driven.mishaps.plan([fate])
    schedules.until(NINE)
    assert schedules.jobs() == []
    schedules.driven.tick()
    (job,) = schedules.jobs()
    after = schedules.take_over()
    assert [one.id for one in after.jobs()] == [job.id]
    assert after.schedule == schedules.schedule
    assert after.schedule.count == 1


def test_a_leader_that_dies_while_it_takes_back_a_write_leaves_one_job(schedules: Story) -> None:
    schedules.put()
    schedules.driven.mishaps.plan([Fate.UNANSWERED, Fate.DIES_AFTER])
    schedules.until(NINE)
    with pytest.raises(Died):
        schedules.driven.tick()
    after = schedules.take_over()
    assert after.times() == [NINE]
    assert after.schedule.count == 1
