"""The jobs in the documentation's pictures, at the fixed time of scenes.NOW."""

import dataclasses
from typing import Any

from framework.jobs import ids
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState
from prevs.records import Failure
from prevs.states import Cause
from prevs.work import Progress
from tests.fakes.dashboard import Dashboard
from tests.integration.docs.scenes import MAIN, NOW, SEARCH

_IMPORT = JobSettings(("python", "import.py"))
_REPORT = JobSettings(("python", "report.py"), timeout=900.0, retries=3)
_MIGRATE = JobSettings(("python", "manage.py", "migrate"))
_TEST = JobSettings(("make", "test"))
_WAITS = "No agent has 512 MB free; the most is 384."
_NO_DISCOUNT = Failure(Cause.APP_EXITED, "The command exited with code 2.", 2)


def fill(dashboard: Dashboard) -> None:
    """Have jobs of a shop that run, wait and have ended, some of them in a group."""
    running: dict[str, Any] = {"agent_id": "S2", "agent_host": "agent2.example.org", "tries": 1}
    ended: dict[str, Any] = {**running, "began": NOW - 700}
    group: dict[str, Any] = {"terms": _IMPORT, "name": "import", "group": "import-1204"}
    jobs = [
        _job("report", JobState.RUNNING, 95, terms=_REPORT, name="report", **running),
        _job("migrate", JobState.QUEUED, 40, terms=_MIGRATE, reason=_WAITS),
        _job("tests", JobState.FAILED, 700, terms=_TEST, failure=_NO_DISCOUNT, **ended),
        _job("yesterday", JobState.SUCCEEDED, 720, terms=_REPORT, name="report", **ended),
    ]
    jobs[0] = dataclasses.replace(jobs[0], began=NOW - 90, progress=Progress(40, "1,204 orders"))
    jobs[2] = dataclasses.replace(jobs[2], sha=SEARCH, label="live-search", exit_code=2)
    states = [*[JobState.SUCCEEDED] * 61, *[JobState.FAILED] * 3, *[JobState.RUNNING] * 8]
    states += [JobState.QUEUED] * 28
    jobs += [_job(f"i{at}", state, 300, **running, **group) for at, state in enumerate(states)]
    dashboard.jobs.command(lambda _: dashboard.jobs.records.jobs.add_all(jobs, {}))


def _job(key: str, state: JobState, age: float, **fields: Any) -> JobRecord:
    """Return a job of the shop's main branch, requested `age` seconds ago; `key` is its own."""
    job_id = ids.of_request("shop", "ci", key, 0)
    usual = JobRecord("shop", job_id, MAIN, "main", _TEST, state, by="ci")
    return dataclasses.replace(usual, created=NOW - age, changed=NOW - age / 2, **fields)
