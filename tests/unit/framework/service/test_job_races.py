"""A cancel, what the executor reports and a new leader, in any order that can happen."""

from hypothesis import given
from hypothesis import strategies as st

from framework.jobs.errors import HasEnded
from prevs.jobs import ENDED, JobState
from prevs.states import Cause, Phase
from tests.fakes.driven import Driven
from tests.fakes.driven_jobs import Jobs

REPORTS = (("TASK_STARTING", Phase.STARTING), ("TASK_RUNNING", Phase.RUNNING))
LAST = {
    "TASK_FINISHED": JobState.SUCCEEDED,
    "TASK_KILLED": JobState.CANCELLED,
    "TASK_FAILED": JobState.CANCELLED,
}
"""How a cancelled job ends by the last report of its executor."""


@given(
    st.integers(0, len(REPORTS) + 1),
    st.sampled_from(sorted(LAST)),
    st.lists(st.integers(0, len(REPORTS)), max_size=2),
    st.booleans(),
)
def test_a_job_that_is_cancelled_while_it_ends_has_one_end_and_never_starts_again(
    cancelled: int, last: str, repeated: list[int], anew: bool
) -> None:
    """The cancel comes before the report of this number; some reports come twice."""
    driven = Driven()
    driven.add_app()
    jobs = Jobs(driven)
    job_id = jobs.place(retries=3)
    reports = [*REPORTS, (last, Phase.ENDED)]
    for number, (state, phase) in enumerate(reports):
        if number == cancelled:
            jobs.cancel(job_id)
            assert jobs.find(job_id).state is JobState.ENDING
        for _ in range(1 + repeated.count(number)):
            cause = Cause.APP_EXITED if state == "TASK_FAILED" else None
            jobs.report(job_id, state, phase, cause=cause)
    late = cancelled == len(reports)
    if late:
        try:
            jobs.cancel(job_id)
        except HasEnded:
            assert last == "TASK_FINISHED"
        else:
            assert jobs.find(job_id).state is JobState.CANCELLED, "it waited for its next try"
    if anew:
        jobs = Jobs(Driven(driven.znodes, driven.clock))
    ended = jobs.find(job_id)
    assert ended.state in ENDED
    assert ended.state is LAST[last]
    jobs.driven.tick(4000.0)
    jobs.offer(name="later")
    assert jobs.find(job_id) == ended
    assert ended.tries == 1
