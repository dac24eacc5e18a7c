import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from framework.ports import RepositoryFile
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState
from tests.fakes.dashboard import Dashboard, Visitor
from tests.unit.framework.dashboard.conftest import SHA

FILE = b"""\
[jobs.report]
command = ["python", "report.py", "a & b"]
retries = 3
"""
JOBS = "/apps/hello/jobs"


@pytest.fixture
def dashboard(dashboard: Dashboard) -> Dashboard:
    """The commit of main names a job."""
    dashboard.refs.files["hello", SHA, ".prevs.toml"] = RepositoryFile("file", len(FILE), FILE)
    return dashboard


def start(visitor: Visitor, job: str = "report", **fields: str) -> str:
    """Start a job by the form, and return its id."""
    answer = visitor.act(JOBS, job=job, label="main", **{"payload": "", "key": "", **fields})
    assert answer.status_code == 303, answer.text
    place, _, did = answer.headers["Location"].partition("?")
    assert did == "did=start-job"
    return place.removeprefix(f"{JOBS}/")


def put(dashboard: Dashboard, number: int, state: JobState, **fields: Any) -> Sequence[str]:
    """Add so many jobs of hello, and return their ids."""
    terms = JobSettings(("work",))
    made = (
        JobRecord("hello", f"{n:a>16}", SHA, "main", terms, state, created=n) for n in range(number)
    )
    jobs = [dataclasses.replace(job, **{"changed": job.created, **fields}) for job in made]
    dashboard.jobs.command(lambda _: None)  # the records get the apps
    return [job.id for job in dashboard.jobs.records.jobs.add_all(jobs, {})]
