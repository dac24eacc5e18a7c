import threading

import pytest

from framework.errors import UnknownApp
from framework.jobs.errors import UnknownJob
from framework.jobs.orders import JobOrder
from framework.service.jobs.job_service import Jobs
from prevs.job_settings import JobSettings
from prevs.jobs import JobState
from tests.fakes.driven import A, Driven

ORDER = JobOrder("a" * 16, "hello", "main", A, JobSettings(("true",)))


def test_other_threads_request_jobs_on_the_services_thread_and_read_them_at_once(
    driven: Driven,
) -> None:
    jobs = Jobs(driven.service)
    with driven.running():
        (job,) = jobs.command(lambda commands: commands.request([ORDER]))
        assert jobs.snapshot.jobs["hello", job.id] == job
        assert jobs.find("hello", job.id) == job
        cancelled = jobs.command(lambda commands: commands.cancel("hello", job.id, by="me"))
        assert jobs.find("hello", job.id) == cancelled
        assert cancelled.state is JobState.CANCELLED
        thread = jobs.command(lambda _: threading.current_thread())
        assert thread is not threading.current_thread()
        with pytest.raises(UnknownJob):
            jobs.find("hello", "b" * 16)
        with pytest.raises(UnknownApp):
            jobs.find("news", job.id)


def test_jobs_are_counted_by_state(driven: Driven) -> None:
    driven.service.job_commands.request([ORDER, ORDER._replace(id="b" * 16)])
    driven.service.job_commands.cancel("hello", ORDER.id, by="me")
    driven.step()
    for state, number in [("queued", 1), ("cancelled", 1), ("running", 0)]:
        found = driven.registry.get_sample_value("prevs_jobs", {"state": state})
        assert found == number
