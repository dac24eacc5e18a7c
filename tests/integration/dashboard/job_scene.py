"""Jobs on the dashboard in these tests: some of each kind, hostile where others write it."""

import base64
import dataclasses
import time
from typing import Any

from framework.ports import RepositoryFile
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState
from prevs.records import EndedAttempt, Failure
from prevs.states import Cause
from prevs.work import Progress
from tests.fakes.dashboard import Dashboard
from tests.fakes.sandboxes import artifact_files
from tests.integration.dashboard.scene import HOSTILE, SHA

SETTINGS = b"""\
[jobs.report]
command = ["python", "report.py"]
timeout = 900
retries = 3

[jobs.clean]
command = ["sh", "-c", "find /tmp -mtime +1 -delete; echo '<img src=x>'"]
"""
RUNNING, QUEUED, FAILED, DONE = "r" * 16, "q" * 16, "f" * 16, "d" * 16
NAMED = JobSettings(("python", "report.py"), timeout=900, retries=3)
MIGRATE = JobSettings(("python", "manage.py", "migrate"))


AT: dict[str, Any] = {"agent_id": "S1", "agent_host": "10.0.0.7", "tries": 1}
"""Where a job's attempt ran."""


def name_jobs(dashboard: Dashboard) -> None:
    """Let the commit of the branch main name its jobs."""
    file = RepositoryFile("file", len(SETTINGS), SETTINGS)
    dashboard.refs.files["hello", SHA, ".prevs.toml"] = file


def put_job(dashboard: Dashboard, job_id: str, state: JobState, **fields: Any) -> JobRecord:
    """Add a job of hello at main that was requested a minute ago."""
    now = time.time()
    usual = JobRecord("hello", job_id, SHA, "main", MIGRATE, state, by="ci", created=now - 60)
    job = dataclasses.replace(usual, **{"changed": now - 9, **fields})
    dashboard.jobs.command(lambda _: None)  # the records get the apps
    return dashboard.jobs.records.jobs.add_all([job], {})[0]


def put_jobs(dashboard: Dashboard) -> None:
    """Add one job of each kind, and a group of them."""
    now = time.time()
    lost = EndedAttempt(
        1, "t1", now - 50, now - 40, "S1", "10.0.0.7", "running", Cause.TASK_LOST, None, HOSTILE
    )
    name_jobs(dashboard)
    _put_active(dashboard, now, lost)
    _put_ended(dashboard, now, lost)
    states = [*[JobState.SUCCEEDED] * 6, *[JobState.RUNNING] * 2, *[JobState.QUEUED] * 4]
    for number, state in enumerate([JobState.FAILED, JobState.CANCELLED, *states]):
        task = f"g{number}"
        put_job(dashboard, f"g{number:015}", state, group="import-1204", **AT, task_id=task)
    dashboard.sandboxes.output["t2"] = b"\x1b[32mreading\x1b[0m <b>orders</b>\n"
    files = {f"{'reports/' * 9}<img src=x> 100 %.csv": bytes(48_213), "index.html": b"<b>"}
    dashboard.sandboxes.files["t4"] = artifact_files(files)
    dashboard.sandboxes.output["t1"] = b"the first\n"


def _put_active(dashboard: Dashboard, now: float, lost: EndedAttempt) -> None:
    put_job(
        dashboard,
        RUNNING,
        JobState.RUNNING,
        **{**AT, "tries": 2},
        name="report",
        terms=NAMED,
        task_id="t2",
        began=now - 30,
        attempts=(lost,),
        progress=Progress(40, f"half way {HOSTILE}"),
        payload_size=13,
    )
    put_job(dashboard, QUEUED, JobState.QUEUED, reason=f"No agent has 2048 MB free. {HOSTILE}")


def _put_ended(dashboard: Dashboard, now: float, lost: EndedAttempt) -> None:
    put_job(
        dashboard,
        FAILED,
        JobState.FAILED,
        **AT,
        label=HOSTILE,
        terms=JobSettings(("sh", "-c", HOSTILE * 9)),
        task_id="t3",
        began=now - 20,
        exit_code=3,
        failure=Failure(Cause.APP_EXITED, f"The command exited with code 3. {HOSTILE}", 3),
    )
    result = f'{{"total": 1204}} {HOSTILE}\n'.encode()
    put_job(
        dashboard,
        DONE,
        JobState.SUCCEEDED,
        **AT,
        name="report",
        terms=NAMED,
        task_id="t4",
        began=now - 20,
        exit_code=0,
        result=base64.b64encode(result).decode(),
        result_size=len(result),
        attempts=(dataclasses.replace(lost, task_id="t4", cause=None, why="", exit_code=0),),
    )
