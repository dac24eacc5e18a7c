"""Schedules on the dashboard in these tests: one in each condition, hostile where others write."""

import dataclasses
import time
from typing import Any

from framework.ports.notifications import CallbackTry, LastTry
from framework.schedules.file_schedules import FileTrouble
from prevs.jobs import Callback, CallbackState, JobState
from prevs.records import Mistake
from prevs.schedules import Missed, Overlap, ScheduleRecord, SkippedTime
from tests.fakes.dashboard import Dashboard
from tests.integration.dashboard.job_scene import AT, NAMED, put_job
from tests.integration.dashboard.scene import HOSTILE, SHA

MADE, UNTOLD = "s" * 16, "u" * 16


def put_schedule(dashboard: Dashboard, name: str, **fields: Any) -> ScheduleRecord:
    """Add a schedule of hello at main that was written an hour ago."""
    hour_ago = time.time() - 3600
    usual = ScheduleRecord("hello", name, "main", "report", cron="30 2 * * *", token="ci")
    written = dataclasses.replace(usual, created=hour_ago, last=hour_ago)
    dashboard.jobs.command(lambda _: None)  # the records get the apps
    return dashboard.schedules.save(dataclasses.replace(written, **fields))


def put_schedules(dashboard: Dashboard) -> None:
    """Add schedules that have made jobs and none, that wait and are paused, and their jobs."""
    now = int(time.time())
    berlin: dict[str, Any] = {"zone": "Europe/Berlin", "from_file": True, "token": ""}
    put_schedule(dashboard, "nightly", count=12, spread=600.0, **berlin)
    skipped = tuple(SkippedTime(now - 60 * at, f"{HOSTILE} (overlap is skip).") for at in (9, 5, 2))
    hourly: dict[str, Any] = {"cron": "", "every": 5400, "overlap": Overlap.QUEUE, "times": 9}
    words = ("sh", "-c", HOSTILE * 3)
    command: dict[str, Any] = {"job": "", "command": words, "token": HOSTILE}
    put_schedule(dashboard, "clean", skipped=skipped, last=now - 120.0, **hourly | command)
    put_schedule(dashboard, "quarterly-report-of-all-orders-to-the-office", paused=True)
    limits: dict[str, Any] = {"missed": Missed.NONE, "deadline": 900.0, "start_at": now + 90}
    put_schedule(dashboard, "waits", cron="0 6 * * mon-fri", **limits)
    dashboard.schedules.hindrances["hello", "waits"] = f"The repository is away: {HOSTILE}"
    mistakes = (Mistake(3, HOSTILE),)
    dashboard.schedules.file_troubles["hello"] = FileTrouble("main", SHA, HOSTILE, mistakes)
    _put_jobs(dashboard, now)


def _put_jobs(dashboard: Dashboard, now: int) -> None:
    made: dict[str, Any] = {"name": "report", "terms": NAMED, "schedule": "nightly", **AT}
    told = Callback("ci", CallbackState.TOLD, now - 8.0, 204)
    nominal = now - 1800.0
    put_job(dashboard, MADE, JobState.SUCCEEDED, **made, nominal=nominal, callback=told)
    untold = {"callback": Callback("ci"), "exit_code": 3}
    put_job(dashboard, UNTOLD, JobState.FAILED, **made, **untold)
    failed = LastTry(now - 30.0, None, f"ci.example.org cannot be reached ({HOSTILE}).")
    dashboard.callback_tries["hello", UNTOLD] = CallbackTry(failed, now + 95.0)
